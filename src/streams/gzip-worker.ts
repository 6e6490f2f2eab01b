// The thread that `gzip-pool.ts` starts. It has no exports; `build.ts` lists it as an entry point.
import { gzipBlock } from './gzip-block.ts';

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<{ block: ArrayBuffer; length: number }>) => {
  const member = gzipBlock(new Uint8Array(data.block, 0, data.length));
  self.postMessage({ block: data.block, member }, [data.block, member.buffer]);
};
