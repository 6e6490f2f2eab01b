import { describe, expect, test } from 'bun:test';
import { chmod, chown, mkdir, readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { runningBridge } from '../../src/bridge/running-bridge.ts';
import { stopBridge } from '../../src/bridge/stop-bridge.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { expectError } from './support/expectations.ts';
import { type Finished, finch, finchBinary, finchEnvironment } from './support/finch.ts';

const NOBODY = 65534;
const canBeNobody = process.getuid?.() === 0 && Bun.which('setpriv') !== null;

describe.skipIf(process.platform !== 'linux')('finch vm on this Linux itself', () => {
  test('goes through all states, and leaves nothing that runs behind', async () => {
    await using at = await bench();
    expect(await at.status()).toBe('Running (native)\n');
    const steps = [
      ['stop', 'Stopped (native)\n', false],
      ['start', 'Running (native)\n', true],
      ['stop', 'Stopped (native)\n', false],
      ['remove', 'Nonexistent\n', false],
      ['init', 'Running (native)\n', true],
      ['remove --force', 'Nonexistent\n', false],
    ] as const;
    for (const [line, status, hasBridge] of steps) {
      const { stdout, stderr, exitCode } = await at.vm(line);
      expect({ line, stdout, exitCode }).toEqual({ line, stdout: '', exitCode: 0 });
      expect(stderr).toMatch(/^[A-Z]\w+ .*Finch virtual machine\.\.\.\nFinch .* successfully\n$/);
      expect(await at.status()).toBe(status);
      expect((await runningBridge(at.home)) !== undefined).toBe(hasBridge);
    }
    expect(await at.sockets()).toEqual([]);
  });

  test.each([
    ['init', 'the instance "finch" is already running', 'stop it with: finch vm stop'],
    ['start', 'the instance "finch" is already running', 'stop it with: finch vm stop'],
    ['remove', 'the instance "finch" is running', 'stop it first with: finch vm stop'],
  ])('does not %s one that runs', async (verb, message, hint) => {
    await using at = await bench();
    await at.fails(verb, message, hint);
    expect(await at.status()).toBe('Running (native)\n');
  });

  test.each([
    ['start', 'the instance "finch" does not exist', 'make it with: finch vm init'],
    ['stop', 'the instance "finch" does not exist', 'make it with: finch vm init'],
    ['remove', 'the instance "finch" does not exist', 'make it with: finch vm init'],
  ])('does not %s one that was removed', async (verb, message, hint) => {
    await using at = await bench();
    await at.vm('remove --force');
    await at.fails(verb, message, hint);
    expect(await at.status()).toBe('Nonexistent\n');
  });

  test('says why it is stopped when containerd does not answer', async () => {
    await using at = await bench();
    await at.vm('stop');
    await at.close();
    const { stdout, stderr } = await at.vm('status');
    expect(stdout).toBe('Stopped (native)\n');
    expect(stderr).toBe('');
    await at.fails(
      'start',
      `containerd does not answer at ${at.address}`,
      'start it with: sudo systemctl start containerd',
    );
    expect(await readdir(join(at.home, 'machine'))).toContain('native.json');
    await at.vm('remove');
    await at.fails(
      'init',
      `containerd does not answer at ${at.address}`,
      'start it with: sudo systemctl start containerd',
    );
    expect(await at.status()).toBe('Nonexistent\n');
  });

  test('says which program is missing, and how to get it', async () => {
    await using at = await bench({ programs: ['containerd'] });
    const { stdout, stderr } = await at.vm('status');
    expect(stdout).toBe('Nonexistent\n');
    expect(stderr).toStartWith('nerdctl is not installed: install it');
    await at.fails('init', 'nerdctl is not installed', /^hint: install it and BuildKit from http/);
    await at.fails(
      'start',
      'the instance "finch" does not exist: nerdctl is not installed',
      /^hint: install it/,
    );
  });

  test('gives the versions of what it is made of to who asks for all', async () => {
    await using at = await bench();
    expect(JSON.parse((await at.vm('status --format json')).stdout)).toEqual({
      Hint: '',
      ...{ Status: 'Running', Kind: 'native', Reason: '', Address: at.address },
      Nerdctl: join(at.home, '../bin/nerdctl'),
      ...{ NerdctlVersion: '2.2.2', ContainerdVersion: '1.6.20' },
    });
  });

  test.skipIf(!canBeNobody)('says what to do to who may not use containerd', async () => {
    await using at = await bench();
    await chmod(at.address, 0o600);
    const { stdout, stderr } = await at.vm('status', NOBODY);
    expect(stdout).toBe('Broken\n');
    expect(stderr).toStartWith(`you may not use ${at.address}: run finch with sudo, or `);
  });

  test('that has lost its bridge gets another when it is started again', async () => {
    await using at = await bench();
    await at.vm('stop');
    await at.vm('start');
    const first = await runningBridge(at.home);
    process.kill(first?.pid ?? 0, 'SIGKILL');
    while ((await runningBridge(at.home)) !== undefined) await Bun.sleep(1);
    expect(await at.vm('start')).toEqual({
      ...{ stdout: '', exitCode: 0 },
      stderr: 'the virtual machine runs, and gets a new bridge\n',
    });
    const second = await runningBridge(at.home);
    expect(second?.pid).toBeNumber();
    expect(second?.pid).not.toBe(first?.pid);
  });

  test('whose bridge cannot start says why, and gets it when that is mended', async () => {
    await using at = await bench();
    await at.vm('stop');
    await Bun.write(join(at.home, 'store'), 'in the way');
    const { stderr, exitCode } = await at.vm('start');
    expect(exitCode).toBe(1);
    expectError(stderr, /cannot start the bridge .*\/store: /, /bridge\.log/);
    expect(await at.status()).toBe('Running (native)\n');
    await Bun.file(join(at.home, 'store')).delete();
    expect(await at.vm('start')).toMatchObject({ exitCode: 0 });
    expect(await runningBridge(at.home)).toBeDefined();
  });

  test('two at once start it once, with one bridge', async () => {
    await using at = await bench();
    await at.vm('stop');
    const both = await Promise.all([at.vm('start'), at.vm('start')]);
    const [good, bad] = both.toSorted((a, b) => a.exitCode - b.exitCode);
    expect(good).toMatchObject({ exitCode: 0 });
    expect(bad).toMatchObject({ exitCode: 1 });
    expect(bad?.stderr).toContain('finch: the instance "finch" is already running\n');
    expect(await at.status()).toBe('Running (native)\n');
  });

  test.each(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)(
    'a start that %s ends at any moment is no obstacle to the next command',
    async (signal) => {
      await using at = await bench();
      await Bun.write(join(at.home, 'finch.yaml'), 'vmType: native\ncreds_helpers: [ecr-login]\n');
      for (const look of [
        () => at.has('machine/machine.lock'),
        () => at.has('config.json'),
        () => at.has('machine/bridge.lock'),
      ]) {
        await at.vm('stop');
        await Bun.file(join(at.home, 'config.json'))
          .delete()
          .catch(() => {});
        const child = at.start('start');
        while (!(await look()) && child.exitCode === null) await Bun.sleep(1);
        child.kill(signal);
        await child.exited;
        await at.vm('stop');
        expect(await at.vm('start')).toMatchObject({ exitCode: 0 });
        expect(await at.status()).toBe('Running (native)\n');
        expect(await runningBridge(at.home)).toBeDefined();
      }
      await at.vm('stop');
      expect(await at.sockets()).toEqual([]);
      expect(await at.temporary()).toEqual([]);
    },
  );

  test('a stop that is killed leaves no bridge for long', async () => {
    await using at = await bench();
    await at.vm('stop');
    await at.vm('start');
    const child = at.start('stop');
    while ((await runningBridge(at.home)) !== undefined) await Bun.sleep(1);
    child.kill('SIGKILL');
    await child.exited;
    await at.vm('stop');
    expect(await at.status()).toBe('Stopped (native)\n');
    expect(await at.sockets()).toEqual([]);
  });
});

const PROGRAMS: Readonly<Record<string, string>> = {
  nerdctl: 'nerdctl version 2.2.2',
  containerd: 'containerd github.com/containerd/containerd 1.6.20 xyz',
};

/** A home, a socket that takes connections as containerd's, and programs of the names it looks for. */
async function bench({ programs = Object.keys(PROGRAMS) }: { programs?: readonly string[] } = {}) {
  const folder = await temporaryFolder();
  await chmod(folder.path, 0o755);
  const [home, bin] = [join(folder.path, 'home'), join(folder.path, 'bin')];
  await Promise.all([home, bin].map((path) => mkdir(path)));
  if (canBeNobody) await chown(home, NOBODY, NOBODY);
  await Bun.write(join(home, 'finch.yaml'), 'vmType: native\n');
  for (const name of programs) {
    await Bun.write(join(bin, name), `#!/bin/sh\necho ${PROGRAMS[name]}\n`);
    await chmod(join(bin, name), 0o755);
  }
  const address = join(folder.path, 'containerd.sock');
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(address, resolve));
  const close = () => new Promise<void>((resolve) => void server.close(() => resolve()));
  const env = { PATH: bin, CONTAINERD_ADDRESS: address };
  const vm = async (line: string, user?: number): Promise<Finished> => {
    const words = ['vm', ...line.split(' ')];
    if (user === undefined) return finch(words, { home, env });
    const command = ['setpriv', '--reuid', `${user}`, '--clear-groups', finchBinary, ...words];
    const child = Bun.spawn(command, {
      ...{ env: finchEnvironment(home, { ...env, PATH: `${bin}:${process.env['PATH']}` }) },
      ...{ stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
    });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    return { stdout, stderr, exitCode: await child.exited };
  };
  const names = async () => readdir(home, { recursive: true });
  return {
    ...{ home, address, close, vm },
    start: (verb: string) =>
      Bun.spawn([finchBinary, 'vm', verb], {
        ...{ env: finchEnvironment(home, env), detached: true },
        ...{ stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' },
      }),
    status: async () => (await vm('status')).stdout,
    async fails(verb: string, message: string, hint: string | RegExp) {
      const { stdout, stderr, exitCode } = await vm(verb);
      expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 });
      expectError(stderr, message, hint);
    },
    has: (name: string) => Bun.file(join(home, name)).exists(),
    sockets: async () => (await names()).filter((name) => name.endsWith('.sock')),
    temporary: async () => (await names()).filter((name) => /\.finch-|\.new$/.test(name)),
    async [Symbol.asyncDispose]() {
      await stopBridge(home);
      await close();
      await folder[Symbol.asyncDispose]();
    },
  };
}
