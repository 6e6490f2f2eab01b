import { existsSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { version } from '../version.ts';
import type { Machine } from '../vm/machine.ts';
import { machineFolder } from '../vm/machine-folder.ts';
import type { Bridge } from './bridge.ts';
import { type BridgeState, storeStamp } from './bridge-state.ts';
import { doesAnswer } from './does-answer.ts';
import { HELPER } from './machine-files.ts';
import { runningBridge } from './running-bridge.ts';
import { type StartBridgeOptions, startBridge } from './start-bridge.ts';
import { underStartLock } from './start-lock.ts';
import { endBridge } from './stop-bridge.ts';

/** For what {@link ensureBridge} needs a bridge. */
export interface EnsureBridgeOptions extends StartBridgeOptions {
  /** The machine that it leads to. It runs. */
  readonly machine: Pick<Machine, 'hostAddress'>;
}

/**
 * The bridge of a home: the one that runs, or one that is started. One of another version of finch, of an earlier
 * store or to another machine gives way, and so does one that answers nobody or whose program is gone. Its files for
 * programs in the machine are there when this returns.
 * @throws FinchError `VM` when it does not answer in time, with the end of what it said; `IO`
 */
export async function ensureBridge(home: string, options: EnsureBridgeOptions): Promise<Bridge> {
  const { machine, signal } = options;
  const abort = signal === undefined ? {} : { signal };
  const folder = machineFolder(home);
  const usable = async () => {
    const running = await runningBridge(home);
    if (running === undefined || !isOurs(running, home, machine)) return undefined;
    return (await doesAnswer(running, abort)) ? running : undefined;
  };
  const found = await usable();
  if (found !== undefined) return found;
  return underStartLock(
    folder,
    async () => {
      // While this one waited for the lock, another may have started it.
      const started = await usable();
      if (started !== undefined) return started;
      await endBridge(folder);
      return startBridge(home, options);
    },
    abort,
  );
}

function isOurs(
  state: BridgeState,
  home: string,
  { hostAddress }: Pick<Machine, 'hostAddress'>,
): boolean {
  const { hosts, guestBin, nativeBin, dockerConfig, socket } = machineFolder(home);
  const isSame =
    state.version === version &&
    state.hostAddress === hostAddress &&
    state.store === storeStamp(home) &&
    state.socket === socket;
  const hasFiles = [hosts, guestBin, nativeBin, dockerConfig, socket].every(existsSync);
  return isSame && hasFiles && !isDangling(join(nativeBin, HELPER));
}

/** Whether a link leads nowhere: the program that it led to was moved or removed. */
function isDangling(link: string): boolean {
  return lstatSync(link, { throwIfNoEntry: false }) !== undefined && !existsSync(link);
}
