import type { ByteStream } from '../content.ts';
import { formatPaxRecords } from './pax-records.ts';
import { TAR_BLOCK_BYTES } from './tar-header.ts';

/** A file or a folder of a tar that is written. */
export interface TarEntry {
  /** Its path, `a/b`; a folder's ends with a slash. */
  readonly name: string;
  /** Bytes of its content; 0 for a folder. */
  readonly size: number;
  /** Its content, which ends after exactly `size` bytes or throws. Not asked of a folder. */
  stream(): ByteStream;
}

/** The largest size that eleven octal digits hold: one byte less than 8 GiB. */
const MAX_USTAR_SIZE = 0o77777777777;
const MAX_USTAR_NAME = 100;
const encoder = new TextEncoder();

/**
 * A tar of `entries` in their order, POSIX ustar, with a pax header before what does not fit into it. Who made it, and
 * when, is not in it: the same entries give the same bytes. A piece is good until the next is asked for.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
 */
export async function* tarStream(
  entries: Iterable<TarEntry>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const entry of entries) {
    yield entryHeaders(entry);
    if (isFolder(entry)) continue;
    yield* entry.stream();
    yield padding(entry.size);
  }
  yield new Uint8Array(2 * TAR_BLOCK_BYTES);
}

function entryHeaders(entry: TarEntry): Uint8Array {
  const { name, size } = entry;
  const records = formatPaxRecords(
    new Map([
      ...(encoder.encode(name).length > MAX_USTAR_NAME ? ([['path', name]] as const) : []),
      ...(size > MAX_USTAR_SIZE ? ([['size', `${size}`]] as const) : []),
    ]),
  );
  const isLarge = size > MAX_USTAR_SIZE;
  const header = headerBlock(name, isFolder(entry) ? '5' : '0', isLarge ? 0 : size);
  if (records.length === 0) return header;
  const extension = headerBlock('pax', 'x', records.length);
  return Buffer.concat([extension, records, padding(records.length), header]);
}

function headerBlock(name: string, flag: '0' | '5' | 'x', size: number): Uint8Array {
  const block = new Uint8Array(TAR_BLOCK_BYTES);
  const put = (text: string, offset: number, length: number) =>
    block.set(encoder.encode(text).subarray(0, length), offset);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
  put(name, 0, MAX_USTAR_NAME);
  put(octal(flag === '5' ? 0o755 : 0o644, 7), 100, 7);
  put(octal(0, 7), 108, 7);
  put(octal(0, 7), 116, 7);
  put(octal(size, 11), 124, 11);
  put(octal(0, 11), 136, 11);
  put(' '.repeat(8), 148, 8);
  put(flag, 156, 1);
  put('ustar\x0000', 257, 8);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${octal(sum, 6)}\0`, 148, 7);
  return block;
}

function padding(size: number): Uint8Array {
  return new Uint8Array((TAR_BLOCK_BYTES - (size % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES);
}

function isFolder({ name }: TarEntry): boolean {
  return name.endsWith('/');
}
