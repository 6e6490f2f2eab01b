import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finchBinary, finchEnvironment } from '../e2e/support/finch.ts';
import { runProgram } from '../e2e/support/program.ts';
import { temporaryFolder } from '../support/temporary.ts';
import type { Random } from './random.ts';

/** When a process is killed: after a time, or as it begins its n-th system call of a name in one thread. */
export type Moment =
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'call'; readonly name: string; readonly count: number };

/** What there is to know of a command before it can be killed at any moment of it. */
export interface Span {
  readonly ms: number;
  /** How often a thread of it makes a system call, by name. */
  readonly calls: readonly (readonly [name: string, count: number])[];
}

/** A command to kill. */
export interface Victim {
  readonly args: readonly string[];
  readonly home: string;
  readonly stdin?: Blob;
  /** Returns when the time begins; gets what the process prints. Default: at once. */
  readonly ready?: (stdout: ReadableStream<Uint8Array>) => Promise<void>;
}

/** The system calls that change something outside of the process. */
const CALLS =
  'openat,write,pwrite64,fsync,fdatasync,ftruncate,rename,unlink,mkdir,fchmod,close,sendto';

const hasStrace = await canTrace();

/**
 * Which system calls a command makes, by running it to its end: for each thread and name, how many.
 * None where strace cannot tell.
 */
export async function countCalls({ args, home, stdin }: Victim): Promise<Span['calls']> {
  if (!hasStrace) return [];
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'trace');
  const traced = ['strace', '-f', '-qq', '-o', file, '-e', `trace=${CALLS}`];
  await spawn([...traced, finchBinary, ...args], { home, stdin }).exited;
  const counts = new Map<string, number>();
  for (const [, thread, name] of (await readFile(file, 'utf8')).matchAll(/^(\d+) +(\w+)\(/gm)) {
    const key = `${thread} ${name}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, count]) => [key.replace(/.* /, ''), count]);
}

/** A moment of a command, each as likely as any other. */
export function chooseMoment({ ms, calls }: Span, random: Random): Moment {
  if (calls.length > 0 && random.chance(0.4)) {
    const [name, count] = random.pick(calls);
    return { kind: 'call', name, count: 1 + random.below(count) };
  }
  return { kind: 'time', ms: random.below(Math.ceil(ms * 1200)) / 1000 };
}

/** Runs a command and kills it with SIGKILL at the moment. False when it had ended before. */
export async function killAt(victim: Victim, moment: Moment): Promise<boolean> {
  const { args, ready } = victim;
  const traced =
    moment.kind === 'time'
      ? []
      : [
          ...['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${moment.name}`],
          ...['-e', `inject=${moment.name}:signal=KILL:when=${moment.count}`],
        ];
  const child = spawn([...traced, finchBinary, ...args], victim);
  if (moment.kind === 'time') {
    if (ready !== undefined) await ready(child.stdout);
    await Promise.race([Bun.sleep(moment.ms), child.exited]);
    child.kill('SIGKILL');
  }
  await child.exited;
  return child.signalCode === 'SIGKILL';
}

function spawn(
  command: readonly string[],
  { home, stdin }: { readonly home: string; readonly stdin?: Blob | undefined },
) {
  return Bun.spawn([...command], {
    env: finchEnvironment(home),
    stdin: stdin ?? 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
  });
}

async function canTrace(): Promise<boolean> {
  if (Bun.which('strace') === null) return false;
  return (await runProgram(['strace', '-f', '-qq', '-o', '/dev/null', 'true'])).exitCode === 0;
}
