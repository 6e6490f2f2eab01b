/** A run of bytes: from `start` up to, not including, `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * What a `Range` header asks of content of `size` bytes: one range, `unsatisfiable`, or undefined when
 * the header is to be ignored, as one of several ranges may be. A range that ends before it begins is
 * answered as unsatisfiable, as other registries do.
 * https://www.rfc-editor.org/rfc/rfc9110#section-14.2
 */
export function parseRange(
  header: string | null,
  size: number,
): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=\s*(\d*)\s*-\s*(\d*)\s*$/i.exec(header ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size };
  }
  const start = Number(first);
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  return start >= end ? 'unsatisfiable' : { start, end };
}

/**
 * The bytes that the `Content-Range` header of a chunk names: `<first>-<last>`, both included. Undefined
 * when it is not of that form.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 */
export function parseContentRange(header: string): ByteRange | undefined {
  const [, first, last] = /^(?:bytes )?(\d+)-(\d+)(?:\/(?:\d+|\*))?$/.exec(header) ?? [];
  const start = Number(first);
  const end = Number(last) + 1;
  return Number.isSafeInteger(start) && Number.isSafeInteger(end) && start < end
    ? { start, end }
    : undefined;
}
