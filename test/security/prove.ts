import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cases } from '../client/cases.ts';
import { catalogue } from './catalogue.ts';
import { defencesOf, type Guard, titlePattern } from './row.ts';

// Removes each defence of the catalogue, and each mechanism of the client's cases, in turn, in a copy of the
// project, and runs the test that is there for it, which must pass before and fail then. An argument picks the
// rows whose id has it, `case` all cases, `case 7.` one of them. Prints a list.

/** What is proved: rows of the catalogue, and cases. */
const rows: readonly Proof['row'][] = [
  ...catalogue,
  ...cases.map(({ number, what, guards }) => ({ id: `case ${number}. ${what}`, guards })),
];

/** One guard of a row. */
interface Proof {
  readonly row: { readonly id: string; readonly guards: readonly Guard[] };
  readonly guard: Guard;
}

const root = join(import.meta.dir, '../..');
const [wanted = ''] = process.argv.slice(2);
const copy = await mkdtemp(join(tmpdir(), 'finch-prove-'));
try {
  for (const name of ['src', 'test', 'build.ts', 'package.json', 'tsconfig.json']) {
    await cp(join(root, name), join(copy, name), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  const proofs = rows
    .filter(({ id }) => id.toLowerCase().includes(wanted.toLowerCase()))
    .flatMap((row) => row.guards.map((guard) => ({ row, guard })));
  await build();
  const survivors: string[] = [];
  for (const proof of proofs) {
    const line = describe(proof);
    const before = await outcome(proof.guard);
    const after = before === 'passes' ? await outcomeWithout(proof.guard) : 'was not tried';
    const isProof = before === 'passes' && after === 'fails';
    if (!isProof) survivors.push(line);
    say(`${isProof ? 'ok ' : 'NOT'} ${line}\n    before: ${before}; without the defence: ${after}`);
  }
  say(`\n${proofs.length - survivors.length} proved, ${survivors.length} not`);
  process.exitCode = survivors.length === 0 ? 0 : 1;
} finally {
  await rm(copy, { recursive: true, force: true });
}

function describe({ row, guard }: Proof): string {
  const removed = defencesOf(guard).map(
    ([file, held, gone]) => `${file}: ${short(held)} -> ${short(gone)}`,
  );
  return `${row.id} | ${removed.join(' and ')} | ${guard.test.join(': ')}`;
}

/** What the test does in the copy without its defences. */
async function outcomeWithout(guard: Guard): Promise<string> {
  const before = new Map<string, string>();
  try {
    for (const [file, held, gone] of defencesOf(guard)) {
      const path = join(copy, 'src', file);
      const text = await Bun.file(path).text();
      if (text.split(held).length !== 2) return `not known: ${file} does not hold the defence once`;
      if (!before.has(path)) before.set(path, text);
      await Bun.write(
        path,
        text.replace(held, () => gone),
      );
    }
    if (isEndToEnd(guard)) await build();
    return await outcome(guard);
  } finally {
    for (const [path, text] of before) await Bun.write(path, text);
    if (isEndToEnd(guard)) await build();
  }
}

function isEndToEnd({ test: [file] }: Guard): boolean {
  return file.startsWith('e2e/');
}

async function outcome({ test: [file, title] }: Guard): Promise<string> {
  const pattern = ['-t', titlePattern(title), '--timeout', '60000'];
  const { status, talk } = await bun('test', `./test/${file}`, ...pattern);
  if (/^\(fail\)/m.test(talk)) return 'fails';
  if (status === 0 && /^\s*[1-9]\d* pass$/m.test(talk)) return 'passes';
  return `ends with ${status}: ${short(talk.trim().slice(-300))}`;
}

async function build(): Promise<void> {
  const { status, talk } = await bun('build.ts');
  if (status !== 0) throw new Error(`the copy cannot be built: ${talk}`);
}

async function bun(...args: readonly string[]) {
  const child = Bun.spawn([process.execPath, ...args], {
    ...{ cwd: copy, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
    env: { ...process.env, FINCH_BINARY: join(copy, 'dist/finch'), NO_COLOR: '1' },
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { status: await child.exited, talk: stdout + stderr };
}

function short(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line === '' ? '(nothing)' : line.length > 160 ? `${line.slice(0, 160)}…` : line;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
