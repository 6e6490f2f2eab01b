import { finchBinary, finchEnvironment } from './finch.ts';
import { firstLine } from './first-line.ts';

/** A registry that runs until it is disposed of. */
export interface RunningRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT` or `localhost:PORT`, as it stands in an image's name. */
  readonly host: string;
  /** Where its API is, without a slash at the end. */
  readonly url: string;
}

/**
 * Starts `finch registry serve` over the store in `home`, on a free port.
 * @param args further arguments, for example `--read-only`
 */
export async function startFinchRegistry(
  home: string,
  args: readonly string[] = [],
): Promise<RunningRegistry> {
  const child = Bun.spawn([finchBinary, 'registry', 'serve', '--listen', '127.0.0.1:0', ...args], {
    env: finchEnvironment(home),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const line = await firstLine(child.stdout);
  const url = /^listening on (http:\/\/\S+:\d+)$/.exec(line)?.[1];
  if (url === undefined) {
    child.kill();
    throw new Error(`finch registry serve said ${JSON.stringify(line)}`);
  }
  return {
    url,
    host: new URL(url).host,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await child.exited;
    },
  };
}
