import { describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { chmod, link, mkdir, readdir, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { parse } from 'yaml';
import { type SetupOptions, setUpEcr, unsetEcr } from '../../src/setup/ecr-setup.ts';
import type { SetupWishes } from '../../src/setup/plan-setup.ts';
import { CANARY } from '../support/canary.ts';
import { temporaryFolder } from '../support/temporary.ts';

const HOST = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const OTHER = '444455556666.dkr.ecr.us-east-1.amazonaws.com';
const AUTH = Buffer.from(`AWS:${CANARY}`).toString('base64');

interface Bench extends AsyncDisposable {
  readonly home: string;
  /** What was shown since the last look. */
  shown(): readonly string[];
  /** What was reported since the last look. */
  said(): readonly string[];
  setUp(wishes?: Partial<SetupWishes> & { isDryRun?: boolean }): Promise<void>;
  unset(...hosts: readonly string[]): Promise<void>;
  write(files: Readonly<Record<string, string>>): Promise<void>;
  /** The files of the home with their texts, but for locks. */
  files(): Promise<Readonly<Record<string, string>>>;
}

/** A home, and setting up in it. */
async function bench(options: Partial<SetupOptions> = {}): Promise<Bench> {
  const folder = await temporaryFolder();
  const home = join(folder.path, 'home');
  let shown: string[] = [];
  let said: string[] = [];
  const all: SetupOptions = {
    ...{ home, configFile: join(home, 'config.json'), program: undefined, vm: undefined },
    show: (line) => void shown.push(line.replaceAll(home, '~')),
    report: (line) => void said.push(line.replaceAll(home, '~')),
    ...options,
  };
  return {
    home,
    shown() {
      const lines = shown;
      shown = [];
      return lines;
    },
    said() {
      const lines = said;
      said = [];
      return lines;
    },
    setUp: (wishes = {}) =>
      setUpEcr({ hosts: [HOST], profile: undefined, isDryRun: false, ...wishes }, all),
    unset: (...hosts) => unsetEcr(hosts, all),
    async write(files) {
      await mkdir(home, { recursive: true });
      for (const [name, text] of Object.entries(files)) await Bun.write(join(home, name), text);
    },
    async files() {
      const names = await readdir(home, { recursive: true }).catch(() => []);
      const found: Record<string, string> = {};
      for (const name of names.filter((one) => !one.endsWith('.lock'))) {
        const path = join(home, name);
        if ((await stat(path)).isFile()) found[name] = await Bun.file(path).text();
      }
      return found;
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe('setUpEcr()', () => {
  test('writes both files where there are none, for this user alone', async () => {
    await using at = await bench();
    await at.setUp({ hosts: [HOST, 'public.ecr.aws'] });
    const files = await at.files();
    expect(files['finch.yaml']).toBe('creds_helpers:\n  - ecr-login\n');
    expect(JSON.parse(files['config.json'] ?? '')).toEqual({
      credHelpers: { [HOST]: 'ecr-login', 'public.ecr.aws': 'ecr-login' },
    });
    for (const name of ['finch.yaml', 'config.json', 'ecr-setup.json']) {
      expect((await stat(join(at.home, name))).mode & 0o777).toBe(0o600);
    }
    expect(at.shown()).toEqual([
      '--- /dev/null',
      '+++ ~/finch.yaml',
      '+creds_helpers:',
      '+  - ecr-login',
      '--- /dev/null',
      '+++ ~/config.json',
      '+{',
      '+  "credHelpers": {',
      `+    "${HOST}": "ecr-login",`,
      '+    "public.ecr.aws": "ecr-login"',
      '+  }',
      '+}',
    ]);
    expect(at.said()).toEqual([
      'wrote ~/finch.yaml',
      'wrote ~/config.json',
      'the virtual machine is not running, and needs no restart',
    ]);
  });

  test('changes nothing the second time', async () => {
    await using at = await bench();
    await at.setUp({ profile: 'dev' });
    const before = await at.files();
    at.shown();
    at.said();
    await at.setUp({ profile: 'dev' });
    expect(await at.files()).toEqual(before);
    expect(at.shown()).toEqual(['nothing to change']);
    expect(at.said()).toEqual([]);
  });

  test('takes stale logins out, and shows only their names', async () => {
    await using at = await bench();
    const auths = {
      [HOST]: { auth: AUTH },
      [`https://${HOST}/v2/`]: { auth: AUTH },
      'ghcr.io': { auth: AUTH, unknown: 1 },
    };
    await at.write({ 'config.json': JSON.stringify({ auths, credsStore: 'desktop', x: [1] }) });
    await at.setUp();
    expect(JSON.parse((await at.files())['config.json'] ?? '')).toEqual({
      auths: { 'ghcr.io': auths['ghcr.io'] },
      credsStore: 'desktop',
      x: [1],
      credHelpers: { [HOST]: 'ecr-login' },
    });
    const shown = at.shown();
    expect(shown).toEqual([
      '--- /dev/null',
      '+++ ~/finch.yaml',
      '+creds_helpers:',
      '+  - ecr-login',
      '--- ~/config.json',
      '+++ ~/config.json',
      `-{"auths":{"${HOST}":"…","https://${HOST}/v2/":"…","ghcr.io":"…"},"credsStore":"desktop","x":"…"}`,
      `+{"auths":{"ghcr.io":"…"},"credsStore":"desktop","x":"…","credHelpers":{"${HOST}":"ecr-login"}}`,
    ]);
    expect(shown.join('\n').includes(AUTH)).toBe(false);
    expect(((await at.files())['ecr-setup.json'] ?? '').includes(AUTH)).toBe(false);
  });

  test.each(['ecr-login', 'osxkeychain'])('leaves the credsStore %s alone', async (credsStore) => {
    await using at = await bench();
    await at.write({ 'config.json': JSON.stringify({ credsStore }) });
    await at.setUp();
    expect(JSON.parse((await at.files())['config.json'] ?? '')).toMatchObject({ credsStore });
    await at.unset();
    expect(JSON.parse((await at.files())['config.json'] ?? '')).toEqual({ credsStore });
  });

  test('names the profile of each registry, but where a pattern says the same', async () => {
    await using at = await bench();
    const yaml = 'ecr:\n  registries:\n    "1111*": { profile: dev } # all of mine\n';
    await at.write({ 'finch.yaml': yaml });
    await at.setUp({ hosts: [HOST, OTHER], profile: 'dev' });
    expect((await at.files())['finch.yaml']).toBe(
      `${yaml}    ${OTHER}:\n      profile: dev\ncreds_helpers:\n  - ecr-login\n`,
    );
  });

  test('shows nothing of finch.yaml that may be secret', async () => {
    await using at = await bench();
    const proxy = `http:\n  # ${CANARY}\n  password: ${CANARY}\n`;
    await at.write({ 'finch.yaml': `${proxy}env: { TOKEN: ${CANARY} }\n` });
    await at.setUp();
    expect(at.shown().slice(0, 6)).toEqual([
      '--- ~/finch.yaml',
      '+++ ~/finch.yaml',
      '   …',
      ' env: …',
      '+creds_helpers:',
      '+  - ecr-login',
    ]);
    await at.unset();
    await at.write({ 'finch.yaml': `{http: {password: ${CANARY}}}` });
    at.shown();
    await at.setUp();
    expect(at.shown().slice(2, 4)).toEqual([
      '-{http: …}',
      '+{http: …, creds_helpers: [ecr-login]}',
    ]);
    await at.unset();
    await at.write({ 'finch.yaml': `creds_helpers: [none] # ${CANARY}\n` });
    at.shown();
    await at.setUp();
    expect(at.shown().slice(2, 4)).toEqual([
      '-creds_helpers: [none] #…',
      '+creds_helpers: [none, ecr-login] #…',
    ]);
  });

  test('takes out the helper of a placeholder, and shows it', async () => {
    await using at = await bench();
    const placeholder = '<aws_account_id>.dkr.ecr.<region>.amazonaws.com';
    const credHelpers = { [placeholder]: 'ecr-login', 'ghcr.io': 'pass' };
    await at.write({ 'config.json': JSON.stringify({ auths: null, credHelpers }) });
    await at.setUp();
    expect(JSON.parse((await at.files())['config.json'] ?? '')).toEqual({
      auths: null,
      credHelpers: { 'ghcr.io': 'pass', [HOST]: 'ecr-login' },
    });
    expect(at.shown().filter((line) => line.includes(placeholder))).toEqual([
      `-{"auths":null,"credHelpers":{"${placeholder}":"ecr-login","ghcr.io":"pass"}}`,
    ]);
    await at.unset();
    expect(JSON.parse((await at.files())['config.json'] ?? '')).toEqual({
      auths: null,
      credHelpers: { 'ghcr.io': 'pass' },
    });
  });

  test('changes nothing when the helper cannot be installed', async () => {
    await using at = await bench({ program: process.execPath });
    const before = { 'cred-helpers': 'a file', 'config.json': '{}' };
    await at.write(before);
    await expect(at.setUp()).rejects.toMatchObject({
      code: 'IO',
      message: expect.stringMatching(
        /^cannot write .*cred-helpers.*: something else has that name$/,
      ),
      hint: expect.any(String),
    });
    expect(await at.files()).toEqual(before);
  });

  test('takes the helper away again when a file breaks meanwhile', async () => {
    await using folder = await temporaryFolder();
    const configFile = join(folder.path, 'config.json');
    const show = () => writeFileSync(configFile, '{');
    await using at = await bench({ program: process.execPath, configFile, show });
    const before = { 'finch.yaml': 'cpus: 3\n' };
    await at.write(before);
    await expect(at.setUp()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(await at.files()).toEqual(before);
    expect(await readdir(at.home)).not.toContain('cred-helpers');
    expect(at.said()).toEqual([]);
  });

  test('puts the helper back when nothing can be taken back', async () => {
    await using folder = await temporaryFolder();
    const configFile = join(folder.path, 'config.json');
    let text: string | undefined;
    const show = () => text !== undefined && writeFileSync(configFile, text);
    await using at = await bench({ program: process.execPath, configFile, show });
    await at.setUp();
    const before = await at.files();
    text = '{';
    await expect(at.unset()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(await at.files()).toEqual(before);
  });

  test('writes nothing in a dry run, and shows the same', async () => {
    await using at = await bench({ program: process.execPath });
    const before = { 'finch.yaml': 'cpus: 3\n', 'config.json': '{"auths": {}}' };
    await at.write(before);
    await at.setUp({ isDryRun: true });
    expect(await at.files()).toEqual(before);
    const shown = at.shown();
    expect(at.said()).toEqual([
      'would install ~/cred-helpers/docker-credential-ecr-login',
      'this was a dry run: nothing was changed',
    ]);
    await at.setUp();
    expect(at.shown()).toEqual(shown);
  });

  test('keeps the mode of files, and the links to them', async () => {
    await using at = await bench();
    await at.write({ 'real.yaml': '# mine\n', 'config.json': '{}' });
    await symlink('real.yaml', join(at.home, 'finch.yaml'));
    await chmod(join(at.home, 'real.yaml'), 0o640);
    await at.setUp();
    expect((await stat(join(at.home, 'real.yaml'))).mode & 0o777).toBe(0o640);
    expect((await at.files())['real.yaml']).toBe('# mine\ncreds_helpers:\n  - ecr-login\n');
  });

  test.each([
    ['finch.yaml', 'creds_helpers: yes\n', 'finch.yaml:1:16: "creds_helpers" is not a list'],
    ['finch.yaml', 'a: "x\n', 'this is not YAML'],
    ['config.json', '{"credHelpers": ', 'this is not JSON'],
    ['config.json', '{"credHelpers": []}', 'cannot be changed'],
    ['ecr-setup.json', '{"files": 3}', 'ecr-setup.json is not what finch wrote'],
    ['ecr-setup.json', 'x', 'ecr-setup.json is not what finch wrote'],
  ])('writes nothing when %s is broken', async (name, text, message) => {
    await using at = await bench({ program: process.execPath });
    const before = { 'finch.yaml': 'cpus: 3\n', 'config.json': '{}', [name]: text };
    await at.write(before);
    await expect(at.setUp()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(message),
      hint: expect.any(String),
    });
    expect(await at.files()).toEqual(before);
  });

  test('installs this program as the helper, and leaves what is foreign', async () => {
    await using folder = await temporaryFolder();
    const program = join(folder.path, 'finch');
    await Bun.write(program, '#!/bin/sh\necho finch\n');
    await chmod(program, 0o755);
    await using at = await bench({ program });
    const path = join(at.home, 'cred-helpers/docker-credential-ecr-login');
    await at.setUp();
    expect((await stat(path)).ino).toBe((await stat(program)).ino);
    await at.unset();
    expect(await Bun.file(path).exists()).toBe(false);
    await at.write({ 'cred-helpers/docker-credential-ecr-login': 'foreign' });
    at.said();
    await at.setUp();
    expect(at.said()).toContain(
      "~/cred-helpers/docker-credential-ecr-login is not finch's, and stays as it is",
    );
    await at.unset();
    expect(await Bun.file(path).text()).toBe('foreign');
  });

  test('replaces the helper of an older finch', async () => {
    await using folder = await temporaryFolder();
    const program = join(folder.path, 'finch');
    await Bun.write(program, 'old');
    await using at = await bench({ program });
    await at.setUp();
    await link(program, join(folder.path, 'kept'));
    await Bun.file(program).delete();
    await Bun.write(program, 'newer');
    await at.setUp();
    const path = join(at.home, 'cred-helpers/docker-credential-ecr-login');
    expect(await Bun.file(path).text()).toBe('newer');
    await at.unset();
    expect(await at.files()).toEqual({});
  });
});

describe('unsetEcr()', () => {
  test('says so when nothing was set up', async () => {
    await using at = await bench();
    await at.unset();
    expect(at.said()).toEqual(['nothing was set up with: finch ecr setup']);
    expect(await at.files()).toEqual({});
  });

  test('leaves no file that was not there', async () => {
    await using at = await bench();
    await at.setUp({ profile: 'dev' });
    await at.unset();
    expect(await at.files()).toEqual({});
  });

  test('leaves what the user has changed since, and names it', async () => {
    await using at = await bench();
    await at.setUp({ profile: 'dev' });
    const { 'finch.yaml': yaml = '', 'config.json': json = '' } = await at.files();
    await at.write({
      'finch.yaml': `# mine\n${yaml.replace('dev', 'prod')}cpus: 3\n`,
      'config.json': json.replace('ecr-login', 'pass'),
    });
    at.said();
    await at.unset();
    expect(await at.files()).toEqual({
      'finch.yaml': `# mine\necr:\n  registries:\n    ${HOST}:\n      profile: prod\ncpus: 3\n`,
      'config.json': json.replace('ecr-login', 'pass'),
    });
    expect(at.said().filter((line) => line.includes('changed since'))).toEqual([
      `~/finch.yaml: ecr.registries.${HOST}.profile has been changed since, and stays`,
      `~/config.json: credHelpers.${HOST} has been changed since, and stays`,
    ]);
  });

  test('takes one registry back and then the other', async () => {
    await using at = await bench();
    const before = { 'finch.yaml': '# mine\n', 'config.json': '{"auths":{}}' };
    await at.write(before);
    await at.setUp({ hosts: [HOST], profile: 'dev' });
    await at.setUp({ hosts: [OTHER], profile: 'prod' });
    await at.unset(HOST);
    const files = await at.files();
    expect(files['finch.yaml']).toBe(
      `# mine\ncreds_helpers:\n  - ecr-login\necr:\n  registries:\n    ${OTHER}:\n      profile: prod\n`,
    );
    expect(files['config.json']).toBe(`{"auths":{},"credHelpers":{"${OTHER}":"ecr-login"}}`);
    await at.unset('public.ecr.aws');
    expect(at.said()).toContain('public.ecr.aws was not set up');
    expect(await at.files()).toEqual(files);
    await at.unset(OTHER);
    expect(await at.files()).toEqual(before);
  });

  test('puts back what stood in the place', async () => {
    await using at = await bench();
    const before = {
      'finch.yaml': `ecr: {registries: {${HOST}: {profile: 'old'}}}`,
      'config.json': `{"credHelpers":{"${HOST}":"pass"}}`,
    };
    await at.write(before);
    await at.setUp({ profile: 'new' });
    expect((await at.files())['config.json']).toBe(`{"credHelpers":{"${HOST}":"ecr-login"}}`);
    await at.unset();
    expect(await at.files()).toEqual(before);
  });

  test('puts back what the user had, also behind two setups with an edit between', async () => {
    const user = `ecr:\n  registries:\n    ${HOST}:\n      profile: x\n`;
    for (const isEdited of [false, true]) {
      for (const before of [user, '']) {
        await using at = await bench();
        await at.write({ 'finch.yaml': before });
        await at.setUp({ profile: 'a' });
        if (isEdited) {
          const { 'finch.yaml': yaml = '' } = await at.files();
          await at.write({ 'finch.yaml': `cpus: 3\n${yaml}` });
        }
        await at.setUp({ hosts: [HOST, OTHER], profile: 'b' });
        await at.unset(HOST);
        const half: unknown = parse((await at.files())['finch.yaml'] ?? '');
        const mine = before === user ? { [HOST]: { profile: 'x' } } : {};
        expect(half).toMatchObject({ ecr: { registries: { ...mine, [OTHER]: { profile: 'b' } } } });
        expect(JSON.stringify(half).match(/profile/g)).toHaveLength(before === user ? 2 : 1);
        await at.setUp({ profile: 'c' });
        await at.unset();
        const { 'finch.yaml': after, 'ecr-setup.json': record } = await at.files();
        expect({ after, record }).toEqual({
          after: (isEdited ? 'cpus: 3\n' : '') + before,
          record: undefined,
        });
      }
    }
  });

  test('an edit behind two setups does not hide what was there before the first', async () => {
    await using at = await bench();
    await at.setUp({ profile: 'a' });
    await at.setUp({ profile: 'b' });
    const { 'finch.yaml': yaml = '' } = await at.files();
    await at.write({ 'finch.yaml': `cpus: 3\n${yaml}` });
    await at.unset();
    expect(await at.files()).toEqual({ 'finch.yaml': 'cpus: 3\n' });
  });

  const yamls = [
    '# only a comment',
    'cpus: 3\t# three\r\ncreds_helpers:\r\n\r\n# end\r\n',
    'creds_helpers: []',
    'creds_helpers: ~ # none\n',
    'creds_helpers: [ a,\tb ] # two\n\n\n',
    'creds_helpers:\n- a\n- b\n\n# tail\n',
    'base: &b [a]\ncreds_helpers: *b\n',
    '{ cpus: 3 }',
    '---\n\n# end\n',
    `ecr:\n    registries:\n        "${HOST}": {   }\n`,
  ];
  const jsons = [
    '{}',
    '{ }',
    '{\r\n\t"auths": { },\r\n\t"credHelpers": {\r\n\t}\r\n}\r\n',
    '{"credHelpers":null,"a":1.0e2}',
    `\ufeff{"auths": {"ghcr.io": {"auth": "${AUTH}"}}}`,
    `{"credHelpers": {"a" : "b"}, "credsStore":"pass"}\n\n`,
    '',
    ' \n',
  ];

  test('leaves every file as it was, byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...yamls),
        fc.constantFrom(...jsons),
        fc.array(fc.constantFrom(HOST, OTHER, 'public.ecr.aws'), { minLength: 1, maxLength: 3 }),
        fc.option(fc.constantFrom('dev', '012'), { nil: undefined }),
        async (yaml, json, hosts, profile) => {
          await using at = await bench();
          const before = { 'finch.yaml': yaml, 'config.json': json };
          await at.write(before);
          for (const host of hosts) await at.setUp({ hosts: [host], profile });
          await at.unset();
          for (const [name, text] of Object.entries(before)) {
            expect(await Bun.file(join(at.home, name)).bytes()).toEqual(Buffer.from(text));
          }
          expect(Object.keys(await at.files()).toSorted()).toEqual(['config.json', 'finch.yaml']);
        },
      ),
      { numRuns: 80 },
    );
  });
});
