import { rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../../host/run-program.ts';
import type { Lima } from './find-limactl.ts';

/** Where it is kept which `limactl` starts the machine; Lima looks at no name that begins so. */
function pendingPath({ home }: Lima): string {
  return join(home, '.finch-start');
}

/** Remembers the process that starts the machine, until it has ended: it outlives a finch that is killed. */
export function rememberStart(lima: Lima, pid: number): void {
  try {
    writeFileSync(pendingPath(lima), String(pid));
  } catch {
    // It is only of use to who comes after a crash.
  }
}

/** After the process has ended that starts the machine. */
export function forgetStart(lima: Lima): void {
  rmSync(pendingPath(lima), { force: true });
}

/** Ends a `limactl` that still starts the machine: its finch was killed, or it hangs. */
export async function endPendingStart(lima: Lima): Promise<void> {
  const pid = Number(await readFile(pendingPath(lima), 'utf8').catch(() => ''));
  if (process.platform === 'win32' || !Number.isSafeInteger(pid) || pid <= 1) return;
  const { stdout } = await runProgram('/bin/ps', ['-o', 'args=', '-p', String(pid)], {
    ...{ env: {}, stdin: new Uint8Array(), timeoutMs: 5_000 },
  });
  // Its number may be another's by now.
  if (new TextDecoder().decode(stdout).includes(`${lima.program} start `)) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }
  forgetStart(lima);
}
