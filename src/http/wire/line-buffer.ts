import { malformed } from './malformed.ts';

const LINE_FEED = 10;

/** Makes lines that end with LF of pieces that may be cut anywhere, up to so many bytes in all. */
export class LineBuffer {
  #begun = '';
  #total = 0;

  /**
   * Takes the bytes up to the end of the line, or all where it does not end in them. Each byte is a character,
   * also a CR before the LF.
   * @param limit bytes of all lines since the last {@link reset}
   * @throws Error with the code `ResponseHeadersTooLarge`
   */
  take(bytes: Uint8Array, limit: number): { readonly line?: string; readonly rest: Uint8Array } {
    const end = bytes.indexOf(LINE_FEED);
    const length = end === -1 ? bytes.length : end + 1;
    this.#total += length;
    if (this.#total > limit) throw malformed('ResponseHeadersTooLarge');
    this.#begun += Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('latin1');
    const rest = bytes.subarray(length);
    if (end === -1) return { rest };
    const line = this.#begun;
    this.#begun = '';
    return { line: line.slice(0, -1), rest };
  }

  /** Counts from here on. */
  reset(): void {
    this.#total = 0;
  }
}
