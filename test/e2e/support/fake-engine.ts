import { chmod, mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Workbench, workbench } from './workbench.ts';

/** A workbench whose machine is this Linux, with an engine that does what a script says. */
export interface EngineBench extends Workbench {
  /** What finch needs in its environment to find it; it is in every `run` of the bench. */
  readonly env: Readonly<Record<string, string>>;
  /** From now on nerdctl does this, in the shell, and `"$@"` are its arguments without finch's own flags. */
  act(script: string): Promise<void>;
  /** The arguments that nerdctl was called with last, without finch's own flags. */
  args(): Promise<readonly string[]>;
  /** The variables that nerdctl was called with last. */
  environment(): Promise<Readonly<Record<string, string>>>;
}

/** Writes down how it was called, before it does what it is told; it does nothing without being told. */
const NERDCTL = `#!/bin/sh
here="$(dirname "$0")/.."
[ "$1" = --hosts-dir ] && shift 2
printf '%s\\0' "$@" > "$here/args"
env -0 > "$here/environment"
[ ! -e "$here/act" ] || . "$here/act"
`;

/**
 * A bench with a socket that takes connections as containerd's does, and a nerdctl on PATH. The bridge that commands start
 * ends with it.
 */
export async function engineBench(): Promise<EngineBench> {
  const bench = await workbench();
  const bin = bench.path('bin');
  await mkdir(bin);
  await Bun.write(join(bin, 'nerdctl'), NERDCTL);
  await chmod(join(bin, 'nerdctl'), 0o755);
  await Bun.write(join(bench.home, 'finch.yaml'), 'vmType: native\n');
  const socket = bench.path('containerd.sock');
  const server = createServer((connection) => connection.end());
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const env = {
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    CONTAINERD_ADDRESS: socket,
    CONTAINERD_NAMESPACE: '',
    NERDCTL_TOML: bench.path('nerdctl.toml'),
  };
  const withEngine = (options: Parameters<Workbench['run']>[1] = {}) => ({
    ...options,
    env: { ...env, ...options.env },
  });
  const words = async (name: string) =>
    (await readFile(bench.path(name), 'utf8')).split('\0').slice(0, -1);
  return {
    ...bench,
    env,
    run: (line, options) => bench.run(line, withEngine(options)),
    ok: (line, options) => bench.ok(line, withEngine(options)),
    fails: (line, options) => bench.fails(line, withEngine(options)),
    async act(script) {
      await Bun.write(bench.path('act'), `${script}\n`);
    },
    args: () => words('args'),
    async environment() {
      const lines = await words('environment');
      return Object.fromEntries(
        lines.map((line) => [line.replace(/=.*/s, ''), line.replace(/^[^=]*=/, '')]),
      );
    },
    async [Symbol.asyncDispose]() {
      await bench.run(['vm', 'stop', '--force'], withEngine());
      await new Promise((resolve) => server.close(resolve));
      await bench[Symbol.asyncDispose]();
    },
  };
}
