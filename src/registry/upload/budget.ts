import type { WriteOptions } from '../../content.ts';
import { Pauses } from '../../http/pauses.ts';
import { jittered, pause, type RetryOptions } from '../../http/retry.ts';
import type { Failure } from './outcome.ts';

/** Failures in a row without more at the registry than ever before, by as much as counts. */
const ATTEMPTS = 8;

/** So often in a row a new login may be wanted: several uploads share one, and it may end again before its turn. */
const RENEWALS = 2;

/** So much more at the registry counts, or a sixteenth of the blob: 1 MiB. */
const GAIN_BYTES = 1024 * 1024;

/** Options of {@link Budget}. */
export interface BudgetOptions extends WriteOptions {
  readonly retry: RetryOptions;
}

/** How often a blob may fail, and how long all pauses of its requests may be: as long as it gets on, without end. */
export class Budget {
  readonly #options: BudgetOptions;
  /** What all its requests take their pauses from. */
  readonly pauses: Pauses;
  /** How many bytes more at the registry count. */
  readonly gain: number;
  #failures = 0;
  #renewals = 0;
  #best = 0;

  /** @param size the length of the blob, in bytes */
  constructor(size: number, options: BudgetOptions) {
    this.#options = options;
    this.gain = Math.max(1, Math.min(GAIN_BYTES, Math.floor(size / 16)));
    this.pauses = new Pauses(options.retry.attempts === 1 ? 0 : undefined);
  }

  /** The registry has `offset` bytes, thanks to others. */
  startAt(offset: number): void {
    this.#best = Math.max(this.#best, offset);
  }

  /** The registry has `offset` bytes: if that is more than ever before, by as much as counts, all begins anew. */
  progress(offset: number): void {
    if (offset < this.#best + this.gain) return;
    this.#best = offset;
    this.#failures = 0;
    this.#renewals = 0;
    this.pauses.refill();
  }

  /**
   * There is a new login.
   * @throws the failure's error when it was one too many
   */
  renew({ error }: Failure): void {
    this.#renewals += 1;
    if (this.#renewals > RENEWALS) throw error;
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
    if (this.#failures >= attempts) throw error;
    const usual = jittered(this.#failures, random);
    // What can be tried at once is not tried at once for ever.
    const ms = Math.round(wait === 0 && this.#failures > 2 ? usual : (wait ?? usual));
    if (!this.pauses.take(ms)) throw error;
    if (ms > 0) onStep?.({ kind: 'waiting', ms, why });
    await pause(ms, { ...retry, signal });
  }
}
