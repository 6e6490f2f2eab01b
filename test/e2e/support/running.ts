import { finchBinary, finchEnvironment } from './finch.ts';
import { firstLine } from './first-line.ts';

/** A finch that runs until it is told to stop. */
export interface Running extends AsyncDisposable {
  /** The first line that it printed. */
  readonly line: string;
  /** Sends a signal and waits for the end; gives the exit status and all of stderr. */
  stop(signal: NodeJS.Signals): Promise<{ readonly exitCode: number; readonly stderr: string }>;
}

/** Starts finch and waits for its first line on stdout, which is empty when it ends without one. */
export async function startFinch(
  args: readonly string[],
  { home, env }: { readonly home: string; readonly env?: Readonly<Record<string, string>> },
): Promise<Running> {
  const child = Bun.spawn([finchBinary, ...args], {
    env: finchEnvironment(home, env),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const stderr = child.stderr.text();
  const line = await firstLine(child.stdout);
  return {
    line,
    async stop(signal) {
      child.kill(signal);
      return { exitCode: await child.exited, stderr: await stderr };
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await child.exited;
    },
  };
}
