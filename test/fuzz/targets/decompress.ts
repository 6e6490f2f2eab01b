import { decompress as decompressed } from '../../../src/streams/decompress.ts';
import { layerTar } from '../../support/images.ts';
import { promiseSame } from '../promises.ts';
import { pureTarget } from '../target.ts';

const plain = layerTar('hello');
const zeros = new Uint8Array(512 * 1024);

/** gzip, zstd and plain bytes. */
export const decompress = pureTarget({
  name: 'decompress',
  share: 30,
  words: ['\x1f\x8b\x08', '(\xb5/\xfd', '\0\0\xff\xff'],
  seeds: [
    ...[Bun.gzipSync(Buffer.from(plain)), Bun.zstdCompressSync(plain), plain],
    Buffer.concat([Bun.gzipSync(Buffer.from(plain)), Bun.gzipSync(zeros)]),
    Buffer.concat([Bun.zstdCompressSync(zeros), Bun.zstdCompressSync(plain)]),
    Bun.gzipSync(Buffer.from(plain), { level: 0 }),
  ],
  async run(input) {
    // In three pieces, whose buffer is used again as a file's is.
    async function* pieces() {
      const third = Math.ceil(input.length / 3);
      const buffer = new Uint8Array(third);
      for (let at = 0; at < input.length; at += third) {
        const part = input.subarray(at, at + third);
        buffer.set(part);
        yield buffer.subarray(0, part.length);
      }
    }
    const isPlain = input[0] !== 0x1f && input[0] !== 0x28;
    const hash = new Bun.CryptoHasher('sha256');
    for await (const piece of decompressed(pieces(), { what: 'the layer' })) hash.update(piece);
    if (!isPlain) return;
    const expected = new Bun.CryptoHasher('sha256').update(input).digest('hex');
    promiseSame(hash.digest('hex'), expected, 'plain bytes are changed');
  },
});
