/** What {@link peek} gives. */
export interface Peeked {
  /** The first bytes: as many as were asked for or more, or all when there are fewer. */
  readonly head: Uint8Array;
  /** Everything, the head included. Closing it closes the source, even before it is read. */
  readonly whole: AsyncIterableIterator<Uint8Array, undefined> & {
    return(): Promise<IteratorResult<Uint8Array, undefined>>;
  };
}

/** Looks at the first `length` bytes of a stream that can be read once. */
export async function peek(source: AsyncIterable<Uint8Array>, length: number): Promise<Peeked> {
  const iterator = source[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array();
  let ended = false;
  while (head.length < length && !ended) {
    const { done, value } = await iterator.next();
    if (done) ended = true;
    else head = Buffer.concat([head, value]);
  }
  let headGiven = head.length === 0;
  const end = { done: true, value: undefined } as const;
  return {
    head,
    whole: {
      async next() {
        if (!headGiven) {
          headGiven = true;
          return { done: false, value: head };
        }
        if (ended) return end;
        const next = await iterator.next();
        ended = next.done === true;
        return ended ? end : next;
      },
      async return() {
        if (!ended) await iterator.return?.();
        ended = true;
        headGiven = true;
        return end;
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    },
  };
}
