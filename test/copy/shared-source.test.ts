import { describe, expect, test } from 'bun:test';
import { array, assert, asyncProperty, integer, nat } from 'fast-check';
import type { ContentReader } from '../../src/content.ts';
import { SharedSource } from '../../src/copy/shared-source.ts';
import { Graph } from './graph.ts';

const graph = new Graph();
const layer = graph.blob('layer', 1000);

/** A source that counts the bytes that are read of it, in pieces of ten. */
function countingSource() {
  const state = { bytes: 0, streams: 0, open: 0 };
  const bytes = graph.bytesOf(layer);
  const from: ContentReader = {
    has: async () => true,
    open: async () => ({
      size: bytes.length,
      async *stream({ start = 0 } = {}) {
        state.streams += 1;
        state.open += 1;
        const buffer = new Uint8Array(10);
        try {
          for (let at = start; at < bytes.length; at += buffer.length) {
            const length = Math.min(buffer.length, bytes.length - at);
            buffer.set(bytes.subarray(at, at + length));
            state.bytes += length;
            yield buffer.subarray(0, length);
          }
        } finally {
          state.open -= 1;
        }
      },
    }),
  };
  return { state, from };
}

describe('SharedSource', () => {
  test('reads a blob once that two copies stream at the same time', async () => {
    const { state, from } = countingSource();
    const shared = new SharedSource();
    const both = [shared.share(from), shared.share(from)].map(async (reader) => {
      const content = await reader.open(layer);
      return Buffer.concat(await Array.fromAsync(content.stream()));
    });
    for (const bytes of await Promise.all(both)) {
      expect(bytes.equals(graph.bytesOf(layer))).toBe(true);
    }
    expect(state).toEqual({ bytes: 1000, streams: 1, open: 0 });
  });

  test('says where a file is, so that it can be sent from there', async () => {
    const file = { path: '/layer', offset: 3 };
    const from: ContentReader = {
      has: async () => true,
      open: async () => ({ size: 1, file, async *stream() {} }),
    };
    const content = await new SharedSource().share(from).open(layer);
    expect(content.file).toEqual(file);
  });

  test('stops with the signal of the one who asked, and leaves the other reading', async () => {
    const { state, from } = countingSource();
    const shared = new SharedSource();
    const [a, b] = await Promise.all([1, 2].map(() => shared.share(from).open(layer)));
    const controller = new AbortController();
    const stopped = Array.fromAsync(a?.stream({ signal: controller.signal }) ?? []);
    const whole = Array.fromAsync(b?.stream() ?? []);
    controller.abort(new Error('enough'));
    await expect(stopped).rejects.toThrow('enough');
    expect(Buffer.concat(await whole).length).toBe(1000);
    expect(state.open).toBe(0);
  });

  test('throws IO for a source that ends before its size', async () => {
    const from: ContentReader = {
      has: async () => true,
      open: async () => ({ size: 5, async *stream() {} }),
    };
    const content = await new SharedSource().share(from).open(layer);
    await expect(Array.fromAsync(content.stream())).rejects.toMatchObject({ code: 'IO' });
  });

  test('gives each the right bytes, wherever it begins, however slow it is, wherever it stops', async () => {
    const readers = array(
      array(integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 6 }).chain((delays) =>
        nat(999).map((start) => ({ start, delays })),
      ),
      { minLength: 1, maxLength: 4 },
    );
    await assert(
      asyncProperty(
        readers,
        integer({ min: 10, max: 300 }),
        nat(1),
        async (plans, windowBytes, patienceMs) => {
          const { state, from } = countingSource();
          const shared = new SharedSource({ windowBytes, patienceMs });
          await Promise.all(
            plans.map(async ({ start, delays }) => {
              const content = await shared.share(from).open(layer);
              const got: Uint8Array[] = [];
              let turn = 0;
              for await (const piece of content.stream({ start })) {
                got.push(piece);
                const delay = delays[turn++ % delays.length] ?? 0;
                for (let i = 0; i < delay; i++) await Promise.resolve();
              }
              expect(Buffer.concat(got).equals(graph.bytesOf(layer).subarray(start))).toBe(true);
            }),
          );
          expect(state.open).toBe(0);
        },
      ),
    );
  });
});
