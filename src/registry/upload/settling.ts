import type { WriteOptions } from '../../content.ts';
import { pause, type RetryOptions } from '../../http/retry.ts';

/** How long the end of an upload that another process left must have stayed where it is, in milliseconds. */
const SOON_MS = 250;

/** The same where it has moved meanwhile: longer than the gaps in which a link delivers what it held. */
const SETTLE_MS = 1500;

/** After so many looks in a row at which it was elsewhere, but no further than ever by what counts, it never will. */
const LOOKS = 8;

/** What is known of the upload, and who waits. */
export interface SettlingOptions extends WriteOptions {
  readonly retry: RetryOptions;
  /** How many bytes more count. */
  readonly gain: number;
  /** Where it was before, when it has moved since. */
  readonly movedFrom?: number | undefined;
}

/**
 * Whether what was sent to a session before is still on its way there: not before it has arrived does more
 * follow, or two would write to it, and most of what is sent would be in vain.
 */
export class Settling {
  readonly #options: SettlingOptions;
  #offset: number;
  #ms: number;
  #looks = 0;
  #best = 0;
  #hasMoved = false;

  constructor(options: SettlingOptions) {
    const { movedFrom } = options;
    this.#options = options;
    this.#offset = movedFrom ?? 0;
    this.#ms = movedFrom === undefined ? SOON_MS : SETTLE_MS;
  }

  /** Whether it was seen to move, so that it may have come to its end. */
  get hasMoved(): boolean {
    return this.#hasMoved;
  }

  /**
   * Hears where the session ends now, and waits until it is worth another look.
   * @returns whether it stands still: not yet, or it never will
   * @throws FinchError `CANCELLED`
   */
  async look(offset: number): Promise<'still' | 'moving' | 'endless'> {
    if (offset === this.#offset) return 'still';
    const { retry, gain, signal, onStep } = this.#options;
    this.#offset = offset;
    const isFurther = offset >= this.#best + gain;
    if (isFurther) this.#best = offset;
    this.#looks = isFurther ? 0 : this.#looks + 1;
    if (this.#looks > LOOKS) return 'endless';
    const ms = this.#ms;
    this.#ms = SETTLE_MS;
    this.#hasMoved = ms === SETTLE_MS;
    if (this.#hasMoved) onStep?.({ kind: 'waiting', ms, why: 'more of it is on its way' });
    await pause(ms, { ...retry, signal });
    return 'moving';
  }
}
