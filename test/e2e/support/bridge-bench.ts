import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { type BridgeState, readState } from '../../../src/bridge/bridge-state.ts';
import { stopBridge } from '../../../src/bridge/stop-bridge.ts';
import { type MachineFolder, machineFolder } from '../../../src/vm/machine-folder.ts';
import { type Workbench, workbench } from './workbench.ts';

/** A workbench whose machine is this Linux, with a containerd that only takes connections, and its bridge. */
export interface BridgeBench extends Workbench {
  readonly machine: MachineFolder;
  /** What commands of the bench get beside the usual. */
  readonly env: Readonly<Record<string, string>>;
  /** Starts the machine, and so the bridge; what that wrote down of itself. */
  start(): Promise<BridgeState>;
  /** Ends what takes the connections of containerd. */
  endContainerd(): Promise<void>;
  /** The processes that were started for the home and still run, but for zombies. */
  processes(): Promise<readonly number[]>;
}

/** @param env more environment variables of every run */
export async function bridgeBench(
  extra: Readonly<Record<string, string>> = {},
): Promise<BridgeBench> {
  const base = await workbench();
  const bin = base.path('programs');
  await mkdir(bin);
  for (const name of ['nerdctl', 'containerd']) {
    await writeFile(join(bin, name), `#!/bin/sh\necho '${name} version 2.2.2'\n`);
    await chmod(join(bin, name), 0o755);
  }
  const address = base.path('c.sock');
  const containerd = createServer((socket) => socket.resume());
  await new Promise<void>((listening) => containerd.listen(address, listening));
  const env = { CONTAINERD_ADDRESS: address, PATH: `${bin}:/usr/bin:/bin`, ...extra };
  const withEnv = <T extends { readonly env?: Readonly<Record<string, string>> }>(options?: T) => ({
    ...options,
    env: { ...env, ...options?.env },
  });
  const machine = machineFolder(base.home);
  const bench: BridgeBench = {
    ...base,
    ...{ machine, env },
    run: (line, options) => base.run(line, withEnv(options)),
    ok: (line, options) => base.ok(line, withEnv(options)),
    fails: (line, options) => base.fails(line, withEnv(options)),
    async start() {
      // It runs already for who has not stopped it.
      await bench.ok('vm stop --force');
      await bench.ok('vm start');
      const state = await readState(machine);
      if (state === undefined) throw new Error('there is no bridge');
      return state;
    },
    endContainerd: () => close(containerd),
    processes: () => processesOf(base.home),
    async [Symbol.asyncDispose]() {
      await stopBridge(base.home);
      for (const pid of await processesOf(base.home)) process.kill(pid, 'SIGKILL');
      await close(containerd);
      await base[Symbol.asyncDispose]();
    },
  };
  return bench;
}

/** Waits until `condition` is what it should be. */
export async function eventually(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await Bun.sleep(10);
}

/** The pid of the bridge that a process is starting; undefined when there is none yet. */
export async function childOf(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const [first] = text.trim().split(' ');
  return first ? Number(first) : undefined;
}

async function processesOf(home: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const name of (await readdir('/proc')).filter((it) => /^\d+$/.test(it))) {
    const environment = await readFile(`/proc/${name}/environ`, 'utf8').catch(() => '');
    if (environment.split('\0').includes(`FINCH_HOME=${home}`)) found.push(Number(name));
  }
  return found;
}

function close(server: Server): Promise<void> {
  return new Promise((closed) => {
    server.close(() => closed());
  });
}
