import { LEVELS } from './compressor.ts';
import { estimateShare, isEven } from './density.ts';

/** What is spread evenly or not as a whole. */
const STEP_BYTES = 64 * 1024;

/** Of what would leave more than this share, noise to a compressor, every byte is kept as it is. */
const DENSE_SHARE = 0.94;

/** What leaves less than this share, as text does, costs little to look at more closely, and repays it. */
const SPARSE_SHARE = 0.35;

/** How many levels more closely. */
const MORE_LEVELS = 2;

/** The most bytes in a stored block. */
const STORED_BYTES = 0xffff;

/** The levels of libdeflate, each at its own index. */
const DEFLATE_LEVELS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] as const;

/** ID, CM 8, FLG 0, MTIME 0, XFL 0, OS 255 (unknown). */
const HEADER = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255] as const;

/**
 * A block as whole gzip members, without time, name or operating system, so that the same block gives
 * the same bytes everywhere: the pieces of the members, some of them parts of the block itself. What
 * cannot become smaller, as what was compressed before, is kept as it is in members of its own; all else is
 * compressed at `level`, less closely where little is to be had and more closely where much is.
 * https://www.rfc-editor.org/rfc/rfc1952#section-2.3
 */
export function gzipBlock(
  block: Uint8Array<ArrayBuffer>,
  level: number,
): readonly Uint8Array<ArrayBuffer>[] {
  const pieces = [];
  let start = 0;
  do {
    const even = isEvenAt(block, start);
    let end = start + STEP_BYTES;
    while (end < block.length && isEvenAt(block, end) === even) end += STEP_BYTES;
    const part = block.subarray(start, end);
    const share = estimateShare(part);
    if (even && share > DENSE_SHARE) pieces.push(...storedMember(part));
    else pieces.push(deflatedMember(part, levelFor({ even, share }, level)));
    start = end;
  } while (start < block.length);
  return pieces;
}

function isEvenAt(block: Uint8Array<ArrayBuffer>, start: number): boolean {
  return isEven(block.subarray(start, start + STEP_BYTES));
}

function levelFor(part: { readonly even: boolean; readonly share: number }, level: number): number {
  if (part.even) return LEVELS.gzip.least;
  return part.share < SPARSE_SHARE ? Math.min(level + MORE_LEVELS, LEVELS.gzip.most) : level;
}

function deflatedMember(part: Uint8Array<ArrayBuffer>, level: number): Uint8Array<ArrayBuffer> {
  const member = Bun.gzipSync(part, { level: DEFLATE_LEVELS[level] ?? 1, library: 'libdeflate' });
  member.set(HEADER);
  return member;
}

/**
 * A member of stored blocks. Written here, because a compressor would copy every byte.
 * https://www.rfc-editor.org/rfc/rfc1951#section-3.2.4
 */
function storedMember(part: Uint8Array<ArrayBuffer>): readonly Uint8Array<ArrayBuffer>[] {
  const pieces = [new Uint8Array(HEADER)];
  for (let start = 0; start < part.length; start += STORED_BYTES) {
    const bytes = part.subarray(start, start + STORED_BYTES);
    const head = new DataView(new ArrayBuffer(5));
    head.setUint8(0, start + STORED_BYTES < part.length ? 0 : 1);
    head.setUint16(1, bytes.length, true);
    head.setUint16(3, ~bytes.length, true);
    pieces.push(new Uint8Array(head.buffer), bytes);
  }
  const tail = new DataView(new ArrayBuffer(8));
  tail.setUint32(0, Bun.hash.crc32(part), true);
  tail.setUint32(4, part.length, true);
  return [...pieces, new Uint8Array(tail.buffer)];
}
