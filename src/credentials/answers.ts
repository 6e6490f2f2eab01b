import type { AbortOptions } from '../content.ts';

/**
 * Answers to questions that are asked once: who asks while another waits for the same answer gets it
 * too, and who asks later gets it at once. An error is an answer, but not that the one who asked gave up.
 */
export class Answers<T> {
  readonly #answers = new Map<string, Promise<T>>();

  /** The answer to `question`, by `ask` when it is not known. */
  async get(question: string, ask: () => Promise<T>, { signal }: AbortOptions = {}): Promise<T> {
    for (;;) {
      signal?.throwIfAborted();
      const known = this.#answers.get(question);
      if (known === undefined) break;
      try {
        return await known;
      } catch (error) {
        if (this.#answers.get(question) === known) throw error;
      }
    }
    const answer = ask();
    this.#answers.set(question, answer);
    try {
      return await answer;
    } catch (error) {
      if (signal?.aborted) this.#answers.delete(question);
      throw error;
    }
  }

  /** Forgets all answers. */
  clear(): void {
    this.#answers.clear();
  }
}
