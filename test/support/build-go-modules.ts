import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GoModule, go } from './go-modules.ts';

// Imports nothing but what Bun and this project have: it runs before the packages are there.

/**
 * Builds what is not there yet of modules. A minute or two of two cores for each.
 * @param say takes a line for whoever watches
 */
export async function buildGoModules(
  modules: readonly GoModule[],
  say: (line: string) => void,
): Promise<void> {
  for (const module of modules) {
    if (module.programs.every((program) => isThere(module, program))) continue;
    const what = `${module.programs.join(', ')} ${module.version}`;
    if (go === null) {
      say(`no Go: the tests that use ${what} are skipped`);
      continue;
    }
    say(`building ${what}`);
    const fault = await build(module).then(
      () => undefined,
      (error: unknown) => String(error),
    );
    if (fault !== undefined) say(`${fault}\nno ${what}: the tests that use them are skipped`);
  }
}

function isThere({ folder }: GoModule, program: string): boolean {
  return Bun.which(program, { PATH: folder }) !== null;
}

/** Builds the programs in a copy of the module, because what Go downloads must not be changed. */
async function build(module: GoModule): Promise<void> {
  const { path, version, versionVariable, without } = module;
  const work = await mkdtemp(join(tmpdir(), 'finch-build-'));
  try {
    const { Dir } = JSON.parse(
      await runGo(work, 'mod', 'download', '-json', `${path}@${version}`),
    ) as { readonly Dir: string };
    const source = join(work, 'source');
    await copyWritable(Dir, source);
    for (const file of without?.files ?? []) await rm(join(source, file));
    for (const name of without?.modules ?? []) {
      await runGo(source, 'mod', 'edit', `-droprequire=${name}`, `-dropreplace=${name}@v0.0.0`);
    }
    const flags = ['-trimpath', '-ldflags', `-s -w -X ${versionVariable}=${version}`];
    const out = join(work, 'out');
    const packages = module.programs.map((program) => `./cmd/${program}`);
    await runGo(source, 'build', ...flags, '-o', `${out}/`, ...packages);
    await put(out, module);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Puts programs where they belong, each whole or not at all. */
async function put(out: string, { folder, programs }: GoModule): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const program of programs) {
    const path = join(folder, program);
    await cp(join(out, program), `${path}.new`);
    await rename(`${path}.new`, path);
  }
}

/** `cp` of Node.js would keep that nobody may write into a folder, also while it is filled. */
async function copyWritable(from: string, to: string): Promise<void> {
  await run(['cp', '-R', '--no-preserve=mode', from, to], tmpdir());
}

function runGo(folder: string, ...args: readonly string[]): Promise<string> {
  // The tests share their cores with whatever else runs.
  return run(['nice', go ?? 'go', ...args], folder);
}

async function run(command: readonly string[], cwd: string): Promise<string> {
  const child = Bun.spawn([...command], {
    cwd,
    env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false', GOWORK: 'off' },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [stdout, stderr, status] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (status === 0) return stdout;
  throw new Error(`${command.slice(0, 3).join(' ')} ended with ${status}\n${stderr.slice(-4000)}`);
}
