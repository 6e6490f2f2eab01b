import { describe, expect, test } from 'bun:test';
import { chmod, mkdir, readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { containerdAddress } from '../../../src/vm/native/containerd-address.ts';
import { nativeMachine } from '../../../src/vm/native/native-machine.ts';
import { findNerdctl } from '../../../src/vm/native/native-programs.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const quiet = { onStage: () => {} };
const end = { ...quiet, force: false };

const SOCKET = '/run/containerd/containerd.sock';

describe('the address of containerd', () => {
  test.each([
    ['root has the system’s', {}, 0, SOCKET],
    ['a name in the environment counts first', { CONTAINERD_ADDRESS: '/a.sock' }, 1000, '/a.sock'],
    ['also as a URL', { CONTAINERD_ADDRESS: 'unix:///a.sock' }, 0, '/a.sock'],
    ['without a rootless one it is the system’s', { XDG_RUNTIME_DIR: '/nowhere' }, 1000, SOCKET],
  ] as const)('%s', (_, env, uid, address) => {
    expect(containerdAddress({ env, uid })).toBe(address);
  });

  test.each([
    ['123\n', 1000, `/proc/123/root${SOCKET}`],
    ['123\n', 0, SOCKET],
    ['../..', 1000, SOCKET],
    ['', 1000, SOCKET],
  ])('of a rootless one with the pid %p for the user %d is %s', async (pid, uid, address) => {
    await using folder = await temporaryFolder();
    await Bun.write(join(folder.path, 'containerd-rootless/child_pid'), pid);
    expect(containerdAddress({ env: { XDG_RUNTIME_DIR: folder.path }, uid })).toBe(address);
  });
});

describe('the native machine', () => {
  test('runs while containerd answers', async () => {
    await using at = await bench();
    const { details, ...state } = await at.machine.state();
    expect(state).toEqual({ status: 'Running', reason: undefined, hint: undefined });
    expect(details).toEqual({ Address: at.address, Nerdctl: at.nerdctl });
    expect(await at.machine.isUp()).toBe(true);
    expect(await readdir(at.home)).toEqual([]);
  });

  test('knows the versions of its programs when they are asked for', async () => {
    await using at = await bench();
    expect((await at.machine.state({ isDetailed: true })).details).toMatchObject({
      NerdctlVersion: '2.2.2',
      ContainerdVersion: '1.6.20~ds1',
    });
  });

  test('is stopped and started by the user, whatever containerd does', async () => {
    await using at = await bench();
    await at.machine.stop(end);
    expect(await at.machine.state()).toMatchObject({ status: 'Stopped', reason: undefined });
    expect(await at.machine.isUp()).toBe(false);
    await at.machine.start(quiet);
    expect(await at.machine.state()).toMatchObject({ status: 'Running' });
    expect(await readdir(join(at.home, 'machine'))).toEqual([]);
  });

  test('is there no more once removed, until it is made', async () => {
    await using at = await bench();
    await at.machine.remove(end);
    expect(await at.machine.state()).toMatchObject({ status: 'Nonexistent', reason: undefined });
    expect(await at.machine.isUp()).toBe(false);
    await expect(at.machine.stop({ ...quiet, force: true })).rejects.toMatchObject({
      message: 'the instance "finch" does not exist',
    });
    await at.machine.init(quiet);
    expect(await at.machine.state()).toMatchObject({ status: 'Running' });
  });

  test('is stopped while containerd does not answer, and says how to start it', async () => {
    await using at = await bench();
    await at.close();
    expect(await at.machine.state()).toMatchObject({
      ...{ status: 'Stopped', reason: `containerd does not answer at ${at.address}` },
      hint: 'start it with: sudo systemctl start containerd',
    });
    expect(await at.machine.isUp()).toBe(false);
  });

  test('stays stopped when it is started while containerd does not answer', async () => {
    await using at = await bench();
    await at.machine.stop(end);
    await at.close();
    await expect(at.machine.start(quiet)).rejects.toMatchObject({
      code: 'VM',
      message: `containerd does not answer at ${at.address}`,
      hint: 'start it with: sudo systemctl start containerd',
    });
    expect(await readdir(join(at.home, 'machine'))).toEqual(['native.json']);
  });

  test('is not there without nerdctl, and says how to get it', async () => {
    await using at = await bench({ programs: ['containerd'] });
    expect(await at.machine.state()).toMatchObject({
      ...{ status: 'Nonexistent', reason: 'nerdctl is not installed' },
      hint: expect.stringMatching(/^install it/),
    });
    await expect(at.machine.init(quiet)).rejects.toMatchObject({
      message: 'nerdctl is not installed',
      hint: expect.stringContaining('nerdctl-full'),
    });
    const options = { env: {}, cwd: '/' };
    expect(() => at.machine.command(['nerdctl', 'ps'], options)).toThrow(
      'nerdctl is not installed',
    );
  });

  test.skipIf(process.getuid?.() === 0)(
    'says who may use a socket that others may not',
    async () => {
      await using at = await bench();
      await chmod(at.address, 0);
      const { status, hint } = await at.machine.state();
      expect(status).toBe('Broken');
      expect(hint).toContain('run finch with sudo');
    },
  );

  test.each(['', '{', '[]', '{"state":"x"}'])(
    'takes %p in its file for nothing said',
    async (text) => {
      await using at = await bench();
      await Bun.write(join(at.home, 'machine/native.json'), text);
      expect(await at.machine.state()).toMatchObject({ status: 'Running' });
    },
  );

  test('runs words with the programs of this system, as they are', async () => {
    await using at = await bench();
    const options = { env: { DOCKER_CONFIG: '/c' }, cwd: '/work' };
    expect(at.machine.command(['nerdctl', 'run', '-it', ''], options)).toMatchObject({
      program: at.nerdctl,
      args: ['run', '-it', ''],
      env: { DOCKER_CONFIG: '/c', CONTAINERD_ADDRESS: at.address },
      cwd: '/work',
    });
    expect(at.machine.command(['containerd', '-v'], options).program).toBe(
      join(at.home, '../bin/containerd'),
    );
  });
});

test('nerdctl is found on PATH only as an absolute path', async () => {
  await using at = await bench();
  expect(findNerdctl({ PATH: `bin:./bin:${join(at.home, '../bin')}` })).toEqual({
    program: at.nerdctl,
    env: {},
  });
});

const PROGRAMS: Readonly<Record<string, string>> = {
  nerdctl: 'nerdctl version 2.2.2',
  containerd: 'containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u1',
};

/** A socket that takes connections, and the programs that are found. */
async function bench({ programs = Object.keys(PROGRAMS) }: { programs?: readonly string[] } = {}) {
  const folder = await temporaryFolder();
  const [home, bin] = [join(folder.path, 'home'), join(folder.path, 'bin')];
  await Promise.all([home, bin].map((path) => mkdir(path)));
  for (const name of programs) {
    await Bun.write(join(bin, name), `#!/bin/sh\necho ${PROGRAMS[name]}\n`);
    await chmod(join(bin, name), 0o755);
  }
  const address = join(folder.path, 'containerd.sock');
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(address, resolve));
  const close = () => new Promise<void>((resolve) => void server.close(() => resolve()));
  const env = { PATH: bin, CONTAINERD_ADDRESS: address };
  return {
    ...{ home, address, close, nerdctl: join(bin, 'nerdctl') },
    machine: nativeMachine({ home, env, uid: 0 }),
    async [Symbol.asyncDispose]() {
      await close();
      await folder[Symbol.asyncDispose]();
    },
  };
}
