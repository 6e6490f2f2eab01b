import type { Compressor } from './compressor.ts';
import { gzipBlock } from './gzip-block.ts';

/**
 * A block as pieces that are whole by themselves, gzip members or a zstd frame: every reader joins what
 * follows another. The same block gives the same bytes everywhere. Pieces may be parts of the block.
 * https://www.rfc-editor.org/rfc/rfc1952#section-2.2
 * https://www.rfc-editor.org/rfc/rfc8878#section-3
 */
export function compressBlock(
  block: Uint8Array<ArrayBuffer>,
  { form, level }: Compressor,
): readonly Uint8Array<ArrayBuffer>[] {
  if (form === 'gzip') return gzipBlock(block, level);
  // A copy, which owns its memory and can be handed to another thread.
  return [new Uint8Array(Bun.zstdCompressSync(block, { level }))];
}
