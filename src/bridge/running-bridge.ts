import { hasCode } from '../errors.ts';
import { isLocked } from '../host/file-lock.ts';
import { machineFolder } from '../vm/machine-folder.ts';
import { type BridgeState, readState } from './bridge-state.ts';
import { clearDeadBridge, hasTraces } from './clear-bridge.ts';

/**
 * The bridge of a home, if one runs. Quick, and never starts one. What one left that was killed is removed, if that
 * can be: who starts one learns why it cannot.
 * @throws FinchError `IO`
 */
export async function runningBridge(home: string): Promise<BridgeState | undefined> {
  const folder = machineFolder(home);
  if (!hasTraces(folder)) return undefined;
  // In this order: a bridge that begins has the lock before it removes what the last one wrote.
  if (isLocked(folder.lock)) return readState(folder);
  await clearDeadBridge(folder).catch((error: unknown) => {
    if (!hasCode(error, 'IO')) throw error;
  });
  return undefined;
}
