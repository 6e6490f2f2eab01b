import { describe, expect, test } from 'bun:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { digestOf } from '../../src/oci/digest.ts';
import { CompressPool } from '../../src/streams/compress-pool.ts';
import {
  BLOCK_BYTES,
  type Compressor,
  compressorId,
  USUAL_COMPRESSOR,
} from '../../src/streams/compressor.ts';
import { gzipBlock } from '../../src/streams/gzip-block.ts';
import { parallelCompress } from '../../src/streams/parallel-compress.ts';
import { areHere } from '../e2e/support/program.ts';
import { inPieces, joined, noise } from './byte-streams.ts';

/** Half noise, half zeros: something to compress, and something that resists. */
function mixed(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let start = 0; start < length; start += 8192) {
    bytes.set(noise(Math.min(4096, length - start), start + 1), start);
  }
  return bytes;
}

/** The whole of what `bytes` become, given in pieces of 64 KiB, with threads of its own. */
async function compressed(
  bytes: Uint8Array,
  {
    threads,
    pieces = 65_536,
    compressor = USUAL_COMPRESSOR,
  }: { threads?: number; pieces?: number; compressor?: Compressor } = {},
): Promise<Buffer> {
  using pool = new CompressPool(threads);
  return await joined(parallelCompress(inPieces(bytes, pieces), { pool, compressor }));
}

const COMPRESSORS: readonly Compressor[] = [
  USUAL_COMPRESSOR,
  { form: 'gzip', level: 1 },
  { form: 'gzip', level: 12 },
  { form: 'zstd', level: 3 },
  { form: 'zstd', level: 19 },
];

function plain(bytes: Uint8Array, { form }: Compressor): Buffer {
  return form === 'gzip' ? gunzipSync(bytes) : zstdDecompressSync(bytes);
}

describe('parallelCompress()', () => {
  test.each(COMPRESSORS)(
    'gives the same bytes with any number of threads and any pieces: %o',
    async (compressor) => {
      const blocks = compressor === USUAL_COMPRESSOR ? 9 : 3;
      const bytes = mixed(blocks * BLOCK_BYTES + 17);
      const one = await compressed(bytes, { threads: 1, compressor });
      const two = await compressed(bytes, { threads: 2, pieces: 3_000_001, compressor });
      const eight = await compressed(bytes, { threads: 8, pieces: 99_999, compressor });
      expect(two.equals(one)).toBe(true);
      expect(eight.equals(one)).toBe(true);
      expect(plain(one, compressor).equals(bytes)).toBe(true);
    },
  );

  test('gives several streams that share their threads each its own bytes', async () => {
    using pool = new CompressPool(2);
    const sources = [1, 2, 3].map((i) => mixed(3 * BLOCK_BYTES + i));
    const together = await Promise.all(
      sources.map((bytes, i) => {
        const compressor = COMPRESSORS[i] ?? USUAL_COMPRESSOR;
        return joined(parallelCompress(inPieces(bytes, 65_536), { pool, compressor }));
      }),
    );
    for (const [i, bytes] of sources.entries()) {
      const compressor = COMPRESSORS[i] ?? USUAL_COMPRESSOR;
      expect(together[i]?.equals(await compressed(bytes, { compressor }))).toBe(true);
    }
  });

  test('gives the same bytes where the system allows no thread, or only one', async () => {
    const bytes = mixed(5 * BLOCK_BYTES + 17);
    const usual = await compressed(bytes, { threads: 3 });
    const { Worker } = globalThis;
    for (const most of [0, 1]) {
      let started = 0;
      globalThis.Worker = class extends Worker {
        constructor(...args: ConstructorParameters<typeof Worker>) {
          if (started++ >= most) throw new TypeError('Failed to spawn worker thread');
          super(...args);
        }
      };
      try {
        expect((await compressed(bytes, { threads: 3 })).equals(usual)).toBe(true);
      } finally {
        globalThis.Worker = Worker;
      }
    }
  });

  test('gives the bytes that its compressor id promises', async () => {
    const bytes = Buffer.concat([mixed(1_500_000), noise(500_000, 9)]);
    // When this fails after an update of Bun, the id must change with the digest.
    const made = await Promise.all(
      COMPRESSORS.map(async (compressor) => [
        compressorId(compressor),
        digestOf(await compressed(bytes, { compressor })),
      ]),
    );
    expect(made).toEqual([
      [
        'gzip-libdeflate-2-1m-by-share',
        'sha256:65113ce0df202a6d69ba172d8e88087ec543079bef9673d3cb72e2570f70874f',
      ],
      [
        'gzip-libdeflate-1-1m-by-share',
        'sha256:341f851dbcabdbede7b0a25980308191434523c4e9001f7a0b4431842b046c28',
      ],
      [
        'gzip-libdeflate-12-1m-by-share',
        'sha256:9762c8e11db591c068090f65534e9da0e27531c7301a4cc61ff383c682a82851',
      ],
      ['zstd-3-1m', 'sha256:0a45e946c5cb2937756a021667de89de94dd80a6e407809b959021b89a45fb15'],
      ['zstd-19-1m', 'sha256:8448c528874c7928e765d6611d82246ad61b9e1e9d58138e706c6fb061eaa9c5'],
    ]);
  });

  test.each([0, 1, 4096, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1])(
    'gives whole members and frames for %d bytes',
    async (length) => {
      const bytes = mixed(length);
      for (const compressor of COMPRESSORS) {
        const whole = await compressed(bytes, { pieces: 100_000, compressor });
        expect(plain(whole, compressor).equals(bytes)).toBe(true);
      }
    },
  );

  test('makes what the gzip and zstd programs read', async () => {
    const bytes = mixed(2 * BLOCK_BYTES + 5);
    for (const form of ['gzip', 'zstd'] as const) {
      if (!areHere(form)) continue;
      const whole = await compressed(bytes, { compressor: { form, level: 3 } });
      const child = Bun.spawn([form, '-dc'], { stdin: new Blob([whole]), stdout: 'pipe' });
      expect(Buffer.from(await child.stdout.bytes()).equals(bytes)).toBe(true);
      expect(await child.exited).toBe(0);
    }
  });

  test('leaves time and operating system out of the header', () => {
    const [member] = gzipBlock(mixed(10), 3);
    expect([...(member ?? []).slice(0, 10)]).toEqual([31, 139, 8, 0, 0, 0, 0, 0, 0, 255]);
  });

  test('keeps noise as it is, and not what only begins like noise', async () => {
    const bytes = noise(BLOCK_BYTES, 7);
    const kept = await compressed(bytes);
    expect(kept.length).toBeGreaterThan(bytes.length);
    expect(kept.length).toBeLessThan(bytes.length * 1.001);
    const half = new Uint8Array(BLOCK_BYTES);
    half.set(noise(BLOCK_BYTES / 8, 7));
    expect((await compressed(half)).length).toBeLessThan(BLOCK_BYTES / 7);
  });

  test('gives noise as it is from blocks that are filled again', async () => {
    const bytes = Buffer.concat([
      mixed(BLOCK_BYTES),
      noise(20 * BLOCK_BYTES + 17, 5),
      mixed(99_999),
    ]);
    const one = await compressed(bytes, { threads: 1 });
    expect((await compressed(bytes, { threads: 3, pieces: 99_999 })).equals(one)).toBe(true);
    expect(gunzipSync(one).equals(bytes)).toBe(true);
  });

  test('looks more closely at what becomes much smaller', () => {
    const words = Array.from({ length: 4096 }, (_, i) => `finch ${i % 61} sings ${i % 97}\n`);
    const text = Buffer.from(words.join('').repeat(10));
    const [member] = gzipBlock(new Uint8Array(text), 2);
    const usual = Bun.gzipSync(text, { level: 2, library: 'libdeflate' });
    expect(member?.length).toBeLessThan(usual.length);
  });

  test('passes on what the source throws', async () => {
    async function* failing() {
      yield mixed(3 * BLOCK_BYTES);
      throw new Error('disk gone');
    }
    using pool = new CompressPool(2);
    const stream = parallelCompress(failing(), { pool, compressor: USUAL_COMPRESSOR });
    await expect(joined(stream)).rejects.toThrow('disk gone');
  });

  test('stops when its signal fires, and closes the source', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    let closed = false;
    async function* endless() {
      try {
        for (;;) yield mixed(BLOCK_BYTES);
      } finally {
        closed = true;
      }
    }
    using pool = new CompressPool(1);
    const stream = parallelCompress(endless(), { pool, compressor: USUAL_COMPRESSOR, signal });
    // A block is several members.
    for (let member = 0; member < BLOCK_BYTES / 262_144; member++) await stream.next();
    controller.abort(new Error('enough'));
    await expect(stream.next()).rejects.toThrow('enough');
    await stream.return();
    expect(closed).toBe(true);
  });

  test('does not keep the process alive when its reader stops early', async () => {
    const module = (name: string) =>
      JSON.stringify(`${import.meta.dir}/../../src/streams/${name}.ts`);
    const program = `
      import { CompressPool } from ${module('compress-pool')};
      import { parallelCompress } from ${module('parallel-compress')};
      async function* zeros() { for (;;) yield new Uint8Array(1 << 20); }
      using pool = new CompressPool(2);
      const compressor = { form: 'gzip', level: 3 };
      for await (const piece of parallelCompress(zeros(), { pool, compressor })) break;
      process.stdout.write('left');
    `;
    const child = Bun.spawn([process.execPath, '-e', program], {
      stdout: 'pipe',
      stderr: 'inherit',
    });
    expect(await child.stdout.text()).toBe('left');
    expect(await child.exited).toBe(0);
  });
});
