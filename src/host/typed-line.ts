import { FinchError } from '../errors.ts';

/** More than anyone types, and less than what would have to be a file. */
const MAX_LINE_BYTES = 64 * 1024;

const KEY = {
  ctrlC: 0x03,
  ctrlD: 0x04,
  backspace: 0x08,
  lineFeed: 0x0a,
  enter: 0x0d,
  ctrlU: 0x15,
  ctrlZ: 0x1a,
  escape: 0x1b,
  ctrlBackslash: 0x1c,
  delete: 0x7f,
} as const;

/** The end of a line, and how many of the bytes belong to it. */
export interface LineEnd {
  readonly by: 'line' | 'interrupt' | 'end';
  readonly length: number;
}

/** A line while it is typed, for a terminal that leaves it to the program to correct it. */
export class TypedLine {
  #bytes: number[] = [];
  /** What an arrow key and the like send is no part of a line: `ESC [ … letter`, `ESC O letter`. */
  #escape: 'none' | 'begun' | 'inside' = 'none';

  /** What has been typed, as UTF-8. */
  get text(): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(this.#bytes));
  }

  /**
   * Takes in what was typed.
   * @returns where the line ends, or undefined when it goes on
   * @throws FinchError `USAGE` when it gets longer than 64 KiB
   */
  type(bytes: Uint8Array): LineEnd | undefined {
    for (const [i, byte] of bytes.entries()) {
      const by = this.#key(byte);
      if (by !== undefined) return { by, length: i + 1 };
    }
    if (this.#bytes.length <= MAX_LINE_BYTES) return undefined;
    throw new FinchError('USAGE', 'a line of more than 64 KiB was typed');
  }

  #key(byte: number): LineEnd['by'] | undefined {
    if (this.#escape !== 'none' && byte >= 0x20) {
      const isFirst = this.#escape === 'begun' && (byte === 0x5b || byte === 0x4f);
      this.#escape = isFirst || (this.#escape === 'inside' && byte < 0x40) ? 'inside' : 'none';
      return undefined;
    }
    this.#escape = byte === KEY.escape ? 'begun' : 'none';
    switch (byte) {
      case KEY.lineFeed:
      case KEY.enter:
        return 'line';
      case KEY.ctrlC:
      // Whoever wants to suspend or quit, and sees nothing happen, would go on typing into a password.
      case KEY.ctrlZ:
      case KEY.ctrlBackslash:
        return 'interrupt';
      case KEY.ctrlD:
        return this.#bytes.length === 0 ? 'end' : undefined;
      case KEY.ctrlU:
        this.#bytes = [];
        return undefined;
      case KEY.backspace:
      case KEY.delete:
        // The bytes behind the first of a UTF-8 character begin with the bits 10.
        while (((this.#bytes.pop() ?? 0) & 0xc0) === 0x80);
        return undefined;
      default:
        if (byte >= 0x20 || byte === 0x09) this.#bytes.push(byte);
        return undefined;
    }
  }
}
