import { join } from 'node:path';
import { runLog } from '../run-log.ts';
import { type Daemon, daemon } from './daemon.ts';
import { hasContainers, killContainers, unmountBelow } from './end-containers.ts';
import { type EngineFiles, writeEngineFiles } from './engine-files.ts';
import { removeBridge } from './network.ts';
import { enginePrograms } from './programs.ts';

/** What a program left behind. */
interface Finished {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** How a program of the engine is run. */
export interface EngineRun {
  readonly cwd?: string;
  /** Beside what the engine itself needs. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A containerd and a BuildKit of their own, that nobody else uses. */
export interface Engine extends AsyncDisposable {
  /** What nerdctl needs, and so finch where it drives the engine of this machine: among it a `PATH`. */
  readonly env: Readonly<Record<string, string>>;
  readonly containerd: Daemon;
  readonly buildkitd: Daemon;
  /** Runs nerdctl to its end. */
  nerdctl(args: readonly string[], options?: EngineRun): Promise<Finished>;
  /** {@link Engine.nerdctl} that must succeed; gives its stdout. */
  ok(args: readonly string[], options?: EngineRun): Promise<string>;
  /** Runs containerd's own client to its end. */
  ctr(args: readonly string[]): Promise<Finished>;
}

/**
 * Starts an engine that keeps everything below `folder`, and waits until it answers. When it is disposed of,
 * its containers have ended and nothing is mounted there any more. Only where `canRunEngine`.
 * @throws Error with the end of its log when it does not answer
 */
export async function startEngine(folder: string): Promise<Engine> {
  const files = await writeEngineFiles(folder);
  const { env } = files;
  const ctr = (args: readonly string[]) => run(['ctr', ...args], { env });
  const nerdctl: Engine['nerdctl'] = (args, options = {}) =>
    run([enginePrograms.nerdctl, ...args], {
      ...options,
      env: { ...env, DOCKER_CONFIG: join(folder, 'docker'), ...options.env },
    });
  const containerd = daemon(['containerd', '--config', files.containerdToml], {
    ...{ env, log: join(folder, 'containerd.log') },
    isReady: async () => (await ctr(['version'])).exitCode === 0,
  });
  const workers = [enginePrograms.buildctl, 'debug', 'workers'];
  const buildkitd = daemon([enginePrograms.buildkitd, '--config', files.buildkitToml], {
    ...{ env, log: join(folder, 'buildkitd.log') },
    isReady: async () => (await run(workers, { env })).exitCode === 0,
  });
  const engine: Engine = {
    ...{ env, containerd, buildkitd, nerdctl, ctr },
    async ok(args, options) {
      const { stdout, stderr, exitCode } = await nerdctl(args, options);
      if (exitCode === 0) return stdout;
      throw new Error(`nerdctl ${args.join(' ')} ended with ${exitCode}\n${stdout}\n${stderr}`);
    },
    [Symbol.asyncDispose]: () => end(engine, { files, folder }),
  };
  try {
    await containerd.start();
    await buildkitd.start();
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
  return engine;
}

async function end(
  { containerd, buildkitd, nerdctl }: Engine,
  { files, folder }: { readonly files: EngineFiles; readonly folder: string },
): Promise<void> {
  if (await hasContainers(files.containerd)) {
    // Asked to, containerd also takes back what the networks of containers need.
    await containerd.start().catch(() => undefined);
    const ids = (await nerdctl(['ps', '--all', '--quiet'])).stdout.split('\n').filter(Boolean);
    if (ids.length > 0) await nerdctl(['rm', '--force', ...ids]);
  }
  await buildkitd.stop();
  await containerd.stop();
  await killContainers(files.containerd);
  await unmountBelow(folder);
  removeBridge(files.bridge);
}

/** No program of the engine takes longer here. */
const TIMEOUT_MS = 60_000;

async function run(
  command: readonly string[],
  { cwd, env }: EngineRun & { readonly env: Readonly<Record<string, string>> },
): Promise<Finished> {
  const child = Bun.spawn([...command], {
    ...{ env: { ...runLog, ...env }, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
    timeout: TIMEOUT_MS,
    ...(cwd !== undefined && { cwd }),
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { stdout, stderr, exitCode };
}
