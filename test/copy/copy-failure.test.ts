import { describe, expect, test } from 'bun:test';
import { setImmediate } from 'node:timers/promises';
import { copyGraph, copyGraphs } from '../../src/copy/copy-graph.ts';
import { FinchError } from '../../src/errors.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { isDocumentType } from '../../src/oci/media-types.ts';
import { Graph } from './graph.ts';
import { type Hook, MemoryStore } from './memory-store.ts';

const broken = new FinchError('DENIED', 'no more blobs');

/** Two platforms of three layers each, copied from one store to another that call `hook`. */
function arrange(hook: { readonly from?: Hook; readonly to?: Hook } = {}) {
  const graph = new Graph();
  const images = ['a', 'b'].map((name) => {
    const layers = [1, 2, 3].map((i) => graph.blob(`${name}${i}`, i * 10));
    return graph.image(name, `linux/${name}`, { layers });
  });
  const root = graph.index('root', images);
  const nameOf = (descriptor: Descriptor) => graph.nameOf(descriptor);
  const from = new MemoryStore({
    blobs: graph.blobs,
    nameOf,
    ...(hook.from && { hook: hook.from }),
  });
  const to = new MemoryStore({ nameOf, ...(hook.to && { hook: hook.to }) });
  return { graph, root, images, from, to };
}

/** Rejects as a connection does that is cut off, when the signal fires. */
function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const cancelled = () => reject(new FinchError('CANCELLED', 'cancelled'));
    if (signal?.aborted) cancelled();
    signal?.addEventListener('abort', cancelled, { once: true });
  });
}

/** What `copying` rejects with; fails the test when something rejects elsewhere or goes on afterwards. */
async function failureOf(copying: Promise<void>, stores: readonly MemoryStore[]): Promise<unknown> {
  const unhandled: unknown[] = [];
  const listen = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', listen);
  const failure = await copying.then(
    () => 'no failure',
    (error: unknown) => error,
  );
  const lengths = () => stores.map(({ log }) => log.length);
  const atTheEnd = lengths();
  for (const { running } of stores) expect(running).toEqual({ has: 0, open: 0, write: 0 });
  for (let turn = 0; turn < 5; turn++) await setImmediate();
  process.off('unhandledRejection', listen);
  expect(lengths()).toEqual(atTheEnd);
  expect(unhandled).toEqual([]);
  return failure;
}

describe('copyGraph(), when something fails,', () => {
  const operations = ['has', 'open', 'write'] as const;
  for (const operation of operations) {
    for (const name of ['root', 'b', 'b.config', 'b2']) {
      // A blob of the source is never asked for with `has`; all others are.
      test(`throws what ${operation} of ${name} throws, and leaves nothing running`, async () => {
        const names: string[] = [];
        const hook: Hook = (what, descriptor) => {
          names.push(graph.nameOf(descriptor));
          if (what === operation && graph.nameOf(descriptor) === name) throw broken;
        };
        const { graph, root, from, to } = arrange(
          operation === 'open' ? { from: hook } : { to: hook },
        );
        expect(await failureOf(copyGraph(root, { from, to }), [from, to])).toBe(broken);
        expect(to.logged('kept')).not.toContain('root');
        expect(to.logged('kept')).not.toContain(name === 'root' ? 'root' : 'b');
      });
    }
  }

  test('stops what is running and starts nothing more', async () => {
    let started = 0;
    const { graph, root, from, to } = arrange({
      to: async (operation, _, signal) => {
        if (operation !== 'write') return;
        started += 1;
        if (started === 4) throw broken;
        await untilAborted(signal);
      },
    });
    expect(await failureOf(copyGraph(root, { from, to }), [from, to])).toBe(broken);
    expect(to.logged('write').length).toBe(4);
    expect(to.logged('kept')).toEqual([]);
    expect(graph.blobs.size).toBeGreaterThan(4);
  });

  test('waits for a transfer that cannot be stopped', async () => {
    const [blocked, isStopping] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let ended = false;
    const { graph, root, from, to } = arrange({
      to: async (operation, descriptor, signal) => {
        if (operation !== 'write') return;
        if (graph.nameOf(descriptor) !== 'a3') throw broken;
        signal?.addEventListener('abort', () => isStopping.resolve());
        await blocked.promise;
        ended = true;
      },
    });
    const copying = failureOf(copyGraph(root, { from, to }), [from, to]);
    await isStopping.promise;
    await setImmediate();
    expect(ended).toBe(false);
    blocked.resolve();
    expect(await copying).toBe(broken);
    expect(ended).toBe(true);
  });

  test('throws the first failure, not the cancelling of another platform that ends before it', async () => {
    const lastPart = Promise.withResolvers<void>();
    const { graph, root, from, to } = arrange({
      to: async (operation, descriptor, signal) => {
        if (operation !== 'write') return;
        const name = graph.nameOf(descriptor);
        if (name === 'a1') throw broken;
        // A transfer of the image that failed is slow to stop, those of the other image stop at once.
        if (name.startsWith('a')) {
          await untilAborted(signal).catch(() => setImmediate());
          lastPart.resolve();
          throw new FinchError('CANCELLED', 'cancelled');
        }
        await untilAborted(signal);
      },
    });
    expect(await failureOf(copyGraph(root, { from, to }), [from, to])).toBe(broken);
  });

  test('throws what `choose` throws, and writes nothing', async () => {
    const { root, from, to } = arrange();
    const choose = () => {
      throw broken;
    };
    expect(await failureOf(copyGraph(root, { from, to }, { choose }), [from, to])).toBe(broken);
    expect(to.logged('write')).toEqual([]);
  });

  test('throws what `finish` and `onEvent` throw', async () => {
    const throws = () => {
      throw broken;
    };
    for (const { onEvent, ...root } of [{ finish: async () => throws() }, { onEvent: throws }]) {
      const { root: descriptor, from, to } = arrange();
      const options = onEvent ? { onEvent } : {};
      const copying = copyGraphs([{ ...root, descriptor }], { from, to }, options);
      expect(await failureOf(copying, [from, to])).toBe(broken);
      expect(to.logged('kept')).not.toContain('root');
    }
  });

  test('throws CONTENT_MISSING for a part that the source does not have', async () => {
    const { graph, root, to } = arrange();
    const [a] = graph.below(root);
    const nameOf = (descriptor: Descriptor) => graph.nameOf(descriptor);
    const from = new MemoryStore({ blobs: graph.blobs, nameOf });
    from.blobs.delete(a?.digest ?? root.digest);
    const failure = await failureOf(copyGraph(root, { from, to }), [from, to]);
    expect(failure).toMatchObject({ code: 'CONTENT_MISSING' });
  });

  test('refuses a document whose bytes are others, before anything is written', async () => {
    const { graph, root, from, to } = arrange();
    const bytes = graph.bytesOf(root).slice();
    bytes[bytes.length - 3] = 0x20;
    from.blobs.set(root.digest, bytes);
    const failure = await failureOf(copyGraph(root, { from, to }), [from, to]);
    expect(failure).toMatchObject({ code: 'CONTENT_MISMATCH' });
    expect(to.logged('write')).toEqual([]);
  });
});

describe('copyGraph() with a signal', () => {
  test('that has fired asks nothing and throws its reason', async () => {
    const { root, from, to } = arrange();
    const copying = copyGraph(root, { from, to }, { signal: AbortSignal.abort(broken) });
    expect(await failureOf(copying, [from, to])).toBe(broken);
    expect([...from.log, ...to.log]).toEqual([]);
  });

  test('that fires midway stops everything', async () => {
    const controller = new AbortController();
    const { root, from, to } = arrange({
      to: async (operation, _, signal) => {
        if (operation !== 'write') return;
        if (to.running.write === 4) queueMicrotask(() => controller.abort(broken));
        await untilAborted(signal);
      },
    });
    const copying = copyGraph(root, { from, to }, { signal: controller.signal });
    expect(await failureOf(copying, [from, to])).toMatchObject({ name: 'FinchError' });
    expect(to.logged('write').length).toBe(4);
    expect(to.logged('kept')).toEqual([]);
  });

  test('that fires after the end changes nothing', async () => {
    const controller = new AbortController();
    const { root, graph, from, to } = arrange();
    await copyGraph(root, { from, to }, { signal: controller.signal });
    controller.abort();
    await setImmediate();
    expect(to.blobs).toEqual(graph.blobs);
  });
});

test('copyGraph() gives up on an index that has more parts than any image', async () => {
  const graph = new Graph();
  const config = graph.blob('config');
  const layer = (n: number): Descriptor => ({
    ...{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', size: 100 },
    digest: `sha256:${n.toString(16).padStart(64, '0')}` as Descriptor['digest'],
  });
  const manifests = Array.from({ length: 6 }, (_, i) => {
    const layers = Array.from({ length: 9_500 }, (_, j) => layer(i * 10_000 + j));
    return graph.manifest(`manifest-${i}`, { config, layers });
  });
  const root = graph.index('root', manifests);
  const from = new MemoryStore({ blobs: graph.blobs });
  const to = new MemoryStore();
  const everyBlob = {
    has: async ({ mediaType }: Descriptor) => !isDocumentType(mediaType),
    open: to.open.bind(to),
    write: to.write.bind(to),
  };
  await expect(copyGraph(root, { from, to: everyBlob })).rejects.toMatchObject({
    code: 'DOCUMENT_INVALID',
    message: `${root.digest} has more than 50000 parts`,
    hint: expect.any(String),
  });
  expect(to.blobs.size).toBe(0);
}, 30_000);
