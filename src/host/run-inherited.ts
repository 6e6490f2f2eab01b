import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { constants as osConstants } from 'node:os';

/** A program that is this one for a while. */
export interface InheritedProgram {
  /** An absolute path. */
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** What it reads in place of this program's stdin. */
  readonly input?: Uint8Array | undefined;
  /**
   * Whether it passes no signal on to what it starts: where there is no terminal, signals then go to all of it.
   * Default: false.
   */
  readonly isDeaf?: boolean;
}

/** What a terminal sends to all programs of the group that is in front. */
const OF_TERMINAL = ['SIGINT', 'SIGQUIT'] as const;
/** What somebody sends to this program alone. */
const OF_SENDER = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;

/**
 * Runs a program with this one's stdin, stdout, stderr and terminal, until it ends. It stays in the same group of
 * processes, so the terminal itself sends it ctrl-C, ctrl-Z, `fg` and new sizes; meanwhile this program does not
 * end by ctrl-C, however often. Other signals are passed on, and so are SIGINT and SIGQUIT where no terminal sends
 * them: it has none, or another group of processes is in front on it.
 * @returns its exit status; 128 and the number of the signal that ended it
 * @throws the operating system's error when it cannot be started
 */
export async function runInherited({
  program,
  args,
  env,
  cwd,
  input,
  isDeaf = false,
}: InheritedProgram): Promise<number> {
  let child: Bun.Subprocess | undefined;
  const detached = isDeaf && !hasTerminal() && process.platform !== 'win32';
  const passOn = (name: NodeJS.Signals) => () => {
    if (child === undefined) return;
    if (detached) signalGroup(child.pid, name);
    else child.kill(name);
  };
  const unlessSent = (send: () => void) => () => {
    // One more would count as a second ctrl-C, by which many programs end in the midst of their work.
    if (!isInFront()) send();
  };
  const restore = [
    ...OF_TERMINAL.map((name) => replaceListeners(name, unlessSent(passOn(name)))),
    ...OF_SENDER.map((name) => replaceListeners(name, passOn(name))),
  ];
  try {
    child = Bun.spawn([program, ...args], {
      ...{ env: { ...env }, cwd, detached },
      ...{ stdin: input ?? 'inherit', stdout: 'inherit', stderr: 'inherit' },
    });
    await child.exited;
    if (child.signalCode === null) return child.exitCode ?? 1;
    return 128 + signalNumber(child.signalCode);
  } finally {
    for (const undo of restore) undo();
  }
}

function signalGroup(leader: number, name: NodeJS.Signals): void {
  try {
    process.kill(-leader, name);
  } catch {
    // Nobody is left in it.
  }
}

function signalNumber(name: string | number): number {
  const numbers: Readonly<Record<string, number>> = osConstants.signals;
  return typeof name === 'number' ? name : (numbers[name] ?? 0);
}

/** Makes `handler` the only one that a signal has, until the function that it gives is called. */
function replaceListeners(name: NodeJS.Signals, handler: () => void): () => void {
  const before = process.listeners(name);
  process.on(name, handler);
  for (const listener of before) process.off(name, listener);
  return () => {
    for (const listener of before) process.on(name, listener);
    process.off(name, handler);
  };
}

/** Whether there is a terminal that sends signals to this program and its children alike. */
function hasTerminal(): boolean {
  if (process.platform === 'win32') return process.stdin.isTTY === true;
  try {
    closeSync(openSync('/dev/tty', constants.O_RDONLY | constants.O_NOCTTY));
    return true;
  } catch {
    // This session has none.
    return false;
  }
}

/** Whether a terminal sends ctrl-C to this program: to the group of processes that is in front on it. */
function isInFront(): boolean {
  if (!hasTerminal()) return false;
  if (process.platform === 'win32') return true;
  try {
    const [own, front] = groupsOf(process.pid);
    return own === front;
  } catch {
    return true;
  }
}

/** The group of a process, and the one that is in front on its terminal. */
function groupsOf(pid: number): readonly [own: string | undefined, front: string | undefined] {
  if (process.platform === 'linux') {
    // https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html (pgrp, tpgid); a name may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return [fields[2], fields[5]];
  }
  const args = ['ps', '-o', 'pgid=', '-o', 'tpgid=', '-p', `${pid}`];
  const { stdout } = Bun.spawnSync(args, { stdin: 'ignore', stderr: 'ignore', timeout: 1000 });
  const [own, front] = stdout.toString().trim().split(/\s+/);
  return [own, front];
}
