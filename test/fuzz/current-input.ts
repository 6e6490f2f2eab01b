/** Bytes before the input: its number, its length and whether there is one. */
const HEAD_BYTES = 12;

/**
 * The input that a process works on, in a file that another process can look into while the first hangs,
 * and after it was killed.
 */
export class CurrentInput {
  readonly #bytes: Uint8Array;
  readonly #head: DataView;

  /** @param path a file that {@link makeCurrentInput} made */
  constructor(path: string) {
    this.#bytes = Bun.mmap(path, { shared: true });
    this.#head = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, HEAD_BYTES);
  }

  set(index: number, input: Uint8Array): void {
    this.#head.setUint32(0, index);
    this.#head.setUint32(4, input.length);
    this.#head.setUint32(8, 1);
    this.#bytes.set(input, HEAD_BYTES);
  }

  /** The input that was set last; undefined before the first. */
  get(): { readonly index: number; readonly input: Uint8Array } | undefined {
    if (this.#head.getUint32(8) === 0) return undefined;
    const end = HEAD_BYTES + this.#head.getUint32(4);
    return { index: this.#head.getUint32(0), input: this.#bytes.slice(HEAD_BYTES, end) };
  }
}

/** Makes the file of a {@link CurrentInput} for inputs of up to `maxBytes`. */
export async function makeCurrentInput(path: string, maxBytes: number): Promise<CurrentInput> {
  await Bun.write(path, new Uint8Array(HEAD_BYTES + maxBytes));
  return new CurrentInput(path);
}
