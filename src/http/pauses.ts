/** Who asks for longer pauses than two minutes in all gets no further request; the user decides. */
const LONGEST_MS = 120_000;

/** The pauses between the attempts of one piece of work. */
export class Pauses {
  #leftMs = LONGEST_MS;

  /** Takes a pause from what is left of two minutes; false when it is too long for that. */
  take(ms: number): boolean {
    this.#leftMs -= ms;
    return this.#leftMs >= 0;
  }
}
