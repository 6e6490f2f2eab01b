import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { go } from '../support/go-modules.ts';

const cache = join(import.meta.dir, '../../node_modules/.cache/finch-peers');

/** A program of a Go module, as it is published. */
export interface GoProgram {
  /** The package of its `main`, of which the last part is the program's name. */
  readonly package: string;
  readonly version: string;
}

/** What finch is measured beside, and a registry that all of them push to. */
export const peerPrograms = {
  crane: { package: 'github.com/google/go-containerregistry/cmd/crane', version: 'v0.20.7' },
  oras: { package: 'oras.land/oras/cmd/oras', version: 'v1.3.3' },
  regctl: { package: 'github.com/regclient/regclient/cmd/regctl', version: 'v0.11.1' },
  registry: { package: 'github.com/distribution/distribution/v3/cmd/registry', version: 'v3.1.1' },
} as const satisfies Readonly<Record<string, GoProgram>>;

/** The path of a program; one that is not there yet is built first, which takes a minute or two.
 * @throws Error when there is no Go, or it cannot build it
 */
export async function goProgram({ package: path, version }: GoProgram): Promise<string> {
  const name = path.split('/').at(-1) ?? path;
  const folder = join(cache, `${name}-${version}`);
  const program = join(folder, name);
  if (!(await Bun.file(program).exists())) {
    await runGo(['install', '-trimpath', '-ldflags', '-s -w', `${path}@${version}`], {
      GOBIN: folder,
    });
  }
  return program;
}

/** Builds one of the bench's own programs, `test/bench/go/NAME`, and gives its path. */
export async function ownProgram(name: 'sink' | 'link' | 'measure'): Promise<string> {
  const source = join(import.meta.dir, 'go', name, 'main.go');
  const hash = Bun.hash(await Bun.file(source).text()).toString(36);
  const program = join(cache, `own-${name}-${hash}`);
  if (!(await Bun.file(program).exists())) {
    await mkdir(cache, { recursive: true });
    const part = `${program}.${process.pid}`;
    await runGo(['build', '-o', part, source]);
    await rename(part, program);
  }
  return program;
}

async function runGo(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  if (go === null) throw new Error('the bench needs Go, for the programs that it measures beside');
  const child = Bun.spawn(['nice', go, ...args], {
    env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off', ...env },
    ...{ stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' },
  });
  const [said, status] = await Promise.all([child.stderr.text(), child.exited]);
  if (status !== 0)
    throw new Error(`go ${args.join(' ')} ended with ${status}\n${said.slice(-2000)}`);
}
