import { readFileSync, readlinkSync } from 'node:fs';
import { systemCode } from '../errors.ts';

/** Whether a process still runs; `unknown` when it cannot be seen from here, as from another container or machine. */
export type OwnerState = 'alive' | 'dead' | 'unknown';

const FORM = /^(?<pid>\d+)\.(?<started>\d+)\.(?<boot>[0-9a-f]+)\.(?<namespace>\d+)$/;

/**
 * This process, in a form that no other process ever has, fit for a file name:
 * `PID.START-TIME.BOOT.PID-NAMESPACE`. Where the system does not tell, a part is 0.
 */
export function currentOwner(): string {
  const boot = readText('/proc/sys/kernel/random/boot_id')?.replaceAll(/[^0-9a-f]/g, '') || '0';
  const started = processStart(process.pid) ?? '0';
  return `${process.pid}.${started}.${boot}.${pidNamespace()}`;
}

/** Whether the process that {@link currentOwner} wrote down as `owner` still runs. */
export function ownerState(owner: string): OwnerState {
  const then = FORM.exec(owner)?.groups;
  const now = FORM.exec(currentOwner())?.groups;
  if (then === undefined || now === undefined) return 'unknown';
  // Another start of this machine, or another machine that shares the folder.
  if (then['boot'] !== now['boot']) return 'unknown';
  if (then['namespace'] !== now['namespace']) return 'unknown';
  const pid = Number(then['pid']);
  if (then['started'] === '0') return isRunning(pid) ? 'alive' : 'dead';
  return processStart(pid) === then['started'] ? 'alive' : 'dead';
}

/** A new name for a file that tells whose it is. */
export function ingestName(owner: string): string {
  return `${owner}-${crypto.randomUUID()}`;
}

/** The owner in a name that {@link ingestName} made; of any other name, something that is no owner. */
export function ingestOwner(name: string): string {
  return name.slice(0, Math.max(0, name.indexOf('-')));
}

/**
 * When a process started, in clock ticks since boot; undefined when it does not run (any more).
 * https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
function processStart(pid: number): string | undefined {
  const text = readText(`/proc/${pid}/stat`);
  // The second field is the program's name in brackets, and may hold anything.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  const state = fields?.[0];
  return state === 'Z' || state === 'X' ? undefined : fields?.[19];
}

function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  } catch {
    return '0';
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
