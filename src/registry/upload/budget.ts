import type { WriteOptions } from '../../content.ts';
import { pause, type RetryOptions } from '../../http/retry.ts';
import type { Failure } from './outcome.ts';

/** Failures in a row without a byte more at the registry than ever before. */
const ATTEMPTS = 8;

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/** Who asks to wait longer gets no further request; the user decides. */
const LONGEST_ASKED_MS = 300_000;

/** Options of {@link Budget}. */
export interface BudgetOptions extends WriteOptions {
  readonly retry: RetryOptions;
}

/** How often a blob may fail: as long as it gets on, without end. */
export class Budget {
  readonly #options: BudgetOptions;
  #failures = 0;
  #best = 0;

  constructor(options: BudgetOptions) {
    this.#options = options;
  }

  /** The registry has `offset` bytes: whether that is more than ever before. */
  progress(offset: number): boolean {
    if (offset <= this.#best) return false;
    this.#best = offset;
    this.#failures = 0;
    return true;
  }

  /**
   * Waits after a failure, with full jitter, or as long as the registry asks.
   * @throws the failure's error when it was one too many, and FinchError `CANCELLED`
   */
  async spend({ error, why, wait, isThrottled }: Failure): Promise<void> {
    const { retry, onStep, signal } = this.#options;
    const { attempts = ATTEMPTS, random = Math.random } = retry;
    if (isThrottled) onStep?.({ kind: 'throttled' });
    this.#failures += 1;
    if (this.#failures >= attempts || (wait ?? 0) > LONGEST_ASKED_MS) throw error;
    const jittered = random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures);
    // What can be tried at once is not tried at once for ever.
    const ms = Math.round(wait === 0 && this.#failures > 2 ? jittered : (wait ?? jittered));
    if (ms > 0) onStep?.({ kind: 'waiting', ms, why });
    await pause(ms, { ...retry, signal });
  }
}
