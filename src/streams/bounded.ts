/** How much {@link readAll} takes. */
export interface ReadAllOptions {
  /** The most bytes that are held. */
  readonly limit: number;
  /** The error to throw when more come. */
  readonly tooLarge: () => Error;
}

/**
 * All the bytes of `source` in one array.
 * @throws what `tooLarge` makes, as soon as more than `limit` bytes came
 */
export async function readAll(
  source: AsyncIterable<Uint8Array>,
  { limit, tooLarge }: ReadAllOptions,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of source) {
    length += piece.length;
    if (length > limit) throw tooLarge();
    pieces.push(piece.slice());
  }
  return Buffer.concat(pieces, length);
}
