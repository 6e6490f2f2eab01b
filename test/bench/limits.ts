import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finchBinary, finchEnvironment } from '../e2e/support/finch.ts';
import { crane } from '../e2e/support/program.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { writeLargeArchive, writeLargeLayout } from './large-images.ts';

// What finch may cost: prints the most memory that it took with one large layer, and how long it takes to
// start beside crane. `bun test/bench/limits.ts [GIBIBYTES]`; needs four times as much space as the layer has.

const MAX_RSS_MIB = 150;
const MAX_START_RATIO = 1.3;
const START_RUNS = 60;
const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

const gibibytes = Number(process.argv[2] ?? 4);
const broken: string[] = [];

say(`finch --version: ${(await measure(['--version'], {})).peak.toFixed(0)} MiB at its peak`);
await startUp();
await memory('an OCI layout with a compressed layer', writeLargeLayout);
await memory('a docker-archive with an uncompressed layer', writeLargeArchive);
for (const limit of broken) say(`NOT WITHIN ITS LIMIT: ${limit}`);
process.exitCode = broken.length > 0 ? 1 : 0;

/** Loads, pushes and pulls one large image. */
async function memory(
  what: string,
  write: (image: { folder: string; bytes: number; name: string }) => Promise<string>,
): Promise<void> {
  say(`\n${what} of ${gibibytes} GiB; the limit is ${MAX_RSS_MIB} MiB:`);
  await using folder = await temporaryFolder();
  const home = await mkdtemp(join(folder.path, 'home-'));
  const source = await write({ folder: folder.path, bytes: gibibytes * GIB, name: 'large:1' });
  await row('load', ['load', '-q', '-i', source], { home });
  await rm(source, { recursive: true });
  for (const tls of [false, true]) {
    await using registry = await startDockerRegistry({ tls });
    const name = `${registry.host}/large:1`;
    const env = caOf(registry);
    await measure(['tag', 'large:1', name], { home });
    await row(`push over ${tls ? 'TLS' : 'HTTP'}`, ['push', '-q', name], { home, env });
    const other = await mkdtemp(join(folder.path, 'home-'));
    await row(`pull over ${tls ? 'TLS' : 'HTTP'}`, ['pull', '-q', name], { home: other, env });
    await rm(other, { recursive: true });
  }
}

function caOf({ ca }: DockerRegistry): Record<string, string> {
  return ca === undefined ? {} : { SSL_CERT_FILE: ca };
}

async function row(
  what: string,
  args: readonly string[],
  options: { readonly home: string; readonly env?: Readonly<Record<string, string>> },
): Promise<void> {
  const { peak, seconds } = await measure(args, options);
  const speed = (gibibytes * 1024) / seconds;
  say(
    `  ${what.padEnd(14)} ${peak.toFixed(0).padStart(4)} MiB at its peak, ${seconds.toFixed(1)} s, ${speed.toFixed(0)} MiB/s`,
  );
  if (peak > MAX_RSS_MIB) broken.push(`${what}, ${peak.toFixed(0)} MiB`);
}

/** Runs finch: its peak resident set in MiB, and its time. */
async function measure(
  args: readonly string[],
  { home = '/nonexistent', env }: { home?: string; env?: Readonly<Record<string, string>> },
): Promise<{ readonly peak: number; readonly seconds: number }> {
  const began = performance.now();
  const child = Bun.spawn([finchBinary, ...args], {
    env: finchEnvironment(home, env),
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'inherit',
  });
  if ((await child.exited) !== 0) throw new Error(`finch ${args.join(' ')} failed`);
  const seconds = (performance.now() - began) / 1000;
  return { peak: (child.resourceUsage()?.maxRSS ?? Number.NaN) / MIB, seconds };
}

/** Starts finch and crane in turns. */
async function startUp(): Promise<void> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let i = 0; i < START_RUNS; i++) {
    ours.push(milliseconds([finchBinary, '--version']));
    if (crane !== null) theirs.push(milliseconds([crane, 'version']));
  }
  const own = median(ours);
  say(`finch --version: ${own.toFixed(1)} ms, the median of ${START_RUNS} runs`);
  if (crane === null) return say('no crane to compare it with');
  const other = median(theirs);
  const ratio = own / other;
  say(`crane version:   ${other.toFixed(1)} ms; finch takes ${ratio.toFixed(2)} times as long`);
  say(`                 the limit is ${MAX_START_RATIO} times`);
  if (ratio > MAX_START_RATIO) broken.push(`start-up, ${ratio.toFixed(2)} times crane's`);
}

function milliseconds(command: readonly string[]): number {
  const began = performance.now();
  const { success } = Bun.spawnSync([...command], { stdout: 'ignore', stderr: 'inherit' });
  if (!success) throw new Error(`${command.join(' ')} failed`);
  return performance.now() - began;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
