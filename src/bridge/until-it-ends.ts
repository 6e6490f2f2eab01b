import { setTimeout as sleep } from 'node:timers/promises';
import type { AbortOptions } from '../content.ts';
import type { FinchError } from '../errors.ts';
import { isOutOfFiles } from '../host/open-files.ts';
import type { Machine } from '../vm/machine.ts';

/** What a bridge lives with. */
export interface LifeOptions extends AbortOptions {
  readonly machine: Pick<Machine, 'isUp'>;
  /** Whether the files of the bridge are still its own. */
  readonly isMine: () => boolean;
  /** Sees, again and again, to what killed commands left; when that fails, the next time. The end waits for none. */
  readonly tidy: (options: AbortOptions) => Promise<void>;
  /** Settles when its store was replaced. */
  readonly broken: Promise<FinchError>;
}

/** How often it is looked whether the machine is up. */
const LOOK_MS = 1000;

/** How often it may seem to be down: what runs it may be restarted. */
const MISSES = 2;

/** Waits for the end of a bridge's life. @returns why it ends */
export async function untilItEnds({
  machine,
  isMine,
  tidy,
  broken,
  signal,
}: LifeOptions): Promise<string> {
  const over = new AbortController();
  const isOver = Promise.withResolvers<void>();
  over.signal.addEventListener('abort', () => isOver.resolve());
  const stop = () => over.abort('it was told to');
  signal?.addEventListener('abort', stop);
  if (signal?.aborted) stop();
  void broken.then(({ message }) => over.abort(message));
  let misses = 0;
  while (!over.signal.aborted) {
    await sleep(LOOK_MS, undefined, { signal: over.signal }).catch(() => {});
    if (over.signal.aborted) break;
    if (!isMine()) {
      over.abort('its files were removed or replaced');
      break;
    }
    await Promise.race([tidy({ signal: over.signal }).catch(() => {}), isOver.promise]);
    if (over.signal.aborted) break;
    const isUp = await machine.isUp().catch(() => false);
    // Whoever takes all connections that this process can have does not end it.
    if (!isUp && isOutOfFiles()) continue;
    misses = isUp ? 0 : misses + 1;
    if (misses >= MISSES) over.abort('its machine is down');
  }
  signal?.removeEventListener('abort', stop);
  return String(over.signal.reason);
}
