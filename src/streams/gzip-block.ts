import { isDense } from './is-dense.ts';

/**
 * The most bytes of input in one gzip member. At 256 KiB all that the compressor looks at fits into a core's
 * cache: faster by a twentieth than members of 1 MiB, which are smaller by 0.3 %.
 */
const MEMBER_BYTES = 256 * 1024;

/** What is dense or not as a whole. */
const STEP_BYTES = 64 * 1024;

/** The levels of libdeflate, each at its own index. */
const LEVELS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] as const;

/**
 * A block as whole gzip members, without time, name or operating system, so that the same block gives
 * the same bytes everywhere. What cannot become smaller, as what was compressed before, is kept as it
 * is in members of its own, which takes a tenth of the time.
 * https://www.rfc-editor.org/rfc/rfc1952#section-2.3
 */
export function gzipBlock(
  block: Uint8Array<ArrayBuffer>,
  level: number,
): readonly Uint8Array<ArrayBuffer>[] {
  const members = [];
  let start = 0;
  do {
    const dense = isDenseAt(block, start);
    let end = start + STEP_BYTES;
    while (end < block.length && end < start + MEMBER_BYTES && isDenseAt(block, end) === dense) {
      end += STEP_BYTES;
    }
    members.push(gzipMember(block.subarray(start, end), dense ? 0 : level));
    start = end;
  } while (start < block.length);
  return members;
}

function isDenseAt(block: Uint8Array<ArrayBuffer>, start: number): boolean {
  return isDense(block.subarray(start, start + STEP_BYTES));
}

function gzipMember(part: Uint8Array<ArrayBuffer>, level: number): Uint8Array<ArrayBuffer> {
  const member = Bun.gzipSync(part, { level: LEVELS[level] ?? 0, library: 'libdeflate' });
  // FLG 0, MTIME 0, XFL 0, OS 255 (unknown).
  member.set([0, 0, 0, 0, 0, 0, 255], 3);
  return member;
}
