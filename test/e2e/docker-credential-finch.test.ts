import { describe, expect, test } from 'bun:test';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CANARY } from '../support/canary.ts';
import { hasPass, openPassStore } from '../support/pass-store.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { type InstalledHelper, installHelper } from './support/helper-install.ts';
import { filesIn } from './support/home-contents.ts';
import { areHere } from './support/program.ts';
import { type Workbench, workbench } from './support/workbench.ts';

const NOT_FOUND = 'credentials not found in native keychain\n';

const auth = (user: string) => ({ auth: Buffer.from(`${user}:${CANARY}`).toString('base64') });

async function writeJson(path: string, value: object): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, JSON.stringify(value));
}

/** A text that may hold the password, as a test that fails may show it. */
function hidden(text: string): string {
  return text.replaceAll(CANARY, 'SECRET');
}

function loginOf(ServerURL: string, Username = 'me', Secret = CANARY): string {
  return JSON.stringify({ ServerURL, Username, Secret });
}

test.skipIf(!hasPass())('docker-credential-finch keeps what Docker Hub gives in pass', async () => {
  await using place = await workbench();
  await using store = await openPassStore();
  const { home } = place;
  const helper = await installHelper(place.path('bin'), 'symbolic link');
  const path = join(home, 'config.json');
  await writeJson(path, { credsStore: 'pass' });
  const before = await filesIn(home);
  const asked = { home, env: store.env };
  const silence = { stdout: '', stderr: '', exitCode: 0 };
  const hub = 'https://index.docker.io/v1/';
  const keys = ['', 'access-token', 'refresh-token'].map((name) => hub + name);
  for (const key of keys) {
    expect(await helper.run(['store'], { ...asked, stdin: loginOf(key) })).toEqual(silence);
    expect((await helper.run(['get'], { ...asked, stdin: key })).exitCode).toBe(0);
  }
  expect(JSON.parse((await helper.run(['list'], asked)).stdout)).toEqual(
    Object.fromEntries(keys.map((key) => [key, 'me'])),
  );
  for (const key of keys) {
    expect(await helper.run(['erase'], { ...asked, stdin: key })).toEqual(silence);
    expect((await helper.run(['get'], { ...asked, stdin: key })).stdout).toBe(NOT_FOUND);
  }
  expect(await filesIn(home)).toEqual(before);
});

describe.each(['symbolic link', 'hard link'] as const)(
  'docker-credential-finch as a %s',
  (form) => {
    async function bench(): Promise<Workbench & { readonly helper: InstalledHelper }> {
      const place = await workbench();
      return { ...place, helper: await installHelper(place.path('bin'), form) };
    }

    test('keeps, gives, lists and forgets a login, and only warns where it is kept unencrypted', async () => {
      await using place = await bench();
      const { helper, home } = place;
      const silence = { stdout: '', stderr: '', exitCode: 0 };
      const stored = await helper.run(['store'], { home, stdin: loginOf('registry.invalid') });
      expect(stored).toEqual({
        ...silence,
        stderr: expect.stringMatching(/^warning: the password is kept unencrypted in [^\n]+\n$/),
      });
      const got = await helper.run(['get'], { home, stdin: 'registry.invalid' });
      expect({ ...got, stdout: hidden(got.stdout) }).toEqual({
        ...silence,
        stdout: '{"ServerURL":"registry.invalid","Username":"me","Secret":"SECRET"}\n',
      });
      expect(await helper.run(['list'], { home, stdin: 'unused' })).toEqual({
        ...silence,
        stdout: '{"registry.invalid":"me"}\n',
      });
      expect(await place.ok('credential list')).toBe('{"registry.invalid":"me"}\n');
      expect(await helper.run(['erase'], { home, stdin: 'registry.invalid' })).toEqual(silence);
      expect(await helper.run(['erase'], { home, stdin: 'registry.invalid' })).toEqual(silence);
      expect(await helper.run(['get'], { home, stdin: 'registry.invalid' })).toEqual({
        ...{ stdout: NOT_FOUND, stderr: '', exitCode: 1 },
      });
    });

    test('keeps what Docker Hub gives beside a login apart from it', async () => {
      await using place = await bench();
      const { helper, home } = place;
      const hub = 'https://index.docker.io/v1/';
      const names = ['', 'access-token', 'refresh-token'];
      for (const name of names) {
        const stored = await helper.run(['store'], {
          home,
          stdin: loginOf(hub + name, `me${name}`),
        });
        expect(stored.exitCode).toBe(0);
      }
      for (const name of names) {
        const { stdout } = await helper.run(['get'], { home, stdin: hub + name });
        expect(JSON.parse(stdout)).toMatchObject({ Username: `me${name}` });
      }
      expect(JSON.parse(await place.ok('credential list'))).toEqual(
        Object.fromEntries(names.map((name) => [hub + name, `me${name}`])),
      );
      await helper.run(['erase'], { home, stdin: `${hub}access-token` });
      const gone = await helper.run(['get'], { home, stdin: `${hub}access-token` });
      expect(gone.stdout).toBe(NOT_FOUND);
      const { stderr } = await place.run('logout');
      expect(stderr.split('\n')).toEqual([
        `removed the login for ${hub} from ${join(home, 'config.json')}`,
        `a login for ${hub}refresh-token remains in ${join(home, 'config.json')}; remove it with: finch logout ${hub}refresh-token`,
        '',
      ]);
      await place.ok(`logout ${hub}refresh-token`);
      expect(await place.ok('credential list')).toBe('{}\n');
    });

    test('gives an identity token under the user name <token>', async () => {
      await using place = await bench();
      const { helper, home } = place;
      await helper.run(['store'], { home, stdin: loginOf('x.io', '<token>') });
      const { stdout } = await helper.run(['get'], { home, stdin: 'x.io\n' });
      expect(hidden(stdout)).toBe(
        '{"ServerURL":"x.io","Username":"\\u003ctoken\\u003e","Secret":"SECRET"}\n',
      );
      const config = await Bun.file(join(home, 'config.json')).text();
      expect(JSON.parse(hidden(config))).toMatchObject({
        auths: { 'x.io': { identitytoken: 'SECRET' } },
      });
    });

    test('says which version it is, and how it is called', async () => {
      await using place = await bench();
      const { helper, home } = place;
      const usage = 'Usage: docker-credential-finch <store|get|erase|list|version>\n';
      const about = expect.stringMatching(/^docker-credential-finch \(finch\) v\d+\.\d+\.\d+\n$/);
      for (const [args, stdout, exitCode] of [
        [['version'], about, 0],
        [['--version'], about, 0],
        [['-v'], about, 0],
        [['--help'], usage, 0],
        [['-h'], usage, 0],
        [[], usage, 1],
        [['get', 'ghcr.io'], usage, 1],
        [['login'], 'docker-credential-finch: unknown action: login\n', 1],
      ] as const) {
        const finished = await helper.run(args, { home });
        expect({ args, ...finished }).toEqual({ args, stdout, stderr: '', exitCode });
      }
    });
  },
);

describe('docker-credential-finch', () => {
  test('writes every error as one line to stdout, and changes nothing', async () => {
    await using place = await workbench();
    const { home } = place;
    const helper = await installHelper(place.path('bin'));
    await writeJson(join(home, 'config.json'), { auths: { 'ghcr.io': auth('me') } });
    const before = await filesIn(home);
    for (const [action, stdin, stdout] of [
      ['get', 'other.example', NOT_FOUND],
      ['get', 'ghcr\n.io\n\n', NOT_FOUND],
      ['get', `https://me:${CANARY}@ghcr.io`, NOT_FOUND],
      ['get', '', 'no credentials server URL\n'],
      ['erase', '', 'no credentials server URL\n'],
      ['erase', 'ghcr\n.io', 'the server names no registry\n'],
      ['store', loginOf(''), 'no credentials server URL\n'],
      ['store', loginOf('ghcr.io', ''), 'no credentials username\n'],
      ['store', `{"Secret":"${CANARY}"`, 'what stdin holds is no JSON object\n'],
    ] as const) {
      const finished = await helper.run([action], { home, stdin });
      expect([action, hidden(finished.stdout), finished.exitCode]).toEqual([action, stdout, 1]);
      expect(finished.stderr.includes(CANARY)).toBe(false);
    }
    expect(await filesIn(home)).toEqual(before);
  });

  test('reports a broken config.json, without what it holds', async () => {
    await using place = await workbench();
    const { home } = place;
    const helper = await installHelper(place.path('bin'));
    await writeFile(join(home, 'config.json'), `{"auths": {"x.io": "${CANARY}`);
    const before = await filesIn(home);
    for (const [action, stdin] of [
      ['get', 'x.io'],
      ['store', loginOf('x.io')],
      ['erase', 'x.io'],
      ['list', ''],
    ] as const) {
      const { stdout, stderr, exitCode } = await helper.run([action], { home, stdin });
      expect([action, exitCode]).toEqual([action, 1]);
      expect(stdout).toMatch(/^\S+config\.json.* JSON.*\n$/);
      expect(stderr).toMatch(/^hint: .*\n$/);
      expect(`${stdout}${stderr}`.includes(CANARY)).toBe(false);
    }
    expect(await filesIn(home)).toEqual(before);
  });

  test('gives and lists what another helper keeps for finch', async () => {
    await using place = await workbench();
    const { home } = place;
    const helper = await installHelper(place.path('bin'));
    await writeFile(place.path('answer'), loginOf('x.io'));
    const script = `#!/bin/sh
case $1 in
  get) if grep -qx x.io; then cat '${place.path('answer')}'; else echo '${NOT_FOUND.trim()}'; exit 1; fi ;;
  list) echo '{"x.io":"me"}' ;;
esac
`;
    await writeFile(place.path('bin/docker-credential-vault'), script, { mode: 0o755 });
    await writeJson(join(home, 'config.json'), { credsStore: 'vault' });
    const run = async (action: string, stdin: string) => {
      const { stdout, stderr, exitCode } = await helper.run([action], { home, stdin });
      return [exitCode, hidden(stdout), stderr];
    };
    const given = '{"ServerURL":"https://x.io/v2/","Username":"me","Secret":"SECRET"}\n';
    expect(await run('get', 'https://x.io/v2/')).toEqual([0, given, '']);
    expect(await run('get', 'y.io')).toEqual([1, NOT_FOUND, '']);
    expect(await run('list', '')).toEqual([0, '{"x.io":"me"}\n', '']);
  });

  test('says on stderr what could not be asked, but only when there is no login', async () => {
    await using place = await workbench();
    const { home } = place;
    const helper = await installHelper(place.path('bin'));
    const config = { credsStore: 'not-here', auths: { 'x.io': auth('me') } };
    await writeJson(join(home, 'config.json'), config);
    const found = await helper.run(['get'], { home, stdin: 'x.io' });
    expect([found.exitCode, found.stderr]).toEqual([0, '']);
    const { stdout, stderr, exitCode } = await helper.run(['get'], { home, stdin: 'y.io' });
    expect([exitCode, stdout]).toEqual([1, NOT_FOUND]);
    expect(stderr).toMatch(/^warning: .*docker-credential-not-here.*\n$/);
  });

  test.skipIf(!areHere('strace'))('opens no connection, whatever it is asked', async () => {
    await using place = await workbench();
    const { home } = place;
    const { PATH } = await installHelper(place.path('bin'));
    const log = place.path('calls');
    for (const [action, stdin] of [
      ['store', loginOf('registry.invalid')],
      ['get', 'registry.invalid'],
      ['list', ''],
      ['erase', 'registry.invalid'],
      ['get', '111222333444.dkr.ecr.us-east-1.amazonaws.com'],
    ] as const) {
      const child = Bun.spawn(
        [
          'strace',
          '-f',
          '-e',
          'trace=socket,connect',
          '-o',
          log,
          'docker-credential-finch',
          action,
        ],
        {
          env: { ...finchEnvironment(home), PATH },
          stdin: new TextEncoder().encode(stdin),
          ...{ stdout: 'ignore', stderr: 'ignore' },
        },
      );
      await child.exited;
      const calls = await Bun.file(log).text();
      expect(calls).toContain('+++ exited with');
      expect([action, calls.match(/^.*(?:socket|connect)\(.*$/gm)]).toEqual([action, null]);
    }
  });

  test('is what finch is when it is called so, from anywhere', async () => {
    await using place = await workbench();
    const called = async (argv0: string) => {
      const child = Bun.spawn([finchBinary, '-v'], {
        ...{ argv0, env: finchEnvironment(place.home), stdout: 'pipe', stderr: 'ignore' },
      });
      return (await child.stdout.text()).split(' ')[0];
    };
    for (const name of [
      ...['docker-credential-finch', './docker-credential-finch', '/a/b/docker-credential-finch'],
      ...['docker-credential-finch.exe', 'C:\\bin\\Docker-Credential-Finch.EXE'],
    ]) {
      expect([name, await called(name)]).toEqual([name, 'docker-credential-finch']);
    }
    for (const name of ['finch', 'docker-credential-finch-2', 'my-docker-credential-finch']) {
      expect([name, await called(name)]).toEqual([name, 'finch']);
    }
  });

  test('never calls itself, and never asks the files of docker and podman', async () => {
    await using place = await workbench();
    const { home } = place;
    const real = await installHelper(place.path('bin'));
    const calls = place.path('calls');
    const counted = place.path('counted/docker-credential-finch');
    await mkdir(dirname(counted));
    const finchHelper = place.path('bin/docker-credential-finch');
    const script = `#!/bin/sh\necho "$1" >> '${calls}'\nexec '${finchHelper}' "$@"\n`;
    await writeFile(counted, script);
    await chmod(counted, 0o755);
    // As someone might have who copied docker's file: every way leads back to finch.
    const config = { credsStore: 'finch', credHelpers: { 'x.io': 'finch', 'y.io': 'finch' } };
    await writeJson(join(home, 'config.json'), config);
    const user = place.path('user');
    const foreign = { auths: { 'x.io': auth('docker') } };
    await writeJson(join(user, '.docker/config.json'), foreign);
    await writeJson(join(user, '.config/containers/auth.json'), foreign);
    await writeJson(join(user, 'runtime/containers/auth.json'), foreign);
    await writeJson(place.path('docker/config.json'), { ...config, auths: { 'z.io': {} } });
    const env = {
      ...{
        HOME: user,
        XDG_RUNTIME_DIR: join(user, 'runtime'),
        DOCKER_CONFIG: place.path('docker'),
      },
      PATH: `${dirname(counted)}:${real.PATH}`,
    };
    const run = async (action: string, stdin: string) => {
      const { stdout, exitCode } = await real.run([action], { home, stdin, env });
      return [exitCode, hidden(stdout)];
    };
    expect(await run('get', 'x.io')).toEqual([1, NOT_FOUND]);
    expect(await run('get', 'z.io')).toEqual([1, NOT_FOUND]);
    expect(await run('list', '')).toEqual([0, '{}\n']);
    expect(await run('store', loginOf('x.io'))).toEqual([0, '']);
    expect(await run('get', 'x.io')).toEqual([0, hidden(`${loginOf('x.io')}\n`)]);
    expect(await run('erase', 'x.io')).toEqual([0, '']);
    expect(await run('get', 'x.io')).toEqual([1, NOT_FOUND]);
    expect((await Bun.file(calls).text()).trim().split('\n')).toEqual([
      ...['get', 'get', 'list', 'store', 'get', 'erase', 'get'],
    ]);
  });
});
