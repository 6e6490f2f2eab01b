import { describe, expect, test } from 'bun:test';
import { stat } from 'node:fs/promises';
import { CANARY } from '../support/canary.ts';
import { startFakeRegistry } from '../support/fake-registry.ts';
import { careless, silent } from './support/careless-registry.ts';
import { type Finished, finchBinary, finchEnvironment } from './support/finch.ts';
import { gives, login, passwordFiles, quiet, watch } from './support/seen.ts';
import { mayWatch, type WatchOptions } from './support/watched.ts';
import { type Workbench, workbench } from './support/workbench.ts';

describe.skipIf(!mayWatch)('a login that does not come to its end', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)(
    'because of %s keeps nothing',
    async (signal) => {
      await using bench = await workbench();
      const { registry, reached } = silent();
      await using _registry = registry;
      const during: WatchOptions['during'] = async (kill) => {
        await reached;
        kill(signal);
      };
      const seen = await watch(bench, login(registry.host), { stdin: CANARY, during });
      expect(seen).toEqual({ ...quiet('socket'), exitCode: 130 });
      expect(await passwordFiles(bench.folder)).toEqual([]);
    },
  );

  test('because the disk fails leaves nothing', async () => {
    await using bench = await workbench();
    await using registry = startFakeRegistry();
    for (const injection of ['fsync', 'rename,renameat,renameat2']) {
      const injections = [`${injection}:error=EIO`];
      const { places, exitCode } = await watch(bench, login(registry.host), {
        ...{ stdin: CANARY, injections },
      });
      expect([injection, exitCode === 0]).toEqual([injection, false]);
      expect(places.filter((place) => place !== 'config.json')).toEqual(['socket']);
      expect(await passwordFiles(bench.folder)).toEqual([]);
    }
  });

  test('because it is killed leaves a file for this user only, which the next command takes away', async () => {
    await using bench = await workbench();
    await using registry = startFakeRegistry();
    const injections = ['rename,renameat,renameat2:error=EIO:signal=KILL'];
    const killed = await watch(bench, login(registry.host), { stdin: CANARY, injections });
    expect(killed).toEqual({ ...quiet('config.json', 'socket'), exitCode: 137 });
    const [left, ...others] = await passwordFiles(bench.folder);
    expect(left).toMatch(/^home-\w+\/\.finch-login-\S+ 600$/);
    expect(others).toEqual([]);
    expect(await watch(bench, ['login', '--list'])).toEqual(quiet());
    expect(await passwordFiles(bench.folder)).toEqual([]);
  });
});

// A shell of Windows has no limits, and there is no core file.
test.skipIf(process.platform === 'win32').each(['SIGSEGV', 'SIGABRT', 'SIGBUS'] as const)(
  'a crash by %s in the middle of a login leaves no dump of its memory and no password',
  async (signal) => {
    await using bench = await workbench();
    const { registry, reached } = silent();
    await using _registry = registry;
    const script = 'ulimit -c unlimited; exec "$0" "$@"';
    const child = Bun.spawn(['sh', '-c', script, finchBinary, '--debug', ...login(registry.host)], {
      ...{ cwd: bench.folder, env: finchEnvironment(bench.home) },
      ...{ stdin: new TextEncoder().encode(CANARY), stdout: 'pipe', stderr: 'pipe' },
    });
    const output = Promise.all([child.stdout.text(), child.stderr.text()]);
    await reached;
    child.kill(signal);
    await child.exited;
    const text = (await output).join('');
    expect([child.exitCode, gives(text)]).toEqual([null, false]);
    expect(await passwordFiles(bench.folder)).toEqual([]);
  },
);

describe('at no log level does finch tell a password that the registry repeats', () => {
  const debugging = /debug: GET http:\S+ -> 401/;

  /** A login that is refused, and what it said. */
  async function attempt(
    bench: Workbench,
    { flags = [], env = {} }: { flags?: readonly string[]; env?: Record<string, string> },
  ): Promise<Finished> {
    await using registry = careless('token by GET', { password: 'another' });
    const ended = await bench.run([...flags, ...login(registry.host)], { env, stdin: CANARY });
    expect([ended.exitCode, gives(ended.stdout + ended.stderr)]).toEqual([1, false]);
    return ended;
  }

  test.each([
    ['the usual one', {}, false],
    ['--debug', { flags: ['--debug'] }, true],
    ['FINCH_DEBUG=1', { env: { FINCH_DEBUG: '1' } }, true],
    ['FINCH_DEBUG=0', { env: { FINCH_DEBUG: '0' } }, false],
  ] as const)('%s', async (_, how, isDebugging) => {
    await using bench = await workbench();
    const { stderr } = await attempt(bench, how);
    expect(debugging.test(stderr)).toBe(isDebugging);
    expect(stderr).toContain('REDACTED');
    expect(await passwordFiles(bench.folder)).toEqual([]);
  });

  test('FINCH_DEBUG with a path, which is a file for this user only', async () => {
    await using bench = await workbench();
    const log = bench.path('debug.log');
    const { stderr } = await attempt(bench, { env: { FINCH_DEBUG: log } });
    expect(debugging.test(stderr)).toBe(false);
    const text = await Bun.file(log).text();
    expect([debugging.test(text), text.includes('REDACTED'), gives(text)]).toEqual([
      true,
      true,
      false,
    ]);
    if (process.platform !== 'win32') expect((await stat(log)).mode & 0o777).toBe(0o600);
    expect(await passwordFiles(bench.folder)).toEqual([]);
  });
});
