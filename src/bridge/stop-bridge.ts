import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { FinchError, systemCode } from '../errors.ts';
import { commandLine } from '../host/command-line.ts';
import { isLocked } from '../host/file-lock.ts';
import { type MachineFolder, machineFolder } from '../vm/machine-folder.ts';
import { type BridgeState, readState } from './bridge-state.ts';
import { clearEnded, hasTraces } from './clear-bridge.ts';
import { doesAnswer } from './does-answer.ts';
import { underStartLock } from './start-lock.ts';

/** How long a bridge may take to end: its clients have five seconds to finish. */
const END_MS = 8000;
const KILL_MS = 2000;
const POLL_MS = 10;

/** What the words of a bridge's process have in them. */
const SERVES = ' bridge serve ';

/**
 * Ends the bridge of a home, if one runs, and removes what one left that was killed.
 * @throws FinchError `VM` when it does not end, `IO`
 */
export async function stopBridge(home: string): Promise<void> {
  const folder = machineFolder(home);
  if (!existsSync(folder.path) && !hasTraces(folder)) return;
  await underStartLock(folder, () => endBridge(folder));
}

/**
 * {@link stopBridge}, for who has the lock of starting one.
 * @throws FinchError `VM`, `IO`
 */
export async function endBridge(folder: MachineFolder): Promise<void> {
  for (const [signal, patienceMs] of [
    ['SIGTERM', END_MS],
    ['SIGKILL', KILL_MS],
  ] as const) {
    if (await hasEnded(folder, { signal, patienceMs })) return clearEnded(folder);
  }
  throw new FinchError('VM', `the bridge of ${folder.path} does not end`, {
    hint: `see ${folder.log}, end its process, and try again`,
  });
}

async function hasEnded(
  folder: MachineFolder,
  { signal, patienceMs }: { readonly signal: NodeJS.Signals; readonly patienceMs: number },
): Promise<boolean> {
  const deadline = performance.now() + patienceMs;
  let told: number | undefined;
  while (isLocked(folder.lock)) {
    if (performance.now() > deadline) return false;
    // One that has just begun has not written down yet who it is.
    const state = await readState(folder);
    if (state !== undefined && state.pid !== told && (await isBridge(state))) {
      send(state.pid, signal);
      told = state.pid;
    }
    await sleep(POLL_MS);
  }
  return true;
}

/** Whether a bridge has that number still: one that begins has the lock before what the last one wrote is gone. */
async function isBridge(state: BridgeState): Promise<boolean> {
  const line = await commandLine(state.pid);
  return line === undefined ? doesAnswer(state) : ` ${line} `.includes(SERVES);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return;
    throw new FinchError('VM', 'cannot end the bridge: another user runs it', {
      hint: 'run finch as the user who started the virtual machine',
      cause: error,
    });
  }
}
