/** Who asks for a longer pause gets no further request; the user decides. */
const LONGEST_MS = 300_000;

/** Nor who asks for longer pauses than these in all. */
const IN_ALL_MS = 600_000;

/** The pauses between the attempts of one piece of work: 5 minutes each at most, and 10 in all. */
export class Pauses {
  readonly #inAllMs: number;
  #leftMs: number;

  /** @param inAllMs how long they may be in all */
  constructor(inAllMs = IN_ALL_MS) {
    this.#inAllMs = inAllMs;
    this.#leftMs = inAllMs;
  }

  /** Begins anew, for the work got on. */
  refill(): void {
    this.#leftMs = this.#inAllMs;
  }

  /** Whether a pause is short enough. */
  allows(ms: number): boolean {
    return ms <= LONGEST_MS && ms <= this.#leftMs;
  }

  /** Takes a pause from what is left; false, and takes nothing, when it is too long. */
  take(ms: number): boolean {
    if (!this.allows(ms)) return false;
    this.#leftMs -= ms;
    return true;
  }
}
