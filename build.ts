import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { $, JSONC } from 'bun';
import project from './package.json' with { type: 'json' };

// `bun build.ts` makes dist/finch for this machine; `bun build.ts --all` makes every release file.

const dist = join(import.meta.dir, 'dist');
const cache = join(import.meta.dir, 'node_modules/.cache/bun-runtimes');

/**
 * A release file `finch-<name>` and the npm package that holds Bun's runtime for it. Bun signs
 * darwin-arm64 ad hoc; the signature that darwin-x64 inherits is void, so codesign it on a Mac.
 */
const targets = [
  { name: 'linux-x64', runtime: '@oven/bun-linux-x64' },
  { name: 'linux-arm64', runtime: '@oven/bun-linux-aarch64' },
  { name: 'linux-x64-musl', runtime: '@oven/bun-linux-x64-musl' },
  { name: 'linux-arm64-musl', runtime: '@oven/bun-linux-aarch64-musl' },
  { name: 'darwin-x64', runtime: '@oven/bun-darwin-x64' },
  { name: 'darwin-arm64', runtime: '@oven/bun-darwin-aarch64' },
  { name: 'windows-x64', runtime: '@oven/bun-windows-x64' },
] as const;

const programSettings = {
  // A program that people run in any folder must not take settings from the files that lie there.
  autoloadDotenv: false,
  autoloadBunfig: false,
  // Most commands end before machine code is worth its compiling: a third of the CPU time of pushing an image of
  // 100 layers went into that. What runs for long is compiled all the same, after ten times as many calls.
  jitPolicy: 10,
};

$.cwd(import.meta.dir);
if (`bun@${Bun.version}` !== project.packageManager) {
  throw new Error(`this is bun ${Bun.version}, finch is built with ${project.packageManager}`);
}
const described = await $`git describe --always --dirty --exclude='*'`.nothrow().quiet().text();
const commit = described.trim() || 'unknown';

if (process.argv.includes('--all')) {
  const sums: string[] = [];
  for (const { name, runtime } of targets) {
    const file = join(dist, `finch-${name}${name.startsWith('windows') ? '.exe' : ''}`);
    await compile(file, { target: `bun-${name}`, executablePath: await fetchRuntime(runtime) });
    const hasher = new Bun.CryptoHasher('sha256');
    for await (const piece of Bun.file(file).stream()) hasher.update(piece);
    sums.push(`${hasher.digest('hex')}  ${basename(file)}\n`);
  }
  await Bun.write(join(dist, 'SHA256SUMS'), sums.join(''));
} else {
  const file = join(dist, process.platform === 'win32' ? 'finch.exe' : 'finch');
  await compile(file, {});
  const said = await $`${file} --version`.text();
  if (!said.includes(project.version)) throw new Error(`${file} --version says ${said}`);
}

async function compile(
  outfile: string,
  runtime: Pick<Bun.CompileBuildOptions, 'target' | 'executablePath'>,
): Promise<void> {
  const source = join(import.meta.dir, 'src');
  const { outputs } = await Bun.build({
    entrypoints: [join(source, 'main.ts'), join(source, 'streams/compress-worker.ts')],
    // Puts the worker beside the program, where `new URL('./compress-worker.ts', import.meta.url)` finds
    // it from a module in src/streams and from the compiled bundle alike.
    root: join(source, 'streams'),
    // A command reads and runs only the chunks that it needs.
    splitting: true,
    format: 'esm',
    bytecode: true,
    minify: { whitespace: true, syntax: true },
    sourcemap: 'linked',
    define: {
      FINCH_VERSION: JSON.stringify(project.version),
      FINCH_COMMIT: JSON.stringify(commit),
    },
    compile: { outfile, ...programSettings, ...runtime },
  });
  // The executable holds its source maps; the copies beside it serve nobody.
  const maps = outputs.filter(({ kind }) => kind === 'sourcemap');
  await Promise.all(maps.map(({ path }) => rm(path, { force: true })));
  process.stdout.write(`${outfile} (${project.version}, ${commit})\n`);
}

/** The path of another platform's runtime, from the npm registry, with the digest that bun.lock pins. */
async function fetchRuntime(name: string): Promise<string> {
  const lock = JSONC.parse(await Bun.file(join(import.meta.dir, 'bun.lock')).text()) as {
    packages: Record<string, [id: string, source: string, about: object, integrity: string]>;
  };
  const [id, , , integrity] = lock.packages[name] ?? [];
  if (id !== `${name}@${Bun.version}`) throw new Error(`bun.lock has no ${name}@${Bun.version}`);
  const folder = join(cache, id.replace('/', '-'));
  if (!existsSync(folder)) {
    await mkdir(cache, { recursive: true });
    const scratch = await mkdtemp(join(cache, 'fetch-'));
    const packed = await $`npm pack --silent --pack-destination ${scratch} ${id}`.text();
    const archive = await Bun.file(join(scratch, packed.trim())).bytes();
    const found = `sha512-${new Bun.CryptoHasher('sha512').update(archive).digest('base64')}`;
    if (found !== integrity) throw new Error(`${id} has ${found}, bun.lock says ${integrity}`);
    await new Bun.Archive(archive).extract(scratch);
    await rename(join(scratch, 'package'), folder);
    await rm(scratch, { recursive: true });
  }
  return join(folder, 'bin', name.includes('windows') ? 'bun.exe' : 'bun');
}
