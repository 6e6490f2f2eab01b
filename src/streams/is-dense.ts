/** Slices of a part that are looked at, and their length in bytes. */
const SLICES = 8;
const SLICE_BYTES = 512;

/** How far from even the bytes may be spread: 1 is noise, a little else before it 1.2, programs and text 2 and more. */
const MOST_UNEVEN = 1.3;

/** What the trial compresses, and the share of it that must be left for a part to be dense. */
const TRIAL_BYTES = 16 * 1024;
const LEFT = 0.96;

/**
 * Whether compressing is for nothing, because `part` is noise to a compressor: mostly what was compressed
 * or encrypted before. Looks at how evenly its bytes are spread, and where that says yes, tries a slice
 * from the middle. Always the same answer for the same bytes. A short part is never dense.
 */
export function isDense(part: Uint8Array<ArrayBuffer>): boolean {
  if (part.length < 2 * TRIAL_BYTES || unevenness(part) > MOST_UNEVEN) return false;
  const middle = (part.length - TRIAL_BYTES) >> 1;
  const slice = part.subarray(middle, middle + TRIAL_BYTES);
  return Bun.gzipSync(slice, { level: 1, library: 'libdeflate' }).length > TRIAL_BYTES * LEFT;
}

/** How likely two bytes of the slices are the same, compared with noise. */
function unevenness(part: Uint8Array): number {
  const counts = new Uint32Array(256);
  const step = Math.floor((part.length - SLICE_BYTES) / (SLICES - 1));
  for (let slice = 0; slice < SLICES; slice++) {
    const end = slice * step + SLICE_BYTES;
    for (let at = slice * step; at < end; at++) {
      const byte = part[at] ?? 0;
      counts[byte] = (counts[byte] ?? 0) + 1;
    }
  }
  const total = SLICES * SLICE_BYTES;
  // Whole numbers until the last division, so that no machine rounds otherwise.
  const same = counts.reduce((sum, count) => sum + count * (count - 1), 0);
  return (same * 256) / (total * (total - 1));
}
