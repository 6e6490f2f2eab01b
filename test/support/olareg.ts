import { registryPrograms } from './registry-programs.ts';
import { temporaryFolder } from './temporary.ts';

/** An olareg that runs until it is disposed of. */
export interface Olareg extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
}

/** Times that another port is tried, when somebody else has taken the one that was free. */
const TRIES = 5;

/** Starts `olareg serve` over a folder that goes away, and waits until it answers. */
export async function startOlareg(): Promise<Olareg> {
  const folder = await temporaryFolder();
  for (let left = TRIES; left > 0; left -= 1) {
    const port = freePort();
    const listen = ['--addr', '127.0.0.1', '--port', String(port)];
    const child = Bun.spawn([registryPrograms.olareg, 'serve', '--dir', folder.path, ...listen], {
      ...{ stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' },
    });
    const host = `127.0.0.1:${port}`;
    const answers = () => fetch(`http://${host}/v2/`).then(Boolean, () => false);
    while (child.exitCode === null && !(await answers())) await Bun.sleep(5);
    if (child.exitCode !== null) continue;
    return {
      host,
      async [Symbol.asyncDispose]() {
        child.kill();
        await child.exited;
        await folder[Symbol.asyncDispose]();
      },
    };
  }
  await folder[Symbol.asyncDispose]();
  throw new Error('olareg does not start');
}

function freePort(): number {
  const server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  const { port } = server;
  server.stop(true);
  return port;
}
