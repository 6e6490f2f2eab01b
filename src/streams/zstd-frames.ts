/** What the walk over frames wants next: some bytes to look at, at most four, or to pass over some. */
type Step = { readonly look: number; readonly mayEnd?: boolean } | { readonly skip: number };

/**
 * Follows zstd data from frame to frame and block to block, without decompressing, to know whether all
 * of it came: the runtime's decompressor takes data that is cut off for data that ends.
 * https://www.rfc-editor.org/rfc/rfc8878#section-3.1
 */
export class ZstdFrames {
  readonly #walk = walkFrames();
  readonly #seen = new Uint8Array(4);
  /** Undefined when the data is not zstd. */
  #step: Step | undefined = this.#walk.next().value ?? undefined;
  /** Bytes of the step that came. */
  #done = 0;

  /** Whether the data may end here: after a whole frame. */
  get isWhole(): boolean {
    const step = this.#step;
    return step !== undefined && 'look' in step && step.mayEnd === true && this.#done === 0;
  }

  /**
   * Takes the next piece of the data.
   * @returns whether it is zstd data so far
   */
  take(piece: Uint8Array): boolean {
    for (let at = 0; at < piece.length; ) {
      const step = this.#step;
      if (step === undefined) return false;
      const wanted = 'look' in step ? step.look : step.skip;
      const part = piece.subarray(at, at + wanted - this.#done);
      if ('look' in step) this.#seen.set(part, this.#done);
      at += part.length;
      this.#done += part.length;
      if (this.#done < wanted) break;
      this.#step = this.#walk.next(this.#seen.subarray(0, Math.min(wanted, 4))).value ?? undefined;
      this.#done = 0;
    }
    return this.#step !== undefined;
  }
}

/** Ends when what it is given is no zstd data. */
function* walkFrames(): Generator<Step, void, Uint8Array> {
  for (;;) {
    const magic = littleEndian(yield { look: 4, mayEnd: true });
    // A skippable frame: sixteen magic numbers, and its length.
    if (magic >>> 4 === 0x184d2a5) yield* skip(littleEndian(yield { look: 4 }));
    else if (magic !== 0xfd2fb528) return;
    else if (!(yield* walkFrame())) return;
  }
}

function* walkFrame(): Generator<Step, boolean, Uint8Array> {
  const flags = (yield { look: 1 })[0] ?? 0;
  const isSingleSegment = (flags & 0x20) !== 0;
  const windowBytes = isSingleSegment ? 0 : 1;
  const dictionaryBytes = [0, 1, 2, 4][flags & 3] ?? 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  yield* skip(windowBytes + dictionaryBytes + sizeBytes);
  for (let isLast = false; !isLast; ) {
    const header = littleEndian(yield { look: 3 });
    const kind = (header >> 1) & 3;
    if (kind === 3) return false;
    // A block of one byte repeated holds that byte only.
    yield* skip(kind === 1 ? 1 : header >> 3);
    isLast = (header & 1) === 1;
  }
  const hasChecksum = (flags & 4) !== 0;
  yield* skip(hasChecksum ? 4 : 0);
  return true;
}

function* skip(bytes: number): Generator<Step, void, Uint8Array> {
  if (bytes > 0) yield { skip: bytes };
}

function littleEndian(bytes: Uint8Array): number {
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}
