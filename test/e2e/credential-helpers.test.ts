import { describe, expect, test } from 'bun:test';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeHelloFinch } from '../demo/hello-finch.ts';
import { CANARY } from '../support/canary.ts';
import { writeHelper } from '../support/helper-programs.ts';
import { hasKeyring, openKeyring } from '../support/keyring.ts';
import { hasPass, openPassStore } from '../support/pass-store.ts';
import { expectError } from './support/expectations.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { filesIn } from './support/home-contents.ts';
import { areHere, runOk, runProgram } from './support/program.ts';
import { type RegistryBench, registryBench } from './support/workbench.ts';

/** The helpers of Debian, each with the real store behind it. */
const HELPERS = [
  { name: 'pass', open: openPassStore, isHere: hasPass },
  { name: 'secretservice', open: openKeyring, isHere: hasKeyring },
];

const USERS = { alice: CANARY, bob: CANARY };

type Environment = Readonly<Record<string, string>>;

/** A registry that knows {@link USERS}, and an image whose name leads to it. */
async function benchWithImage(): Promise<RegistryBench & { readonly image: string }> {
  const bench = await registryBench({ tls: true, htpasswd: USERS });
  await writeHelloFinch(bench.path('hello-finch.tar'));
  await bench.ok('load -i hello-finch.tar');
  const image = `${bench.registry.host}/hello-finch:latest`;
  await bench.ok(`tag hello-finch:latest ${image}`);
  return { ...bench, image };
}

/** The configuration of a home, as it is on the disk. */
async function writeConfig(home: string, config: object): Promise<() => Promise<string>> {
  const file = Bun.file(join(home, 'config.json'));
  await file.write(`${JSON.stringify(config, null, 3)}\n`);
  return () => file.text();
}

function login(bench: RegistryBench, user: keyof typeof USERS, env: Environment): Promise<string> {
  const line = `login -u ${user} --password-stdin ${bench.registry.host}`;
  return bench.ok(line, { stdin: `${USERS[user]}\n`, env });
}

/** What a helper lists, asked past finch. */
async function listed(helper: string, env: Environment): Promise<unknown> {
  return JSON.parse(await runOk([`docker-credential-${helper}`, 'list'], { env }));
}

describe.skipIf(!areHere('docker-registry', 'openssl'))('a credential helper', () => {
  for (const { name, open, isHere } of HELPERS) {
    describe.skipIf(!isHere())(name, () => {
      test('keeps the login, pushes with it, and forgets it; config.json has the pointer alone', async () => {
        await using bench = await benchWithImage();
        await using store = await open();
        const { env } = store;
        const { host } = bench.registry;
        const config = await writeConfig(bench.home, { credsStore: name });
        const before = await config();

        await bench.fails(`push ${bench.image}`, { env });
        expect(await login(bench, 'alice', env)).toBe('Login Succeeded\n');
        expect(await config()).toBe(before);
        expect(await listed(name, env)).toEqual({ [host]: 'alice' });
        const pushed = await bench.run(`--debug push ${bench.image}`, { env });
        expect(pushed.exitCode).toBe(0);
        expect(pushed.stderr).toContain(`docker-credential-${name} get ${host}: status 0`);
        expect((pushed.stdout + pushed.stderr).includes(CANARY)).toBe(false);

        const { exitCode } = await bench.run(`logout ${host}`, { env });
        expect(exitCode).toBe(0);
        expect(await config()).toBe(before);
        expect(await listed(name, env)).toEqual({});
        expect(await bench.fails(`push ${bench.image}`, { env })).toContain('hint: log in with');
        expect((await bench.run(`logout ${host}`, { env })).exitCode).toBe(0);
      });

      test('serves one host where credHelpers says so, and gives the user who logged in last', async () => {
        await using bench = await benchWithImage();
        await using store = await open();
        const { env } = store;
        const { host } = bench.registry;
        const config = await writeConfig(bench.home, { credHelpers: { [host]: name } });
        const before = await config();
        for (const user of ['bob', 'alice', 'bob'] as const) {
          await login(bench, user, env);
          expect(await listed(name, env)).toEqual({ [host]: user });
        }
        expect(await config()).toBe(before);
        await bench.ok(`push ${bench.image}`, { env });
      });
    });
  }

  test('that fails to forget makes logout fail, in its own words and without terminal codes', async () => {
    await using bench = await benchWithImage();
    const bin = join(bench.folder, 'bin');
    await writeHelper(
      bin,
      'broken',
      `printf '\\033[31mthe keyring\\r\\nis locked\\033[0m'; exit 1`,
    );
    const env = { PATH: `${bin}:${process.env['PATH']}` };
    await writeConfig(bench.home, { credsStore: 'broken' });
    const before = await filesIn(bench.home);
    const stderr = await bench.fails(`logout ${bench.registry.host}`, { env });
    expectError(
      stderr,
      /^finch: docker-credential-broken failed to \w+: \[31mthe keyring is locked ?\[0m$/,
      'try it with: docker-credential-broken list',
    );
    expect(await filesIn(bench.home)).toEqual(before);
  });

  test('that asks finch in its turn gets an answer, and not itself again', async () => {
    await using bench = await benchWithImage();
    const bin = join(bench.folder, 'bin');
    const log = join(bench.folder, 'log');
    await writeHelper(
      bin,
      'circle',
      `echo "$1" >> '${log}'; exec '${finchBinary}' credential "$1"`,
    );
    const env = { PATH: `${bin}:${process.env['PATH']}` };
    const auth = Buffer.from(`alice:${CANARY}`).toString('base64');
    await writeConfig(bench.home, {
      credsStore: 'circle',
      auths: { [bench.registry.host]: { auth } },
    });
    await bench.ok(`push ${bench.image}`, { env });
    expect((await Bun.file(log).text()).trim().split('\n')).toEqual(['get']);
  });

  test.skipIf(process.platform !== 'linux' || !hasKeyring())(
    'that the session has is found without a configuration, which then has the pointer alone',
    async () => {
      await using bench = await benchWithImage();
      await using store = await openKeyring();
      const { env } = store;
      await login(bench, 'alice', env);
      expect(await Bun.file(join(bench.home, 'config.json')).json()).toEqual({
        credsStore: 'secretservice',
      });
      await bench.ok(`push ${bench.image}`, { env });
      await bench.ok(`logout ${bench.registry.host}`, { env });
      expect(await listed('secretservice', env)).toEqual({});
    },
  );

  test.skipIf(!hasKeyring())(
    'whose keyring is locked makes logout fail, since the login is still there',
    async () => {
      await using bench = await benchWithImage();
      await using store = await openKeyring();
      const { env } = store;
      const { host } = bench.registry;
      await writeConfig(bench.home, { credsStore: 'secretservice' });
      await login(bench, 'alice', env);
      const before = await filesIn(bench.home);
      await store.lock();
      const stderr = await bench.fails(`logout ${host}`, { env });
      expectError(
        stderr,
        `docker-credential-secretservice still has the login for ${host}`,
        `it may be locked: unlock it and try again with: finch logout ${host}`,
      );
      expect(await listed('secretservice', env)).toEqual({ [host]: 'alice' });
      expect(await filesIn(bench.home)).toEqual(before);
    },
  );

  test('that hangs ends with finch when the user interrupts', async () => {
    await using bench = await benchWithImage();
    const bin = join(bench.folder, 'bin');
    const pidFile = join(bench.folder, 'pid');
    await writeHelper(bin, 'hangs', `echo $$ > '${pidFile}'; exec sleep 100`);
    await writeConfig(bench.home, { credsStore: 'hangs' });
    const before = await filesIn(bench.home);
    const child = Bun.spawn([finchBinary, 'push', bench.image], {
      env: finchEnvironment(bench.home, {
        PATH: `${bin}:${process.env['PATH']}`,
        SSL_CERT_FILE: bench.registry.ca ?? '',
      }),
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    let pid = '';
    while (pid === '' && child.exitCode === null) {
      await Bun.sleep(5);
      pid = (await readFile(pidFile, 'utf8').catch(() => '')).trim();
    }
    child.kill('SIGINT');
    expect(await child.exited).toBe(130);
    const state = await runProgram(['ps', '-o', 'stat=', '-p', pid]);
    expect(state.stdout).not.toMatch(/^[^Z\s]/);
    expect(await filesIn(bench.home)).toEqual(before);
  });
});
