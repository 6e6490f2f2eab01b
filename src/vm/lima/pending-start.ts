import { rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commandLine } from '../../host/command-line.ts';
import { INSTANCE, type Lima } from './find-limactl.ts';

/** The words after the program by which finch starts a machine, before those that say which. */
export const START = ['start', '--tty=false'] as const;

/** Where it is kept which `limactl` starts the machine; Lima looks at no name that begins so. */
function pendingPath({ home }: Pick<Lima, 'home'>): string {
  return join(home, '.finch-start');
}

/** Remembers the process that starts the machine, until it has ended: it outlives a finch that is killed. */
export function rememberStart(lima: Lima, pid: number): void {
  try {
    writeFileSync(pendingPath(lima), `${pid} ${lima.program}`);
  } catch {
    // It is only of use to who comes after a crash.
  }
}

/** After the process has ended that starts the machine. */
export function forgetStart(lima: Pick<Lima, 'home'>): void {
  rmSync(pendingPath(lima), { force: true });
}

/** Ends a `limactl` that still starts the machine: its finch was killed, or it hangs. */
export async function endPendingStart(lima: Pick<Lima, 'home'>): Promise<void> {
  const text = await readFile(pendingPath(lima), 'utf8').catch(() => '');
  const [, digits, program] = /^(\d+) (.+)$/s.exec(text) ?? [];
  const pid = Number(digits);
  if (program === undefined || !Number.isSafeInteger(pid) || pid <= 1) return;
  const line = await commandLine(pid);
  // Who cannot know now may know the next time.
  if (line === undefined) return;
  if (isStart(line, program)) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }
  forgetStart(lima);
}

/** Whether a process is a start of finch's machine, and not another one that has its number by now. */
function isStart(line: string, program: string): boolean {
  const start = [program, ...START, ''].join(' ');
  return [INSTANCE, `--name=${INSTANCE}`].some((it) => `${line} `.includes(`${start}${it} `));
}
