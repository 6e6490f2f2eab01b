import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openTarget, tryInput, whyEmpty } from './campaign.ts';
import { makeCurrentInput } from './current-input.ts';
import type { Target } from './target.ts';
import { targets } from './targets/all.ts';
import type { WorkerReport } from './worker.ts';

// Feeds mutated inputs to everything that reads what others wrote. Each ends with a result or with an
// error that is meant for the user, soon and without much memory; the first that does not is kept.
//
//   bun test/fuzz/run.ts [--inputs N] [--seconds S] [--seed HEX] [--target NAME]
//   bun test/fuzz/run.ts --target NAME --input FILE

const USAGE =
  'usage: bun test/fuzz/run.ts [--inputs N] [--seconds S] [--seed HEX] [--target NAME [--input FILE]]';

/** The form for every change: 200,000 inputs, or two minutes where the machine is slower. */
const DEFAULT_INPUTS = '200000';
const DEFAULT_SECONDS = '120';

/** An input that runs for this long hangs. */
const HANG_MS = 30_000;
const POLL_MS = 500;

/** More than any target needs, and less than what a bomb takes. */
const MAX_RSS = 512 * 1024 * 1024;

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: DEFAULT_INPUTS },
    seconds: { type: 'string', default: DEFAULT_SECONDS },
    seed: { type: 'string' },
    target: { type: 'string' },
    input: { type: 'string' },
  },
});
const seed = values.seed ?? crypto.getRandomValues(Buffer.alloc(8)).toString('hex');
const chosen = targets.filter(({ name }) => values.target === undefined || name === values.target);
const [only] = chosen;
const [total, seconds] = [Number(values.inputs), Number(values.seconds)];
if (only === undefined || !(total > 0) || !(seconds > 0)) fail();
if (values.input === undefined) process.exitCode = (await runAll()) ? 0 : 1;
else process.exitCode = (await runFile(only, values.input)) ? 0 : 1;

/** Runs the chosen targets, some at once; whether all was well. */
async function runAll(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'finch-fuzz-'));
  const deadline = performance.now() + seconds * 1000;
  const shares = chosen.reduce((sum, { share }) => sum + share, 0);
  const waiting = [...chosen];
  const jobs = Math.min(availableParallelism(), chosen.length);
  let [passed, failed] = [0, 0];
  const work = async () => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
      const inputs = Math.ceil((total * target.share) / shares);
      const left = Math.max(1000, deadline - performance.now());
      const turns = Math.ceil((waiting.length + 1) / jobs);
      // Twice a fair part, because most need much less.
      const fair = Math.min(left, (2 * left) / turns);
      if (await runTarget(target, { inputs, seconds: fair / 1000, folder })) passed++;
      else failed++;
    }
  };
  try {
    await Promise.all(Array.from({ length: jobs }, work));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  say(`${passed} passed, ${failed} failed`);
  return failed === 0;
}

interface RunOptions {
  readonly inputs: number;
  readonly seconds: number;
  readonly folder: string;
}

/** Runs one target in a process, watches over it, and prints its line; whether all was well. */
async function runTarget(
  target: Target,
  { inputs, seconds, folder }: RunOptions,
): Promise<boolean> {
  const { name } = target;
  const file = join(folder, name);
  const current = await makeCurrentInput(file, target.maxBytes ?? 64 * 1024);
  const worker = join(import.meta.dir, 'worker.ts');
  const child = Bun.spawn(
    [process.execPath, worker, name, seed, String(inputs), String(seconds), file],
    { stdin: 'ignore', stdout: 'pipe', stderr: 'inherit', env: { ...process.env, TMPDIR: folder } },
  );
  let hung = false;
  let [lastIndex, since] = [-1, performance.now()];
  const watch = setInterval(() => {
    const index = current.get()?.index ?? -1;
    if (index !== lastIndex) [lastIndex, since] = [index, performance.now()];
    hung = performance.now() - since > HANG_MS;
    if (hung) child.kill('SIGKILL');
  }, POLL_MS);
  const text = await new Response(child.stdout).text();
  await child.exited;
  clearInterval(watch);
  const report = readReport(text);
  if (report === undefined) {
    const end = child.signalCode ?? `status ${child.exitCode}`;
    const why = hung ? `it hangs` : `the process ended with ${end}`;
    return keepInput(target, why, current.get()?.input);
  }
  const { results, errors, slowestMs, peakRss, fault } = report;
  say(
    `${name.padEnd(16)} ${report.inputs} inputs, ${results} results, ${errors} clean errors, ` +
      `slowest ${slowestMs.toFixed(1)} ms, peak ${Math.round(peakRss / 1024 / 1024)} MiB, seed ${seed}`,
  );
  if (fault !== undefined) return keepInput(target, fault.why, current.get()?.input);
  const empty = whyEmpty(report, inputs);
  if (empty !== undefined) {
    say(`${name}: ${empty}`);
    return false;
  }
  if (peakRss <= MAX_RSS) return true;
  say(
    `${name}: used ${Math.round(peakRss / 1024 / 1024)} MiB of memory; run it again with the seed`,
  );
  return false;
}

function readReport(text: string): WorkerReport | undefined {
  try {
    return JSON.parse(text) as WorkerReport;
  } catch {
    return undefined;
  }
}

/** Writes the input to a file, says what it did and how to see it again. */
async function keepInput(
  target: Target,
  why: string,
  input: Uint8Array = new Uint8Array(),
): Promise<false> {
  const path = join(tmpdir(), `finch-fuzz-${target.name}-${Bun.hash(input).toString(16)}`);
  await Bun.write(path, input);
  say(`${target.name}: ${why}`);
  say(
    `the input is in ${path}; again: bun test/fuzz/run.ts --target ${target.name} --input ${path}`,
  );
  return false;
}

async function runFile(target: Target, path: string): Promise<boolean> {
  await using open = await openTarget(target);
  const { why, ms, isResult } = await tryInput(open, await Bun.file(path).bytes());
  say(`${target.name}: ${why ?? (isResult ? 'a result' : 'a clean error')}, ${ms.toFixed(1)} ms`);
  return why === undefined;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function fail(): never {
  process.stderr.write(`${USAGE}\ntargets: ${targets.map(({ name }) => name).join(' ')}\n`);
  process.exit(1);
}
