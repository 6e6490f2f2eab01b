/** A program that runs until it is stopped, and that can be started again. */
export interface Daemon {
  /** Starts it, and waits until it answers; nothing when it runs. */
  start(): Promise<void>;
  /** Asks it to end and waits for that, then ends it; nothing when it does not run. */
  stop(): Promise<void>;
  isRunning(): boolean;
}

/** Options of {@link daemon}. */
export interface DaemonOptions {
  readonly env: Readonly<Record<string, string>>;
  /** The file that gets what it writes. */
  readonly log: string;
  /** Whether it answers. */
  readonly isReady: () => Promise<boolean>;
}

/** How long one may take until it answers, and how long to end. */
const PATIENCE_MS = 20_000;

/** A daemon that is not started yet. It ends with this process, however that ends. */
export function daemon(command: readonly string[], { env, log, isReady }: DaemonOptions): Daemon {
  let child: Bun.Subprocess<'ignore', Bun.BunFile, Bun.BunFile> | undefined;
  const isRunning = () => child !== undefined && child.exitCode === null && !child.signalCode;
  const stop = async () => {
    if (child === undefined) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child?.kill('SIGKILL'), PATIENCE_MS);
    await child.exited;
    clearTimeout(timer);
    child = undefined;
  };
  return {
    isRunning,
    stop,
    async start() {
      if (isRunning()) return;
      const file = Bun.file(log);
      child = Bun.spawn(['setpriv', '--pdeathsig', 'TERM', ...command], {
        ...{ env, stdin: 'ignore', stdout: file, stderr: file },
      });
      const deadline = Date.now() + PATIENCE_MS;
      while (!(await isReady())) {
        if (isRunning() && Date.now() < deadline) {
          await Bun.sleep(20);
          continue;
        }
        await stop();
        const tail = (await file.text()).slice(-4000);
        throw new Error(`${command[0]} does not answer:\n${tail}`);
      }
    },
  };
}
