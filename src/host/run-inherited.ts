import { closeSync, constants, openSync } from 'node:fs';
import { constants as osConstants } from 'node:os';

/** A program that is this one for a while. */
export interface InheritedProgram {
  /** An absolute path. */
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /**
   * Whether it passes no signal on to what it starts: where there is no terminal, signals then go to all of it.
   * Default: false.
   */
  readonly isDeaf?: boolean;
}

/** What a terminal sends to all programs on it. */
const OF_TERMINAL = ['SIGINT', 'SIGQUIT'] as const;
/** What whoever started this program sends to it alone. */
const OF_PARENT = ['SIGTERM', 'SIGHUP'] as const;

/**
 * Runs a program with this one's stdin, stdout, stderr and terminal, until it ends. It stays in the same group of
 * processes, so the terminal itself sends it ctrl-C, ctrl-Z, `fg` and new sizes; meanwhile this program does not
 * end by ctrl-C, however often. SIGTERM and SIGHUP are passed on, and SIGINT and SIGQUIT where there is no terminal.
 * @returns its exit status; 128 and the number of the signal that ended it
 * @throws the operating system's error when it cannot be started
 */
export async function runInherited({
  program,
  args,
  env,
  cwd,
  isDeaf = false,
}: InheritedProgram): Promise<number> {
  let child: Bun.Subprocess | undefined;
  const isOnTerminal = hasTerminal();
  const detached = isDeaf && !isOnTerminal && process.platform !== 'win32';
  const passOn = (name: NodeJS.Signals) => () => {
    if (child === undefined) return;
    if (detached) signalGroup(child.pid, name);
    else child.kill(name);
  };
  const handlers = new Map<NodeJS.Signals, () => void>([
    ...OF_TERMINAL.map((name) => [name, isOnTerminal ? () => {} : passOn(name)] as const),
    ...OF_PARENT.map((name) => [name, passOn(name)] as const),
  ]);
  const restore = [...handlers].map(([name, handler]) => replaceListeners(name, handler));
  try {
    const stdio = ['inherit', 'inherit', 'inherit'] as const;
    child = Bun.spawn([program, ...args], {
      ...{ env: { ...env }, cwd, stdio: [...stdio], detached },
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
