/** Slices of a part that are looked at, and their length in bytes. */
const SLICES = 8;
const SLICE_BYTES = 512;

/** How far from even the bytes may be spread: 1 is noise, a little else before it 1.2, programs and text 2 and more. */
const MOST_UNEVEN = 1.3;

/** Slices that the trial compresses together, and their length in bytes. */
const TRIAL_SLICES = 4;
const TRIAL_BYTES = 4 * 1024;

/**
 * Whether the bytes of `part` are spread as evenly as those of noise, which mostly was compressed or
 * encrypted before. Looks at some slices. Always the same answer for the same bytes; no for a short part.
 */
export function isEven(part: Uint8Array): boolean {
  return part.length >= 2 * SLICES * SLICE_BYTES && unevenness(part) <= MOST_UNEVEN;
}

/** The share of `part` that compressing it at the least level is likely to leave: some slices are tried. */
export function estimateShare(part: Uint8Array<ArrayBuffer>): number {
  const trial = new Uint8Array(TRIAL_SLICES * TRIAL_BYTES);
  if (part.length < trial.length) return 0.5;
  const step = Math.floor((part.length - TRIAL_BYTES) / (TRIAL_SLICES - 1));
  for (let slice = 0; slice < TRIAL_SLICES; slice++) {
    const start = slice * step;
    trial.set(part.subarray(start, start + TRIAL_BYTES), slice * TRIAL_BYTES);
  }
  return Bun.gzipSync(trial, { level: 1, library: 'libdeflate' }).length / trial.length;
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
