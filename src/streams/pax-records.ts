const decoder = new TextDecoder();

/**
 * The records of a pax extended header: `LENGTH KEY=VALUE` and a line feed each, in which the length
 * counts the whole record in bytes.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_03
 * @returns undefined when the data does not have that form
 */
export function parsePaxRecords(data: Uint8Array): ReadonlyMap<string, string> | undefined {
  const records = new Map<string, string>();
  // What follows the last record may be padding.
  for (let at = 0; at < data.length && data[at] !== 0; ) {
    const space = data.indexOf(0x20, at);
    const digits = space === -1 ? '' : decoder.decode(data.subarray(at, space));
    if (!/^[0-9]{1,8}$/.test(digits)) return undefined;
    const end = at + Number(digits);
    const equals = data.indexOf(0x3d, space);
    if (end > data.length || equals === -1 || equals >= end || data[end - 1] !== 0x0a) {
      return undefined;
    }
    const key = decoder.decode(data.subarray(space + 1, equals));
    records.set(key, decoder.decode(data.subarray(equals + 1, end - 1)));
    at = end;
  }
  return records;
}

/** The records of a pax extended header, as {@link parsePaxRecords} reads them. */
export function formatPaxRecords(records: ReadonlyMap<string, string>): Uint8Array {
  const encoder = new TextEncoder();
  const lines = [...records].map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    const bytes = encoder.encode(rest).length;
    // The length counts its own digits.
    let length = bytes;
    while (length !== bytes + `${length}`.length) length = bytes + `${length}`.length;
    return `${length}${rest}`;
  });
  return encoder.encode(lines.join(''));
}
