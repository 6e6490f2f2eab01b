/**
 * How many bytes of an upload the `Range` header of its status says are kept. `0-0` is what some
 * registries answer for none and for one byte alike, and `0--1` is an empty upload: both count as 0.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
 * @returns undefined when the header is missing or cannot be understood
 */
export function receivedBytes(header: string | null): number | undefined {
  const match = /^(?:bytes[ =])?0-(-1|\d{1,15})(?:\/(?:\d{1,15}|\*))?$/.exec(header?.trim() ?? '');
  if (match === null) return undefined;
  const last = Number(match[1]);
  return last > 0 ? last + 1 : 0;
}

/**
 * The first byte that a 206 answer says it begins with.
 * https://www.rfc-editor.org/rfc/rfc9110#section-14.4
 */
export function contentRangeStart(header: string | null): number | undefined {
  const match = /^bytes (\d{1,15})-\d+\/(?:\d+|\*)$/i.exec(header?.trim() ?? '');
  return match === null ? undefined : Number(match[1]);
}
