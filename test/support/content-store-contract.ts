import { describe, expect, test } from 'bun:test';
import {
  type ByteStream,
  type Content,
  type ContentStore,
  memoryContent,
} from '../../src/content.ts';
import { type Descriptor, describe as describeBytes } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { type Built, buildImage, buildIndex, buildMultiPlatform, json } from './images.ts';

/** A store under test, empty, that goes away with its `await using`. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: ContentStore;
}

/** A layer of `length` bytes that repeat nowhere, and its descriptor. */
export function layerOf(length: number, seed = 1): { descriptor: Descriptor; bytes: Uint8Array } {
  const bytes = new Uint8Array(length);
  let state = seed * 2_654_435_761 + length;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return { descriptor: describeBytes(mediaTypes.layerGzip, digestOf(bytes), bytes), bytes };
}

/** Content that comes in pieces of `length` bytes in one buffer that is used again, as {@link Content} allows. */
export function inPieces(bytes: Uint8Array, length: number): Content {
  return {
    size: bytes.length,
    async *stream({ start = 0 } = {}) {
      const buffer = new Uint8Array(length);
      for (let position = start; position < bytes.length; position += length) {
        const part = bytes.subarray(position, position + length);
        buffer.set(part);
        yield buffer.subarray(0, part.length);
        buffer.fill(0);
      }
    },
  };
}

/** All bytes of a stream, copied. */
export async function readStream(stream: ByteStream): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece.slice());
  return Buffer.concat(pieces);
}

/** Writes everything of an image, children first. */
export async function writeAll(store: ContentStore, built: Built): Promise<void> {
  for (const descriptor of built.order) {
    await store.write(descriptor, memoryContent(built.blobs.get(descriptor.digest) ?? json({})));
  }
}

/** What every {@link ContentStore} promises, as tests. `makeStore` makes one that is empty. */
export function describeContentStore(name: string, makeStore: () => Promise<StoreUnderTest>): void {
  describe(`${name} as a ContentStore`, () => {
    test('gives back what was written to it, whatever the length', async () => {
      await using made = await makeStore();
      for (const length of [0, 1, 65_537, 262_144, 700_001]) {
        const { descriptor, bytes } = layerOf(length);
        expect(await made.store.has(descriptor)).toBe(false);
        await made.store.write(descriptor, inPieces(bytes, 10_000));
        expect(await made.store.has(descriptor)).toBe(true);
        const content = await made.store.open(descriptor);
        expect(content.size).toBe(length);
        expect(digestOf(await readStream(content.stream()))).toBe(descriptor.digest);
      }
    });

    test('keeps a whole multi-platform image, and gives back its documents byte for byte', async () => {
      await using made = await makeStore();
      const built = buildMultiPlatform('linux/amd64', 'linux/arm64', 'linux/arm/v7');
      await writeAll(made.store, built);
      for (const descriptor of built.order) {
        expect(await made.store.has(descriptor)).toBe(true);
        const bytes = await readStream((await made.store.open(descriptor)).stream());
        expect(digestOf(bytes)).toBe(descriptor.digest);
      }
    });

    test('takes an index whose members are not all there', async () => {
      await using made = await makeStore();
      const [here, elsewhere] = ['amd64', 'arm64'].map((architecture) => ({
        image: buildImage({ platform: { os: 'linux', architecture } }),
      }));
      if (here === undefined || elsewhere === undefined) throw new Error('no images');
      const index = buildIndex([here, elsewhere]);
      await writeAll(made.store, here.image);
      const bytes = index.blobs.get(index.root.digest) ?? new Uint8Array();
      await made.store.write(index.root, memoryContent(bytes));
      expect(await made.store.has(index.root)).toBe(true);
      expect(await made.store.has(elsewhere.image.root)).toBe(false);
    });

    test('reads from an offset to the end, more than once', async () => {
      await using made = await makeStore();
      const { descriptor, bytes } = layerOf(300_000);
      await made.store.write(descriptor, memoryContent(bytes));
      const content = await made.store.open(descriptor);
      for (const start of [0, 1, 262_144, 299_999, 300_000]) {
        const rest = await readStream(content.stream({ start }));
        expect(digestOf(rest)).toBe(digestOf(bytes.subarray(start)));
      }
    });

    test('throws when content is opened that is not there', async () => {
      await using made = await makeStore();
      for (const { descriptor } of [layerOf(5), layerOf(6)]) {
        await expect(made.store.open(descriptor)).rejects.toMatchObject({
          name: 'FinchError',
          code: expect.stringMatching(/^(CONTENT_MISSING|REMOTE_NOT_FOUND)$/),
        });
      }
    });

    const good = layerOf(500_000);
    const wrong = good.bytes.slice();
    wrong[400_000] = (wrong[400_000] ?? 0) ^ 1;
    const liar = (bytes: Uint8Array): Content => ({
      ...inPieces(bytes, 100_000),
      size: good.bytes.length,
    });
    const mismatches: readonly (readonly [string, Content])[] = [
      ['have another digest', inPieces(wrong, 100_000)],
      ['are fewer than the descriptor says', inPieces(good.bytes.subarray(0, 499_999), 100_000)],
      ['end early', liar(good.bytes.subarray(0, 499_999))],
      ['go on after the end', liar(Buffer.concat([good.bytes, good.bytes]))],
    ];
    for (const [what, content] of mismatches) {
      test(`throws CONTENT_MISMATCH and keeps nothing when the bytes ${what}`, async () => {
        await using made = await makeStore();
        await expect(made.store.write(good.descriptor, content)).rejects.toMatchObject({
          code: 'CONTENT_MISMATCH',
        });
        expect(await made.store.has(good.descriptor)).toBe(false);
        await made.store.write(good.descriptor, memoryContent(good.bytes));
        expect(await made.store.has(good.descriptor)).toBe(true);
      });
    }

    test('keeps nothing when the source fails, and throws its error', async () => {
      await using made = await makeStore();
      const content: Content = {
        size: good.bytes.length,
        async *stream() {
          yield good.bytes.subarray(0, 100_000);
          throw new Error('the source broke');
        },
      };
      await expect(made.store.write(good.descriptor, content)).rejects.toThrow('the source broke');
      expect(await made.store.has(good.descriptor)).toBe(false);
    });

    test('keeps nothing when it is aborted half-way', async () => {
      await using made = await makeStore();
      const controller = new AbortController();
      const content: Content = {
        size: good.bytes.length,
        async *stream() {
          yield good.bytes.subarray(0, 100_000);
          controller.abort();
          yield good.bytes.subarray(100_000);
        },
      };
      const { signal } = controller;
      await expect(made.store.write(good.descriptor, content, { signal })).rejects.toThrow();
      expect(await made.store.has(good.descriptor)).toBe(false);
    });

    test('lets several write the same at once', async () => {
      await using made = await makeStore();
      await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          made.store.write(good.descriptor, inPieces(good.bytes, 10_000 + i)),
        ),
      );
      const content = await made.store.open(good.descriptor);
      expect(digestOf(await readStream(content.stream()))).toBe(good.descriptor.digest);
    });

    test('does not read content again that it has', async () => {
      await using made = await makeStore();
      await made.store.write(good.descriptor, memoryContent(good.bytes));
      await made.store.write(good.descriptor, {
        size: good.bytes.length,
        stream() {
          throw new Error('was read again');
        },
      });
    });

    test('counts every byte that goes through', async () => {
      await using made = await makeStore();
      let count = 0;
      await made.store.write(good.descriptor, inPieces(good.bytes, 60_000), {
        onBytes: (more) => {
          count += more;
        },
      });
      expect(count).toBe(good.bytes.length);
    });
  });
}
