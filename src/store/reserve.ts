import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileState } from './layout.ts';

/**
 * Enough for SQLite's side files and for the transaction that frees a batch of blobs, which touches a few
 * hundred pages of 4 KiB at most.
 */
const RESERVE_BYTES = 1024 * 1024;
const NAME = 'reserve';

/**
 * Keeps some space of the disk for the store at `root`, in a file that stands for nothing. To free an image
 * SQLite has to write first, so on a full disk nothing could ever be freed; {@link releaseReserve} then
 * makes room. Where there is less space than that, it keeps what there is.
 */
export function keepReserve(root: string): void {
  const path = join(root, NAME);
  try {
    const size = fileState(path)?.size ?? 0;
    if (size < RESERVE_BYTES) appendFileSync(path, incompressible(RESERVE_BYTES).subarray(size));
  } catch {
    // What did go in stays.
  }
}

/** Gives the space back; whether there was any. */
export function releaseReserve(root: string): boolean {
  try {
    rmSync(join(root, NAME));
    return true;
  } catch {
    return false;
  }
}

/**
 * The same bytes every time, that no file system keeps in less space than they have: the numbers of xorshift.
 * https://www.jstatsoft.org/article/view/v008i14
 */
function incompressible(size: number): Uint8Array {
  const words = new Uint32Array(size / 4);
  let word = 1;
  for (let i = 0; i < words.length; i++) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    words[i] = word;
  }
  return new Uint8Array(words.buffer);
}
