import { appendFile, chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Everything between a fresh clone and "it works": set-up, build, checks, every test, the main job.
// The last line counts the tests. Imports nothing but what Bun has, because it runs before
// `bun install`.

/** What a step's tests did; a step that runs none counts only when it fails. */
interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const root = join(import.meta.dir, '..');
const reports = await mkdtemp(join(tmpdir(), 'finch-reports-'));
/** What the tests leave behind: their output, the log of every finch, temporary files that nobody removed. */
const remains = await mkdtemp(join(tmpdir(), 'finch-run-'));
await mkdir(join(remains, 'tmp'));
// Some tests run programs as another user.
await chmod(remains, 0o755);
/** Longer than any step takes on two slow cores, and short enough to learn which one hangs. */
const STEP_MS = 30 * 60_000;

const prepared = [
  await step('set-up', 'test/setup.ts'),
  await step('install', 'install', '--frozen-lockfile'),
  await step('build', 'build.ts'),
];
const checked = prepared.some(({ failed }) => failed > 0)
  ? []
  : [
      await step('format and lint', '--bun', 'run', 'biome', 'check'),
      await step('types', '--bun', 'run', 'tsc'),
      // knip is for a newer Node.js than some machines have.
      await step('unused code', '--bun', 'run', 'knip'),
      await tests('test'),
      await tests('e2e'),
      await step('main job', 'run', 'test/demo/run.ts'),
      await counted('conformance', 'test/conformance/run.ts'),
      // Always the same inputs: a change fails only by what it changed.
      await counted('fuzz', 'test/fuzz/run.ts', '--seed', '1'),
      await counted('canary', 'test/canary/search.ts', remains),
    ];
await rm(reports, { recursive: true });
// What leaked is for whoever looks for its way.
if ((checked.at(-1)?.failed ?? 0) > 0) say(`what was searched is in ${remains}`);
else await rm(remains, { recursive: true });

const all = [...prepared, ...checked];
const total = (key: keyof Counts) => all.reduce((sum, counts) => sum + counts[key], 0);
const skipped = total('skipped') > 0 ? `, ${total('skipped')} skipped` : '';
say(`\n${total('passed')} passed, ${total('failed')} failed${skipped}`);
process.exitCode = total('failed') > 0 || total('passed') === 0 ? 1 : 0;

/**
 * Runs Bun with `args` in view. What it prints is kept in {@link remains}, and every finch in it writes what
 * it does at its highest level of detail to a log there.
 */
async function run(
  name: string,
  args: readonly string[],
): Promise<{ readonly good: boolean; readonly output: string }> {
  say(`\n== ${name}`);
  const started = performance.now();
  const child = Bun.spawn([process.execPath, ...args], {
    cwd: root,
    env: {
      ...process.env,
      TMPDIR: join(remains, 'tmp'),
      FINCH_DEBUG: join(remains, 'debug.log'),
    },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: STEP_MS,
  });
  const [output] = await Promise.all([
    shown(child.stdout, process.stdout),
    shown(child.stderr, process.stderr),
  ]);
  const status = await child.exited;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  say(`== ${name}: ${status === 0 ? 'good' : `failed with status ${status}`} after ${seconds} s`);
  return { good: status === 0, output };
}

/** Passes on what a step prints as it comes, and keeps it. */
async function shown(
  stream: ReadableStream<Uint8Array>,
  to: { write(bytes: Uint8Array): unknown },
): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of stream) {
    to.write(bytes);
    text += decoder.decode(bytes, { stream: true });
  }
  await appendFile(join(remains, 'output.log'), text);
  return text;
}

async function step(name: string, ...args: readonly string[]): Promise<Counts> {
  return { passed: 0, failed: (await run(name, args)).good ? 0 : 1, skipped: 0 };
}

/** Runs the tests of one script in package.json and counts them by Bun's own report. */
async function tests(script: string): Promise<Counts> {
  const report = join(reports, `${script}.xml`);
  const reporter = ['--reporter=junit', `--reporter-outfile=${report}`];
  const { good } = await run(script, ['run', script, ...reporter]);
  const file = Bun.file(report);
  const head = (await file.exists())
    ? (/<testsuites [^>]*>/.exec(await file.text())?.[0] ?? '')
    : '';
  const count = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const skipped = count('skipped');
  const failures = count('failures');
  return {
    passed: count('tests') - failures - skipped,
    // An error outside of any test is in no count.
    failed: failures === 0 && !good ? 1 : failures,
    skipped,
  };
}

/** Runs a script whose last line says how many of its cases passed, failed and were skipped. */
async function counted(name: string, ...args: readonly string[]): Promise<Counts> {
  const { good, output } = await run(name, args);
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  const count = (what: string) => Number(new RegExp(`(\\d+) ${what}\\b`).exec(last)?.[1] ?? 0);
  const failures = count('failed');
  return {
    passed: count('passed'),
    failed: failures === 0 && !good ? 1 : failures,
    skipped: count('skipped'),
  };
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
