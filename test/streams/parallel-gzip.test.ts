import { describe, expect, test } from 'bun:test';
import { gunzipSync } from 'node:zlib';
import { digestOf } from '../../src/oci/digest.ts';
import { COMPRESSOR, GZIP_BLOCK_BYTES, gzipBlock } from '../../src/streams/gzip-block.ts';
import { parallelGzip } from '../../src/streams/parallel-gzip.ts';
import { inPieces, joined, noise } from './byte-streams.ts';

/** Half noise, half zeros: something to compress, and something that resists. */
function mixed(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let start = 0; start < length; start += 8192) {
    bytes.set(noise(Math.min(4096, length - start), start + 1), start);
  }
  return bytes;
}

describe('parallelGzip()', () => {
  test('gives the same bytes with any number of threads and any pieces', async () => {
    const bytes = mixed(5 * GZIP_BLOCK_BYTES + 17);
    const one = await joined(parallelGzip(inPieces(bytes, 65_536), { threads: 1 }));
    const two = await joined(parallelGzip(inPieces(bytes, 3_000_001), { threads: 2 }));
    const three = await joined(parallelGzip(inPieces(bytes, 99_999), { threads: 3 }));
    expect(two.equals(one)).toBe(true);
    expect(three.equals(one)).toBe(true);
    expect(gunzipSync(one).equals(bytes)).toBe(true);
  });

  test('gives the same bytes where the system allows no thread, or only one', async () => {
    const bytes = mixed(5 * GZIP_BLOCK_BYTES + 17);
    const usual = await joined(parallelGzip(inPieces(bytes, 65_536), { threads: 3 }));
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
        const few = await joined(parallelGzip(inPieces(bytes, 65_536), { threads: 3 }));
        expect(few.equals(usual)).toBe(true);
      } finally {
        globalThis.Worker = Worker;
      }
    }
  });

  test('gives the bytes that its compressor id promises', async () => {
    // When this fails after an update of Bun, the id must change with the digest.
    const zipped = await joined(parallelGzip(inPieces(mixed(3_000_000), 65_536)));
    const made: readonly string[] = [COMPRESSOR, digestOf(zipped)];
    expect(made).toEqual([
      'gzip-libdeflate-3-1m',
      'sha256:96e9e4d0f619bf6773d4ce1ca138da337584037347adfd0b94c9b981868a0a44',
    ]);
  });

  test.each([0, 1, 4096, GZIP_BLOCK_BYTES - 1, GZIP_BLOCK_BYTES, GZIP_BLOCK_BYTES + 1])(
    'gives whole members for %d bytes',
    async (length) => {
      const bytes = mixed(length);
      const zipped = await joined(parallelGzip(inPieces(bytes, 100_000)));
      expect(gunzipSync(zipped).equals(bytes)).toBe(true);
    },
  );

  test('makes what the gunzip program reads', async () => {
    const bytes = mixed(2 * GZIP_BLOCK_BYTES + 5);
    const zipped = await joined(parallelGzip(inPieces(bytes, 65_536)));
    const child = Bun.spawn(['gzip', '-dc'], { stdin: new Blob([zipped]), stdout: 'pipe' });
    expect(Buffer.from(await child.stdout.bytes()).equals(bytes)).toBe(true);
    expect(await child.exited).toBe(0);
  });

  test('leaves time and operating system out of the header', () => {
    expect([...gzipBlock(mixed(10)).subarray(0, 10)]).toEqual([31, 139, 8, 0, 0, 0, 0, 0, 0, 255]);
  });

  test('passes on what the source throws', async () => {
    async function* failing() {
      yield mixed(3 * GZIP_BLOCK_BYTES);
      throw new Error('disk gone');
    }
    await expect(joined(parallelGzip(failing(), { threads: 2 }))).rejects.toThrow('disk gone');
  });

  test('stops when its signal fires, and closes the source', async () => {
    const controller = new AbortController();
    let closed = false;
    async function* endless() {
      try {
        for (;;) yield mixed(GZIP_BLOCK_BYTES);
      } finally {
        closed = true;
      }
    }
    const stream = parallelGzip(endless(), { threads: 1, signal: controller.signal });
    await stream.next();
    controller.abort(new Error('enough'));
    await expect(stream.next()).rejects.toThrow('enough');
    await stream.return();
    expect(closed).toBe(true);
  });

  test('does not keep the process alive when its reader stops early', async () => {
    const module = JSON.stringify(`${import.meta.dir}/../../src/streams/parallel-gzip.ts`);
    const program = `
      import { parallelGzip } from ${module};
      async function* zeros() { for (;;) yield new Uint8Array(1 << 20); }
      for await (const piece of parallelGzip(zeros(), { threads: 2 })) break;
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
