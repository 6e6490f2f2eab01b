import { describe, expect, test } from 'bun:test';
import { chmod, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { profileFor, profileIn, readFinchYaml } from '../../src/config/finch-yaml.ts';
import type { FinchYaml } from '../../src/config/finch-yaml-shape.ts';
import { temporaryFolder } from '../support/temporary.ts';

const GIB = 1024 ** 3;
const HOST = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';

/** What a file with that text says. */
async function reading(text: string | Uint8Array, only?: keyof FinchYaml): Promise<FinchYaml> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'finch.yaml');
  await Bun.write(path, text);
  return await readFinchYaml(path, only === undefined ? {} : { only: [only] }).catch(
    (error: Error) => {
      error.message = error.message.replace(folder.path, '');
      throw error;
    },
  );
}

describe('readFinchYaml()', () => {
  test('reads the keys that finch knows among others', async () => {
    const config = await reading(
      `cpus: 3 # three\nmemory: 4GiB\ncreds_helpers:\n    - ecr-login\n    -\necr:\n  other: 1\n  registries:\n    "${HOST}": { profile: dev }\n    "*":\nunknown: [1]\n`,
    );
    expect(config).toEqual({
      cpus: 3,
      memory: 4 * GIB,
      creds_helpers: ['ecr-login'],
      ecr: { registries: new Map([[HOST, { profile: 'dev' }]]) },
    });
  });

  test.each([
    ['an empty file', ''],
    ['comments alone', '# nothing\n'],
    ['empty keys', 'creds_helpers:\necr:\n'],
    ['JSON', '{"other": 3}'],
  ])('reads %s as nothing', async (_, text) => {
    expect(await reading(text)).toEqual({ creds_helpers: undefined, ecr: undefined });
  });

  test('takes no file for an empty one', async () => {
    expect(await readFinchYaml('/nowhere/finch.yaml')).toEqual({
      creds_helpers: undefined,
      ecr: undefined,
    });
  });

  test.each([
    [
      'a text for a list',
      'cpus: 3\ncreds_helpers: ecr-login\n',
      ':2:16: "creds_helpers" is not a list',
    ],
    ['a number in a list', 'creds_helpers:\n  - a\n  - 5\n', ':3:5: "creds_helpers" is not a text'],
    ['a list for a map', 'ecr: []\n', ':1:6: "ecr" is not a map of keys to values'],
    [
      'a number for a profile',
      `ecr:\n  registries:\n    a: { profile: 012 }\n`,
      ':3:19: "profile" is not a text',
    ],
    ['a text alone', 'hello', ':1:1: the file is not a map of keys to values'],
    ['a key that is there twice', 'a: 1\na: 2\n', ':2:1: "a" stands here for a second time'],
    ['a list without its end', 'a: [1,\nb: 2\n', /:\d+:\d+: this is not YAML: /],
    [
      'two documents',
      'a: 1\n---\nb: 2\n',
      ':2:1: a second document begins, and there may be only one',
    ],
    [
      'a misspelt key of a registry',
      `ecr:\n  registries:\n    a: { profil: alice }\n`,
      ':3:18: "profil" is unknown here, known are: profile',
    ],
    ['a list that holds itself', 'a: &a\n  - [*a]\n', ':2:6: "a" holds itself'],
    ['an alias of nothing', 'a: *b\n', ':1:4: "b" is the name of nothing that stands before it'],
    [
      'aliases of aliases of aliases',
      `a: &a [x]\nb: &b [${Array(40).fill('*a').join()}]\nc:\n- [${Array(40).fill('*b').join()}]\n`,
      ':4:13: "b" stands here too often, with all that it names',
    ],
    [
      'a folder of the system',
      'additional_directories:\n- /srv/data\n- path: /srv/../etc/\n',
      ':3:9: "/srv/../etc/" is a folder of the system',
    ],
    [
      'a way out of the home folder',
      'additional_directories: [~/../x]\n',
      ':1:26: "~/../x" leads out of the home folder',
    ],
    ['lists without end', '['.repeat(100_000), / (?:is nested too deeply|this is not YAML: .*)$/],
  ])('says where there is %s', async (_, text, message) => {
    const failure = await reading(text).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'CONFIG_INVALID', hint: expect.any(String) });
    expect((failure as Error).message).toMatch(
      typeof message === 'string' ? `/finch.yaml${message}` : message,
    );
  });

  test('finds nothing wrong with keys that are not asked for', async () => {
    const text = 'cpus: 0\nvmType: 3\necr: {registries: {a: {profile: b}}}\nlimactl: x\n';
    const config = await reading(text, 'ecr');
    expect(config).toEqual({ ecr: { registries: new Map([['a', { profile: 'b' }]]) } });
    await expect(reading(text, 'limactl')).rejects.toMatchObject({
      message: '/finch.yaml:4:10: "x" is not an absolute path',
    });
  });

  test('says where a role belongs that stands at a registry', async () => {
    const text = `ecr: {registries: {a: {profile: alice, role_arn: x}}}`;
    await expect(reading(text, 'ecr')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: '/finch.yaml:1:50: "role_arn" is unknown here, known are: profile',
      hint: 'put the role into a profile of ~/.aws/config, and name that here, as: profile: NAME',
    });
  });

  test('reads a file that begins with a byte order mark', async () => {
    expect(await reading('\ufeffcreds_helpers: [a]\n')).toMatchObject({ creds_helpers: ['a'] });
    await expect(reading('\ufeffcreds_helpers: a\n')).rejects.toMatchObject({
      message: '/finch.yaml:1:16: "creds_helpers" is not a list',
    });
  });

  test('compares no key with all others', async () => {
    const text = Array.from({ length: 60_000 }, (_, i) => `key${i}: 1`).join('\n');
    await expect(reading(`${text}\nkey7: 2\n`)).rejects.toMatchObject({
      message: '/finch.yaml:60001:1: "key7" stands here for a second time',
    });
  }, 30_000);

  test('is not led to write a text out for ever', async () => {
    const lines = Array.from({ length: 12 }, (_, i) =>
      i === 0 ? 'a0: &a0 [x]' : `a${i}: &a${i} [${Array(10).fill(`*a${i - 1}`)}]`,
    );
    await expect(reading(lines.join('\n'))).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test.each([
    ['what is no text', new Uint8Array([0xff, 0xfe, 0x00]), 'is not UTF-8 text'],
    ['more than 1 MiB', `# ${'x'.repeat(1024 * 1024)}`, 'is larger than 1 MiB'],
  ])('refuses %s', async (_, text, message) => {
    await expect(reading(text)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `/finch.yaml ${message}`,
    });
  });

  test('does not read a folder, a device or what is forbidden', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'finch.yaml');
    await mkdir(path);
    await expect(readFinchYaml(path)).rejects.toMatchObject({ code: 'IO' });
    const device = join(folder.path, 'device');
    await symlink('/dev/zero', device);
    await expect(readFinchYaml(device)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    if (process.getuid?.() === 0) return;
    const secret = join(folder.path, 'secret');
    await Bun.write(secret, 'a: 1');
    await chmod(secret, 0);
    await expect(readFinchYaml(secret)).rejects.toMatchObject({ code: 'IO' });
  });

  test.each(['this: [is broken', 'creds_helpers: [ecr-login', '# no ecr here\na: ['])(
    'parses nothing when the one key that is wanted does not stand there: %j',
    async (text) => {
      expect(await reading(text, 'ecr')).toEqual({ creds_helpers: undefined, ecr: undefined });
      await expect(reading(text)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    },
  );

  test.each([
    'ecr: {registries: {a: {profile: b}}}',
    'cpus: 3\n"ecr" : {registries: {a: {profile: b}}}',
    "{cpus: 3,'ecr':{registries: {a: {profile: b}}}}",
    '? ecr # mine\n: {registries: {a: {profile: b}}}',
    '"\\x65cr": {registries: {a: {profile: b}}}',
    'a: &x ecr\n*x : {registries: {a: {profile: b}}}',
  ])('finds the one key that is wanted: %j', async (text) => {
    const { ecr } = await reading(text, 'ecr');
    expect(ecr?.registries).toEqual(new Map([['a', { profile: 'b' }]]));
  });
});

describe('profileFor()', () => {
  const config = (patterns: readonly string[]): FinchYaml => ({
    creds_helpers: undefined,
    ecr: { registries: new Map(patterns.map((pattern) => [pattern, { profile: pattern }])) },
  });

  test.each([
    [HOST, HOST],
    ['111122223333.dkr.ecr.*.amazonaws.com', HOST],
    ['*.amazonaws.com', HOST],
    ['*', HOST],
    ['1111*ecr*west*.com', HOST],
    ['PUBLIC.ECR.AWS', 'public.ecr.aws'],
    ['public.ecr.aws', 'Public.Ecr.Aws:443'],
  ])('%s is a pattern for %s', (pattern, host) => {
    expect(profileFor(config([pattern]), host)).toBe(pattern);
  });

  test.each([
    ['111122223333.dkr.ecr.*.amazonaws.com', '111122223333.dkr.ecr.eu-west-1.amazonaws.com.cn'],
    ['111122223333.dkr.ecr.*.amazonaws.com', 'x111122223333.dkr.ecr.eu.amazonaws.com'],
    ['aba*ba', 'aba'],
    ['a?b', 'aab'],
    ['a.b', 'acb'],
    ['', 'a'],
  ])('%s is none for %s', (pattern, host) => {
    expect(profileFor(config([pattern]), host)).toBeUndefined();
  });

  test('takes the most exact pattern, and among equals the first', () => {
    const account = '111122223333.dkr.ecr.*.amazonaws.com';
    const region = '*.dkr.ecr.eu-west-1.amazonaws.com';
    expect(profileFor(config(['*', account, HOST]), HOST)).toBe(HOST);
    expect(profileFor(config(['*', account]), HOST)).toBe(account);
    expect(profileFor(config(['*west-1.*', '*eu-west.*', '*west-1*m']), HOST)).toBe('*west-1.*');
    expect(profileFor(config([region, account]), HOST)).toBe(account);
  });

  test('is read from the finch.yaml of a home, where there is one', async () => {
    await using folder = await temporaryFolder();
    expect(await profileIn(folder.path, HOST)).toBeUndefined();
    const text = `ecr: {registries: {"1111*": {profile: dev}}}`;
    await Bun.write(join(folder.path, 'finch.yaml'), text);
    expect(await profileIn(folder.path, HOST)).toBe('dev');
    expect(await profileIn(folder.path, 'public.ecr.aws')).toBeUndefined();
  });

  test('takes no long time for a hostile pattern', () => {
    expect(profileFor(config([`${'*a'.repeat(10_000)}b`]), 'a'.repeat(250))).toBeUndefined();
  });
});
