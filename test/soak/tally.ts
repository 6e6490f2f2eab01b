/** What happened in a run: how often each kind of thing was done, and what went wrong. */
export class Tally {
  readonly #counts = new Map<string, number>();
  /** What must not have happened. */
  readonly faults: string[] = [];

  /** Counts one more of a kind. */
  count(kind: string, by = 1): void {
    this.#counts.set(kind, this.of(kind) + by);
  }

  /** How many of a kind there were. */
  of(kind: string): number {
    return this.#counts.get(kind) ?? 0;
  }

  /** Notes something that must not happen. */
  fault(text: string): void {
    this.count('faults');
    if (this.faults.length < 100) this.faults.push(text);
  }

  /** Every kind with its number, in alphabetical order, a line each; then every fault. */
  report(): string {
    const lines = [...this.#counts].toSorted().map(([kind, number]) => `  ${kind}: ${number}`);
    return [...lines, ...this.faults.map((fault) => `FAULT ${fault}`)].join('\n');
  }
}
