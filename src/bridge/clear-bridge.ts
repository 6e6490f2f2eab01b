import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { removeTemporary } from '../host/atomic-file.ts';
import { holdFileLock } from '../host/file-lock.ts';
import { ioError } from '../host/io-error.ts';
import type { MachineFolder } from '../vm/machine-folder.ts';
import { OWNER } from './bridge-state.ts';
import { removeSocket } from './socket-folder.ts';
import { holdStartLock } from './start-lock.ts';

/** Whether a bridge left something that says that it ran, or runs. */
export function hasTraces({ state, socket }: MachineFolder): boolean {
  return existsSync(state) || existsSync(socket);
}

/**
 * Removes what a bridge left that was killed. Nothing while one lives, or while somebody starts or ends one.
 * @throws FinchError `IO`
 */
export async function clearDeadBridge(folder: MachineFolder): Promise<void> {
  if (!existsSync(folder.path)) return removeTraces(folder);
  // Who ends a bridge takes whoever has its lock for one: so nobody else has it without this one.
  using starting = await holdStartLock(folder);
  if (starting !== undefined) await clearEnded(folder);
}

/**
 * {@link clearDeadBridge}, for who has the lock of starting one.
 * @throws FinchError `IO`
 */
export async function clearEnded(folder: MachineFolder): Promise<void> {
  using lock = await holdFileLock(folder.lock, { patienceMs: 0 });
  if (lock !== undefined) await removeTraces(folder);
}

/**
 * Removes what a bridge has written for as long as it lives. The socket goes last: while it is there, whoever looks
 * knows that there may be more. Only for who has the lock.
 * @throws FinchError `IO`
 */
export async function removeTraces(folder: MachineFolder): Promise<void> {
  const { path, state, socket, hosts, push } = folder;
  try {
    await rm(hosts, { recursive: true, force: true });
    await rm(push, { recursive: true, force: true });
    await rm(state, { force: true });
    if (existsSync(path)) await removeTemporary(state, { owner: OWNER });
    await removeSocket(folder, socket);
  } catch (error) {
    throw ioError(error, 'write', path);
  }
}
