import { setTimeout as sleep } from 'node:timers/promises';
import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { isLocked } from '../host/file-lock.ts';
import { ownCommand } from '../host/own-program.ts';
import { machineFolder } from '../vm/machine-folder.ts';
import type { Bridge } from './bridge.ts';
import { bridgeEnvironment } from './bridge-environment.ts';
import { openLog } from './bridge-log.ts';
import { readState } from './bridge-state.ts';
import { clearEnded } from './clear-bridge.ts';
import { doesAnswer } from './does-answer.ts';

/** How a bridge is started. */
export interface StartBridgeOptions extends AbortOptions {
  /** The environment of this user, of which the bridge gets what says who the user is. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The words by which finch is run. Default: this program. */
  readonly program?: readonly string[];
}

/** What whoever started a bridge writes to it once it answers. A bridge that does not get it ends. */
export const WANTED = 'wanted\n';

/** How long a bridge may take to answer. It takes a tenth of a second. */
const PATIENCE_MS = 10_000;
const POLL_MS = 10;

/**
 * Starts a bridge that outlives this process and its terminal, and waits until it answers. Only for who has the lock
 * of starting one.
 * @throws FinchError `VM` when it does not, `IO`; the signal's reason. Then none is left.
 */
export async function startBridge(
  home: string,
  { env, program = ownCommand(), signal }: StartBridgeOptions,
): Promise<Bridge> {
  const folder = machineFolder(home);
  using log = openLog(folder.log);
  const child = Bun.spawn([...program, 'bridge', 'serve', '--handshake'], {
    ...{ stdin: 'pipe', stdout: 'ignore', stderr: log.fd },
    // A session of its own: no signal of the terminal reaches it, and whoever reads stdout sees its end.
    ...{ detached: true, windowsHide: true },
    ...{ env: bridgeEnvironment(env, home), cwd: folder.path },
  });
  child.unref();
  const deadline = performance.now() + PATIENCE_MS;
  try {
    while (child.exitCode === null && child.signalCode === null && performance.now() < deadline) {
      const state = await readState(folder);
      const isUp = state?.pid === child.pid && isLocked(folder.lock);
      if (state !== undefined && isUp && (await doesAnswer(state))) {
        child.stdin.write(WANTED);
        await child.stdin.end();
        return state;
      }
      await sleep(POLL_MS, undefined, { signal });
    }
    const why = log.tail() || 'it did not answer in time, and said nothing';
    throw new FinchError('VM', `cannot start the bridge to the virtual machine: ${why}`, {
      hint: `see ${folder.log}, and try again`,
    });
  } catch (error) {
    child.kill('SIGKILL');
    await child.exited;
    await clearEnded(folder);
    signal?.throwIfAborted();
    throw error;
  }
}
