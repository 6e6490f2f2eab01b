import { describe, expect, test } from 'bun:test';
import { chmod, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setUpEcr, unsetEcr } from '../../src/setup/ecr-setup.ts';
import { reconcileHelpers } from '../../src/setup/reconcile-helpers.ts';
import { CANARY } from '../support/canary.ts';
import { temporaryFolder } from '../support/temporary.ts';

const HOST = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const AUTH = Buffer.from(`me:${CANARY}`).toString('base64');
const NAMED = 'cpus: 3 # mine\ncreds_helpers:\n    - ecr-login\n';
const GUIDE = '{\n  "credsStore": "ecr-login"\n}\n';
const HELPER = 'cred-helpers/docker-credential-ecr-login';
const WROTE = 'wrote ~/config.json, as creds_helpers in finch.yaml name ecr-login';

describe('the creds_helpers of finch.yaml', () => {
  test('install finch as ecr-login, and say it in config.json as the user guide does', async () => {
    await using at = await bench({ 'finch.yaml': NAMED });
    expect(await at.reconcile()).toEqual([`installed ~/${HELPER}`, WROTE]);
    expect(await at.text('config.json')).toBe(GUIDE);
    expect((await stat(join(at.home, HELPER))).ino).toBe((await stat(at.program)).ino);
    expect(await at.text('finch.yaml')).toBe(NAMED);
  });

  test('are done once: the next start writes nothing and says nothing', async () => {
    await using at = await bench({ 'finch.yaml': NAMED });
    await at.reconcile();
    const before = await at.times();
    expect(await at.reconcile()).toEqual([]);
    expect(await at.times()).toEqual(before);
  });

  test('that name nothing make nothing, not even a record', async () => {
    await using at = await bench({ 'finch.yaml': 'cpus: 3\n' });
    expect(await at.reconcile()).toEqual([]);
    expect(await readdir(at.home)).toEqual(['finch.yaml']);
  });

  test('that name ecr-login no more take back just what was written', async () => {
    await using at = await bench({ 'finch.yaml': NAMED });
    await at.reconcile();
    await Bun.write(join(at.home, 'finch.yaml'), 'cpus: 3\n');
    expect(await at.reconcile()).toEqual([
      'removed ~/config.json, as creds_helpers in finch.yaml no longer name ecr-login',
      `removed ~/${HELPER}`,
    ]);
    expect(await at.files()).toEqual(['finch.yaml']);
    expect(await at.reconcile()).toEqual([]);
  });

  test.each([
    ['{"auths":{"a.example":{}}, "detachKeys" : "ctrl-x"}', 'one line'],
    ['{\n\t"HttpHeaders": {"A": "b"},\n\n\t"auths": {}\n}', 'tabs'],
    ['{"credsStore": ""}', 'an empty credsStore'],
  ])('keep all other bytes of config.json: %p', async (text) => {
    await using at = await bench({ 'finch.yaml': NAMED, 'config.json': text });
    expect(await at.reconcile()).toContain(WROTE);
    const after: unknown = JSON.parse(await at.text('config.json'));
    expect(after).toEqual({ ...JSON.parse(text), credsStore: 'ecr-login' });
    await Bun.write(join(at.home, 'finch.yaml'), '');
    await at.reconcile();
    expect(await at.text('config.json')).toBe(text);
  });

  test('leave what the user wrote, in both directions', async () => {
    await using at = await bench({ 'finch.yaml': NAMED, 'config.json': GUIDE });
    expect(await at.reconcile()).toEqual([`installed ~/${HELPER}`]);
    await Bun.write(join(at.home, 'finch.yaml'), '');
    expect(await at.reconcile()).toEqual([
      '~/config.json still names "credsStore": "ecr-login", which finch did not write: without that helper other programs find no login there; take it out',
      `removed ~/${HELPER}`,
    ]);
    expect(await at.reconcile()).toEqual([]);
    expect(await at.text('config.json')).toBe(GUIDE);
  });

  test('do not take the place of a credsStore that is no text, and say so', async () => {
    const text = '{"credsStore":5}';
    await using at = await bench({ 'finch.yaml': NAMED, 'config.json': text });
    const [, line] = await at.reconcile();
    expect(line).toStartWith('~/config.json keeps "credsStore": 5: finch itself logs in');
    await Bun.write(join(at.home, 'finch.yaml'), '');
    await at.reconcile();
    expect(await at.text('config.json')).toBe(text);
  });

  test('do not take the place of another credsStore, and say so', async () => {
    const text = '{"credsStore":"osxkeychain"}';
    await using at = await bench({ 'finch.yaml': NAMED, 'config.json': text });
    expect(await at.reconcile()).toEqual([
      `installed ~/${HELPER}`,
      '~/config.json keeps "credsStore": "osxkeychain": finch itself logs in to Amazon ECR all the same; for other programs, name your registries with: finch ecr setup',
    ]);
    expect(await at.text('config.json')).toBe(text);
  });

  test('hide no login from other programs, and say so', async () => {
    const text = JSON.stringify({ auths: { 'r.example': { auth: AUTH }, 'b.example': {} } });
    await using at = await bench({ 'finch.yaml': NAMED, 'config.json': text });
    const [, line = '', ...others] = await at.reconcile();
    expect(others).toEqual([]);
    expect(line).toStartWith('~/config.json does not get "credsStore": "ecr-login", ');
    expect(line).toContain('(r.example): finch itself logs in');
    expect(await at.text('config.json')).toBe(text);
  });

  test('leave what somebody has changed since, and say so', async () => {
    await using at = await bench({ 'finch.yaml': NAMED });
    await at.reconcile();
    await Bun.write(join(at.home, 'config.json'), '{"credsStore":"pass"}');
    await Bun.write(join(at.home, HELPER), 'another');
    await Bun.write(join(at.home, 'finch.yaml'), '');
    expect(await at.reconcile()).toEqual([
      '~/config.json: credsStore has been changed since, and stays',
      `~/${HELPER} has been changed, and stays`,
    ]);
    expect(await at.text('config.json')).toBe('{"credsStore":"pass"}');
    expect(await at.text(HELPER)).toBe('another');
    expect(await at.reconcile()).toEqual([]);
  });

  test('leave a helper that is the user’s own', async () => {
    await using at = await bench({ 'finch.yaml': NAMED, [HELPER]: 'the official one' });
    expect(await at.reconcile()).toEqual([WROTE]);
    await Bun.write(join(at.home, 'finch.yaml'), '');
    await at.reconcile();
    expect(await at.text(HELPER)).toBe('the official one');
  });

  test('get the helper of a newer finch in place of the older one', async () => {
    await using at = await bench({ 'finch.yaml': NAMED });
    await at.reconcile();
    await Bun.file(at.program).delete();
    await Bun.write(at.program, 'a newer finch');
    expect(await at.reconcile()).toEqual([`installed ~/${HELPER}`]);
    expect(await at.text(HELPER)).toBe('a newer finch');
  });

  test('name helpers that are the user’s own: only a missing one is said', async () => {
    const yaml = 'creds_helpers: [there, mine, gone, "../x"]\n';
    await using at = await bench({
      'finch.yaml': yaml,
      'cred-helpers/docker-credential-mine': '',
      'bin/docker-credential-there': '',
    });
    expect(await at.reconcile()).toEqual([
      'creds_helpers in finch.yaml: docker-credential-gone is neither on PATH nor in ~/cred-helpers',
      'creds_helpers in finch.yaml: "../x" is no name of a credential helper',
    ]);
    expect(await Bun.file(join(at.home, 'config.json')).exists()).toBe(false);
  });

  test.each([
    ['finch.yaml', 'creds_helpers: ecr-login\n'],
    ['config.json', '{"auths":'],
  ])('change nothing while %s is broken', async (name, text) => {
    await using at = await bench({ 'finch.yaml': NAMED, [name]: text });
    const before = await at.files();
    await expect(at.reconcile()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(await at.files()).toEqual(before);
  });

  test('change nothing while nobody knows what was set up', async () => {
    await using at = await bench({ 'finch.yaml': NAMED, 'ecr-setup.json': '{' });
    expect(await at.reconcile()).toEqual([
      'creds_helpers in finch.yaml change nothing: ~/ecr-setup.json is not what finch wrote',
    ]);
    expect(await Bun.file(join(at.home, 'config.json')).exists()).toBe(false);
  });
});

describe('finch ecr setup and the creds_helpers', () => {
  test('do not do each other’s work', async () => {
    await using at = await bench({});
    await at.setUp();
    const config = await at.text('config.json');
    expect(await at.reconcile()).toEqual([]);
    expect(await at.text('config.json')).toBe(config);
    await at.unset();
    expect(await at.reconcile()).toEqual([]);
    expect(await at.files()).toEqual([]);
  });

  test('of the user’s own stay as they are when setup comes and goes', async () => {
    await using at = await bench({ 'finch.yaml': NAMED });
    await at.reconcile();
    await at.setUp();
    expect(JSON.parse(await at.text('config.json'))).toEqual({
      credsStore: 'ecr-login',
      credHelpers: { [HOST]: 'ecr-login' },
    });
    expect(await at.reconcile()).toEqual([]);
    await at.unset();
    expect(await at.text('finch.yaml')).toBe(NAMED);
    expect(await at.text('config.json')).toBe(GUIDE);
    expect(await Bun.file(join(at.home, HELPER)).exists()).toBe(true);
    expect(await at.reconcile()).toEqual([]);
    await Bun.write(join(at.home, 'finch.yaml'), '');
    await at.reconcile();
    expect(await at.files()).toEqual(['finch.yaml']);
  });

  test('are there again after setup was taken back that had come first', async () => {
    await using at = await bench({ 'finch.yaml': NAMED });
    await at.setUp();
    await at.reconcile();
    await at.unset();
    await at.reconcile();
    expect(await at.text('config.json')).toBe(GUIDE);
    expect(await Bun.file(join(at.home, HELPER)).exists()).toBe(true);
    await Bun.write(join(at.home, 'finch.yaml'), '');
    await at.reconcile();
    expect(await Bun.file(join(at.home, HELPER)).exists()).toBe(false);
    expect(await Bun.file(join(at.home, 'ecr-setup.json')).exists()).toBe(false);
  });
});

/** A home with files, and a program that stands for finch. */
async function bench(files: Readonly<Record<string, string>>) {
  const folder = await temporaryFolder();
  const home = join(folder.path, 'home');
  const bin = join(home, 'bin');
  const program = join(folder.path, 'finch');
  await mkdir(home);
  await Bun.write(program, 'finch');
  await chmod(program, 0o755);
  for (const [name, text] of Object.entries(files)) await Bun.write(join(home, name), text);
  let said: string[] = [];
  const places = { home, configFile: join(home, 'config.json'), program };
  const report = (line: string) => void said.push(line.replaceAll(home, '~'));
  const setup = { ...places, report, show: () => {}, vm: undefined };
  const list = async () =>
    (await readdir(home, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.lock'))
      .map((entry) => join(entry.parentPath, entry.name).slice(home.length + 1))
      .toSorted();
  return {
    home,
    program,
    async reconcile() {
      said = [];
      await reconcileHelpers({ ...places, env: { PATH: bin }, report });
      return said;
    },
    setUp: () => setUpEcr({ hosts: [HOST], profile: undefined, isDryRun: false }, setup),
    unset: () => unsetEcr([], setup),
    text: (name: string) => Bun.file(join(home, name)).text(),
    files: list,
    async times() {
      const paths = (await list()).map((name) => join(home, name));
      return Promise.all(paths.map(async (path) => (await stat(path)).mtimeMs));
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
