import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemCode } from '../errors.ts';

/** Whether a process still runs; `unknown` when it cannot be seen from here, as from another container or machine. */
export type OwnerState = 'alive' | 'dead' | 'unknown';

/** After this time what a process holds counts as left behind when the process cannot be seen from here. */
export const UNSEEN_OWNER_MS = 24 * 60 * 60 * 1000;

const FORM =
  /^(?<pid>\d+)\.(?<started>\d+)\.(?<boot>[0-9a-f]+)\.(?<namespace>\d+)\.(?<machine>[0-9a-f]+)$/;

/**
 * This process, in a form that no other process ever has, fit for a file name:
 * `PID.START-TIME.BOOT.PID-NAMESPACE.MACHINE`. Where the system does not tell, a part is 0.
 */
export function currentOwner(): string {
  const boot = readText('/proc/sys/kernel/random/boot_id')?.replaceAll(/[^0-9a-f]/g, '') || '0';
  const seen = processStart(process.pid);
  const started = /^\d+$/.test(seen) ? seen : '0';
  return [process.pid, started, boot, pidNamespace(), machine()].join('.');
}

/** Whether the process that {@link currentOwner} wrote down as `owner` still runs. */
export function ownerState(owner: string): OwnerState {
  const then = FORM.exec(owner)?.groups;
  const now = FORM.exec(currentOwner())?.groups;
  if (then === undefined || now === undefined) return 'unknown';
  if (then['boot'] !== now['boot']) {
    // Before this start of the machine, or on another that shares the folder.
    return then['machine'] !== '0' && then['machine'] === now['machine'] ? 'dead' : 'unknown';
  }
  if (then['namespace'] !== now['namespace']) return 'unknown';
  const pid = Number(then['pid']);
  if (then['started'] === '0') return isRunning(pid) ? 'alive' : 'dead';
  const started = processStart(pid);
  if (started === 'unseen') return isRunning(pid) ? 'unknown' : 'dead';
  return started === then['started'] ? 'alive' : 'dead';
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
 * When a process started, in clock ticks since boot; `ended` for one that only waits to be counted out,
 * `unseen` when the system says nothing: it does not run, or `/proc` hides it from this user.
 * https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 * https://docs.kernel.org/filesystems/proc.html#mount-options
 */
function processStart(pid: number): string {
  const text = readText(`/proc/${pid}/stat`);
  if (text === undefined) return 'unseen';
  // The second field is the program's name in brackets, and may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  return state === 'Z' || state === 'X' ? 'ended' : (fields[19] ?? 'unseen');
}

/**
 * The machine through all its starts. The name is a part of it because copies of a virtual machine often have one id.
 * https://www.freedesktop.org/software/systemd/man/latest/machine-id.html
 */
function machine(): string {
  const id = readText('/etc/machine-id');
  if (!id) return '0';
  const hash = new Bun.CryptoHasher('sha256').update(`${id} ${hostname()}`).digest('hex');
  return hash.slice(0, 16);
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
