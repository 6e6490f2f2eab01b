import type { AbortOptions } from '../content.ts';

interface Flight<T> extends AbortOptions {
  readonly result: Promise<T>;
}

/** Work of which there is one of a name under way at a time: who wants it meanwhile gets what comes of it. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>();

  /**
   * What comes of the work called `name`, which is begun unless it is under way. Gives up as soon as `signal`
   * fires. When that of whoever began it fires, it is begun again for the others.
   * @param work gives up when `signal` fires
   * @throws what `work` throws, the signal's reason
   */
  async join(name: string, work: () => Promise<T>, { signal }: AbortOptions = {}): Promise<T> {
    for (;;) {
      signal?.throwIfAborted();
      const flight = this.#flights.get(name) ?? this.#begin(name, work, signal);
      try {
        return await orAborted(flight.result, signal);
      } catch (error) {
        if (flight.signal === signal || signal?.aborted || !flight.signal?.aborted) throw error;
      }
    }
  }

  #begin(name: string, work: () => Promise<T>, signal: AbortSignal | undefined): Flight<T> {
    const result = work().finally(() => this.#flights.delete(name));
    // Nobody may be waiting any more when it fails.
    result.catch(() => {});
    const flight = { result, ...(signal && { signal }) };
    this.#flights.set(name, flight);
    return flight;
  }
}

/**
 * What `result` comes to, or the signal's reason as soon as it fires.
 * @throws what `result` fails with, the signal's reason
 */
export async function orAborted<T>(
  result: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return await result;
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort);
  try {
    return await Promise.race([result, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
