// The thread that `compress-pool.ts` starts. It has no exports; `build.ts` lists it as an entry point.
import { compressBlock } from './compress-block.ts';
import type { Compressor } from './compressor.ts';

declare const self: Worker;

interface Question {
  readonly block: ArrayBuffer;
  readonly length: number;
  readonly compressor: Compressor;
}

self.onmessage = ({ data: { block, length, compressor } }: MessageEvent<Question>) => {
  const pieces = compressBlock(new Uint8Array(block, 0, length), compressor);
  // Some pieces are parts of the block, which is handed over once.
  const buffers = new Set([block, ...pieces.map(({ buffer }) => buffer)]);
  self.postMessage({ block, pieces }, [...buffers]);
};
