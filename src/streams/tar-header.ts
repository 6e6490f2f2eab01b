/** Bytes in a block of a tar file: headers are one block, data is padded to whole blocks. */
export const TAR_BLOCK_BYTES = 512;

/** One header block, before any extension header is applied. */
export interface TarHeader {
  readonly name: string;
  /** The type flag, for example `0` for a file; `0` too for the flag NUL of old writers. */
  readonly flag: string;
  /** Bytes of data that follow. */
  readonly size: number;
  readonly linkName: string;
  /** Whether further blocks with the map of an old GNU sparse file follow. */
  readonly hasSparseMap: boolean;
}

const decoder = new TextDecoder();

/**
 * The header in `block`: POSIX ustar, GNU or the older form without a magic number.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
 * @returns undefined when its checksum or its size is wrong, so that it is no header
 */
export function parseTarHeader(block: Uint8Array): TarHeader | undefined {
  if (!hasRightChecksum(block)) return undefined;
  const size = number(block, 124, 12);
  if (size === undefined) return undefined;
  const isPosix = text(block, 257, 6) === 'ustar' && block[262] === 0;
  const prefix = isPosix ? text(block, 345, 155) : '';
  const name = text(block, 0, 100);
  const flag = String.fromCharCode(block[156] || 0x30);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    flag,
    size,
    linkName: text(block, 157, 100),
    hasSparseMap: flag === 'S' && block[482] !== 0,
  };
}

/** Whether every byte of `block` is zero: two such blocks end a tar file. */
export function isZeroBlock(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

function hasRightChecksum(block: Uint8Array): boolean {
  if (block.length < TAR_BLOCK_BYTES) return false;
  const stored = number(block, 148, 8);
  let unsigned = 8 * 0x20;
  // Some old writers summed signed bytes.
  let signed = 8 * 0x20;
  for (let i = 0; i < TAR_BLOCK_BYTES; i++) {
    if (i >= 148 && i < 156) continue;
    const byte = block[i] ?? 0;
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  return stored === unsigned || stored === signed;
}

function text(block: Uint8Array, offset: number, length: number): string {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return decoder.decode(end === -1 ? field : field.subarray(0, end));
}

/** Octal digits, or GNU's base-256 form, which has the top bit set. */
function number(block: Uint8Array, offset: number, length: number): number | undefined {
  const first = block[offset] ?? 0;
  if ((first & 0x80) === 0) {
    const digits = text(block, offset, length).trim();
    return /^[0-7]*$/.test(digits) ? Number.parseInt(`0${digits}`, 8) : undefined;
  }
  if ((first & 0x40) !== 0) return undefined;
  let value = first & 0x3f;
  for (let i = offset + 1; i < offset + length; i++) value = value * 256 + (block[i] ?? 0);
  return Number.isSafeInteger(value) ? value : undefined;
}
