/** What the rate is made of: the last few seconds. */
const WINDOW_MS = 5000;

/** Two moments that are no further apart count as one. */
const STEP_MS = 100;

/** Too little time to say how fast it goes. */
const LEAST_MS = 200;

interface Sample {
  readonly at: number;
  readonly bytes: number;
}

/** How fast something goes now: bytes of the last few seconds. */
export class MovingRate {
  /** The oldest is the last one that is older than the window. */
  readonly #samples: Sample[] = [];
  #bytes = 0;

  /** Takes in that `bytes` more went through at the moment `at`, in milliseconds. What came back does not count. */
  add(bytes: number, at: number): void {
    if (this.#samples.length === 0) this.#samples.push({ at, bytes: 0 });
    this.#bytes += Math.max(0, bytes);
    const last = this.#samples.at(-1);
    if (last !== undefined && at - last.at < STEP_MS) return;
    this.#samples.push({ at, bytes: this.#bytes });
    while ((this.#samples[1]?.at ?? at) <= at - WINDOW_MS) this.#samples.shift();
  }

  /** Bytes a second; undefined while too little is known. */
  at(now: number): number | undefined {
    const from = this.#samples.findLast(({ at }) => at <= now - WINDOW_MS) ?? this.#samples[0];
    if (from === undefined || now - from.at < LEAST_MS) return undefined;
    return Math.max(0, ((this.#bytes - from.bytes) * 1000) / (now - from.at));
  }
}
