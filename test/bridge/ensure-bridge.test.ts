import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type BridgeState, readState, writeState } from '../../src/bridge/bridge-state.ts';
import { ensureBridge } from '../../src/bridge/ensure-bridge.ts';
import { writePushHosts } from '../../src/bridge/push-hosts.ts';
import { runningBridge } from '../../src/bridge/running-bridge.ts';
import { underStartLock } from '../../src/bridge/start-lock.ts';
import { stopBridge } from '../../src/bridge/stop-bridge.ts';
import { holdFileLock } from '../../src/host/file-lock.ts';
import { machineFolder } from '../../src/vm/machine-folder.ts';
import { temporaryFolder } from '../support/temporary.ts';

const isLinux = process.platform === 'linux';

/** A home whose machine is up, and what starts and finds its bridge. */
async function upMachine() {
  const folder = await temporaryFolder();
  const home = join(folder.path, 'home');
  const address = join(folder.path, 'c.sock');
  const containerd = createServer((socket) => socket.resume());
  await new Promise<void>((listening) => containerd.listen(address, listening));
  const env = { PATH: '/usr/bin:/bin', HOME: home, CONTAINERD_ADDRESS: address };
  return {
    ...{ home, env, machine: machineFolder(home) },
    ensure: (options: { signal?: AbortSignal } = {}) =>
      ensureBridge(home, { env, machine: { hostAddress: '127.0.0.1' }, ...options }),
    async [Symbol.asyncDispose]() {
      await stopBridge(home);
      containerd.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test.skipIf(!isLinux)(
  'two that need a bridge at once start one, and the next one finds it',
  async () => {
    await using up = await upMachine();
    expect(await runningBridge(up.home)).toBeUndefined();
    expect(existsSync(up.home)).toBe(false);
    const [one, other] = await Promise.all([up.ensure(), up.ensure()]);
    expect(other).toEqual(one);
    expect(await up.ensure()).toEqual(one);
    expect<unknown>(await runningBridge(up.home)).toEqual(one);
    await stopBridge(up.home);
    expect(await runningBridge(up.home)).toBeUndefined();
    await stopBridge(up.home);
  },
);

test.skipIf(!isLinux)(
  'a bridge of another version, to another machine or without its files gives way',
  async () => {
    await using up = await upMachine();
    const changes: readonly ((state: BridgeState) => Promise<void>)[] = [
      (state) => writeState(up.machine, { ...state, version: '0.0.1' }),
      (state) => writeState(up.machine, { ...state, hostAddress: '192.168.5.2' }),
      (state) => writeState(up.machine, { ...state, store: '1:1' }),
      () => rm(up.machine.hosts, { recursive: true }),
      () => rm(up.machine.socket),
    ];
    let last = await up.ensure();
    for (const change of changes) {
      const state = await readState(up.machine);
      if (state === undefined) throw new Error('there is no bridge');
      await change(state);
      const next = await up.ensure();
      expect(next.token === last.token).toBe(false);
      expect(next.port).toBe(last.port);
      last = next;
    }
  },
);

test.skipIf(!isLinux)('who gives up while a bridge starts leaves none', async () => {
  await using up = await upMachine();
  const reason = new Error('given up');
  expect(await up.ensure({ signal: AbortSignal.abort(reason) }).catch((error) => error)).toBe(
    reason,
  );
  const soon = new AbortController();
  setTimeout(() => soon.abort(reason), 30);
  expect(await up.ensure({ signal: soon.signal }).catch((error) => error)).toBe(reason);
  expect(await runningBridge(up.home)).toBeUndefined();
  expect(await readdir(up.machine.path)).not.toContain('creds.sock');
});

test('what killed bridges left goes with the next look, but what is no bridge of ours stays', async () => {
  await using folder = await temporaryFolder();
  const home = folder.path;
  const machine = machineFolder(home);
  for (const path of [
    machine.path,
    join(machine.hosts, '_default'),
    machine.push,
    machine.dockerConfig,
  ]) {
    await mkdir(path, { recursive: true });
  }
  await writeFile(machine.state, '{"pid": 1}');
  await writeFile(machine.socket, '');
  await writeFile(machine.log, 'what it said');
  const hash = Bun.hash('bridge.json').toString(36);
  await writeFile(join(machine.path, `.finch-bridge-${hash}-0.tmp`), '{"pi');
  await writeFile(join(machine.path, 'native.json'), '{}');
  expect(await runningBridge(home)).toBeUndefined();
  const left = await readdir(machine.path);
  expect(left.sort()).toEqual([
    ...['bridge-start.lock', 'bridge.lock', 'bridge.log', 'docker', 'native.json'],
  ]);
});

test('while somebody starts or ends a bridge, who looks for one takes no lock of a bridge', async () => {
  await using folder = await temporaryFolder();
  const machine = machineFolder(folder.path);
  await mkdir(machine.path);
  await writeFile(machine.state, '{"pid": 1}');
  await underStartLock(machine, async () => {
    expect(await runningBridge(folder.path)).toBeUndefined();
    expect(existsSync(machine.state)).toBe(true);
  });
  expect(await runningBridge(folder.path)).toBeUndefined();
  expect(existsSync(machine.state)).toBe(false);
});

test('what cannot be cleared away is nothing to who only looks for a bridge', async () => {
  await using folder = await temporaryFolder();
  const machine = machineFolder(folder.path);
  await mkdir(join(machine.path, 'bridge-start.lock'), { recursive: true });
  await writeFile(machine.state, '{"pid": 1}');
  expect(await runningBridge(folder.path)).toBeUndefined();
  await expect(stopBridge(folder.path)).rejects.toThrow(/bridge-start\.lock/);
});

test.skipIf(!isLinux)(
  'who has the number of a bridge that was killed gets no signal while another one begins',
  async () => {
    await using folder = await temporaryFolder();
    const machine = machineFolder(folder.path);
    await mkdir(machine.path);
    const other = Bun.spawn(['/bin/sh', '-c', 'read line'], { stdin: 'pipe' });
    const state = { version: '1', port: 1, token: 't', socket: 's', hostAddress: 'h', store: '' };
    await writeState(machine, { ...state, pid: other.pid });
    const begins = await holdFileLock(machine.lock);
    const stopping = stopBridge(folder.path);
    expect(await Promise.race([other.exited, Bun.sleep(150)])).toBeUndefined();
    begins?.[Symbol.dispose]();
    await stopping;
    other.stdin.end();
    await other.exited;
    expect(other.signalCode).toBeNull();
  },
);

test('a state that no bridge wrote is none', async () => {
  await using folder = await temporaryFolder();
  const machine = machineFolder(folder.path);
  await mkdir(machine.path);
  const good = {
    pid: 1,
    version: '1',
    port: 1,
    token: 't',
    socket: 's',
    hostAddress: 'h',
    store: '',
  };
  for (const text of [
    '',
    '[]',
    'null',
    '{',
    '{"pid":1}',
    JSON.stringify({ ...good, port: '1' }),
    'x'.repeat(70_000),
  ]) {
    await writeFile(machine.state, text);
    expect(await readState(machine)).toBeUndefined();
  }
  await writeFile(machine.state, JSON.stringify(good));
  expect(await readState(machine)).toEqual(good);
});

test('the engine pushes to each registry by a file of its own', async () => {
  await using folder = await temporaryFolder();
  const bridge = { pid: 1, version: '1', port: 4711, token: 'a-token', socket: 's' };
  const write = (registry: string) =>
    writePushHosts(folder.path, { registry, bridge, hostAddress: '192.168.5.2' });
  const push = await write('docker.io');
  await write('localhost:5000');
  expect((await readdir(push)).sort()).toEqual(['docker.io', 'localhost_5000_']);
  expect(
    Bun.TOML.parse(await readFile(join(push, 'localhost_5000_', 'hosts.toml'), 'utf8')),
  ).toEqual({
    host: {
      'http://192.168.5.2:4711/v2/localhost__5000': {
        capabilities: ['push', 'pull', 'resolve'],
        override_path: true,
        header: { authorization: `Basic ${btoa('finch:a-token')}` },
      },
    },
  });
});
