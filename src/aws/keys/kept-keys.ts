import type { AbortOptions } from '../../content.ts';
import { SingleFlight } from '../../host/single-flight.ts';
import { awsTime } from '../call/clock.ts';
import type { AwsKeys } from '../identity.ts';
import type { AwsSurroundings } from '../surroundings.ts';

/** Keys that end sooner are asked for again, but not when they are as new as that. */
const SPARE_MS = 60_000;

/** Keys that are asked for once, and again when they are about to end, or after a failure. Who asks meanwhile gets the same. */
export class KeptKeys {
  readonly #surroundings: AwsSurroundings;
  readonly #ask: (options: AbortOptions) => Promise<AwsKeys>;
  readonly #flights = new SingleFlight<AwsKeys>();
  #kept: { readonly keys: AwsKeys; readonly given: number } | undefined;

  constructor(surroundings: AwsSurroundings, ask: (options: AbortOptions) => Promise<AwsKeys>) {
    this.#surroundings = surroundings;
    this.#ask = ask;
  }

  /** @throws what `ask` throws, the signal's reason */
  async get(options: AbortOptions): Promise<AwsKeys> {
    const kept = this.#kept;
    if (kept !== undefined && this.#mayServe(kept)) return kept.keys;
    const renew = async () => {
      const keys = await this.#ask(options);
      this.#kept = { keys, given: this.#surroundings.now() };
      return keys;
    };
    return await this.#flights.join('keys', renew, options);
  }

  /** Whoever gives keys that end soon gives the same again: that is asked for once a minute. */
  #mayServe({ keys, given }: { readonly keys: AwsKeys; readonly given: number }): boolean {
    const left = leftOf(keys, this.#surroundings);
    return left > SPARE_MS || (left > 0 && this.#surroundings.now() - given < SPARE_MS);
  }
}

/** How many milliseconds keys have left. */
export function leftOf({ expires }: AwsKeys, surroundings: AwsSurroundings): number {
  return (expires?.getTime() ?? Number.POSITIVE_INFINITY) - awsTime(surroundings);
}
