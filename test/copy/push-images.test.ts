import { describe, expect, test } from 'bun:test';
import { setImmediate } from 'node:timers/promises';
import type { ContentReader } from '../../src/content.ts';
import { pushImages } from '../../src/copy/push-images.ts';
import { FinchError } from '../../src/errors.ts';
import { Graph } from './graph.ts';
import { type MemoryRepository, memoryRepository } from './memory-repository.ts';
import { MemoryStore } from './memory-store.ts';
import { broken, push, twoImages } from './two-images.ts';

describe('pushImages() to one repository', () => {
  test('is one walk: what two images share is looked for and sent once', async () => {
    const { graph, a, b, from } = twoImages();
    const to = memoryRepository(graph);
    const targets = [
      { root: a, to, tags: ['1'] },
      { root: b, to, tags: ['2'] },
    ];
    const outcomes = await pushImages(targets, { from });
    expect(outcomes).toEqual(
      targets.map((target) => ({ target, digest: target.root.digest, verified: false })),
    );
    expect([...to.named].map(([tag, root]) => [tag, graph.nameOf(root)]).sort()).toEqual([
      ['1', 'a'],
      ['2', 'b'],
    ]);
    expect(to.store.logged('write').filter((name) => name === 'shared')).toEqual(['shared']);
    expect(to.store.logged('has').filter((name) => name === 'shared')).toEqual(['shared']);
  });

  test('gives one image several tags in one call, and leaves out those that it has', async () => {
    const { graph, a, from } = twoImages();
    const to = memoryRepository(graph);
    await push(a, to, from);
    to.store.log.length = 0;
    await pushImages(
      [
        { root: a, to, tags: ['1', '2'] },
        { root: a, to, tags: ['3', '2'] },
      ],
      { from },
    );
    expect(to.store.log).toEqual(['resolve 1', 'resolve 2', 'resolve 3', 'tag 2,3 a']);
  });

  test('takes an image that is also part of another one, and tags both', async () => {
    const { graph, a, b, from } = twoImages();
    const index = graph.index('index', [a, b]);
    from.blobs.set(index.digest, graph.bytesOf(index));
    const to = memoryRepository(graph);
    await pushImages(
      [
        { root: index, to, tags: ['all'] },
        { root: a, to, tags: ['one'] },
      ],
      { from },
    );
    expect(to.store.log.filter((line) => line.startsWith('tag'))).toEqual([
      'tag one a',
      'tag all index',
    ]);
    expect(to.store.logged('write')).not.toContain('a');
  });

  test('reads each target from its own source, also a document that only that one has', async () => {
    const { graph, a, b, from } = twoImages();
    const made = graph.index('made', [a]);
    const own = new MemoryStore({ blobs: from.blobs });
    own.blobs.set(made.digest, graph.bytesOf(made));
    const to = memoryRepository(graph);
    const outcomes = await pushImages(
      [
        { root: b, to, tags: ['b'] },
        { root: made, from: own, to, tags: ['made'] },
      ],
      { from },
    );
    expect(outcomes.map(({ error }) => error)).toEqual([undefined, undefined]);
  });

  test('says of each target how it ended: those that were there are not part of a failure', async () => {
    const { graph, a, b, from } = twoImages();
    const to = memoryRepository(graph, {
      hook: (operation, descriptor) => {
        if (operation === 'write' && graph.nameOf(descriptor) === 'b.top') throw broken;
      },
    });
    await push(a, to, from);
    const outcomes = await pushImages(
      [
        { root: a, to, tags: ['1'] },
        { root: b, to, tags: ['2'] },
      ],
      { from },
    );
    expect(outcomes.map(({ error }) => error)).toEqual([undefined, broken]);
  });
});

test('pushImages() counts a root without a tag as pushed when another one fails after it', async () => {
  const { graph, a, b, from } = twoImages();
  const isThere = Promise.withResolvers<void>();
  const to = memoryRepository(graph, {
    hook: async (operation, descriptor) => {
      if (operation !== 'write' || graph.nameOf(descriptor) !== 'b.top') return;
      await isThere.promise;
      throw broken;
    },
  });
  const outcomes = await pushImages(
    [
      { root: a, to, tags: [] },
      { root: b, to, tags: ['2'] },
    ],
    { from },
    {
      onEvent: ({ kind, descriptor }) => {
        if (kind === 'done' && descriptor.digest === a.digest) isThere.resolve();
      },
    },
  );
  expect(outcomes.map(({ error }) => error)).toEqual([undefined, broken]);
});

describe('pushImages() asks for no more than it must:', () => {
  const asked = (to: MemoryRepository) =>
    to.store.log.filter((line) => line.startsWith('has') || line.startsWith('resolve'));

  test('in an empty repository for nothing small, but for what is large', async () => {
    const { graph, from } = twoImages();
    const [large, small] = [graph.blob('large', 70_000), graph.blob('small', 60_000)];
    const root = graph.image('image', 'linux/amd64', { layers: [large, small] });
    for (const part of graph.below(root)) from.blobs.set(part.digest, graph.bytesOf(part));
    const to = memoryRepository(graph);
    await push(root, to, from);
    expect(asked(to)).toEqual(['resolve 1', 'resolve image', 'has large']);
  });

  test('where the tag names another image, for each layer and not for the config', async () => {
    const { graph, a, b, from } = twoImages();
    const to = memoryRepository(graph);
    await push(a, to, from);
    to.store.log.length = 0;
    await push(b, to, from);
    expect(asked(to)).toEqual(['resolve 1', 'resolve b', 'has shared', 'has b.top']);
    expect(to.store.logged('write').toSorted()).toEqual(['b.config', 'b.top']);
  });

  test('for the empty config that all artifacts share', async () => {
    const { graph, a, from } = twoImages();
    const to = memoryRepository(graph);
    await push(a, to, from);
    const empty = graph.add(
      '{}',
      'application/vnd.oci.empty.v1+json',
      new TextEncoder().encode('{}'),
    );
    const root = graph.manifest('artifact', { config: empty, layers: [graph.blob('data')] });
    for (const part of graph.below(root)) from.blobs.set(part.digest, graph.bytesOf(part));
    to.store.log.length = 0;
    await push(root, to, from);
    expect(asked(to)).toContain('has {}');
  });

  test('an index that is there under another tag is taken for whole, but with verifyMembers', async () => {
    const { graph, a, b, from } = twoImages();
    const root = graph.index('root', [a, b]);
    from.blobs.set(root.digest, graph.bytesOf(root));
    const to = memoryRepository(graph);
    await push(root, to, from);
    to.store.log.length = 0;
    await pushImages([{ root, to, tags: ['2'] }], { from });
    expect(to.store.log).toEqual(['resolve 2', 'resolve root', 'tag 2 root']);
    to.store.log.length = 0;
    await pushImages([{ root, to, tags: ['3'] }], { from }, { verifyMembers: true });
    expect(to.store.log).toEqual(['resolve 3', 'has a', 'has b', 'tag 3 root']);
  });
});

describe('pushImages() to several registries', () => {
  const registries = (
    graph: Graph,
    count: number,
    options: Parameters<typeof memoryRepository>[1] = {},
  ) =>
    Array.from({ length: count }, (_, i) =>
      memoryRepository(graph, { ...options, registry: `r${i}.test` }),
    );

  test('reads each layer once for all', async () => {
    const { graph, a, from } = twoImages();
    const read = new Map<string, number>();
    const counting: ContentReader = {
      has: (part) => from.has(part),
      open: async (part) => ({
        size: part.size,
        async *stream({ start = 0 } = {}) {
          const bytes = graph.bytesOf(part);
          for (let at = start; at < bytes.length; at += 10_000) {
            const piece = bytes.subarray(at, at + 10_000);
            const name = graph.nameOf(part);
            read.set(name, (read.get(name) ?? 0) + piece.length);
            yield piece;
          }
        },
      }),
    };
    const places = registries(graph, 3);
    const targets = places.map((to) => ({ root: a, to, tags: ['1'] }));
    const outcomes = await pushImages(targets, { from: counting });
    expect(outcomes.map(({ error }) => error)).toEqual([undefined, undefined, undefined]);
    for (const { store } of places) expect(store.blobs.size).toBe(4);
    expect(read.get('shared')).toBe(500_000);
    expect(read.get('a.top')).toBe(100_000);
  });

  test('goes on where another one fails, and says which', async () => {
    const { graph, a, from } = twoImages();
    const good = memoryRepository(graph, { registry: 'good.test' });
    const bad = memoryRepository(graph, {
      registry: 'bad.test',
      hook: (operation) => {
        if (operation === 'write') throw broken;
      },
    });
    const targets = [bad, good].map((to) => ({ root: a, to, tags: ['1'] }));
    const outcomes = await pushImages(targets, { from });
    expect(outcomes.map(({ target, error }) => [target.to.registry, error])).toEqual([
      ['bad.test', broken],
      ['good.test', undefined],
    ]);
    expect(good.named.get('1')).toEqual(a);
    expect(bad.named.size).toBe(0);
  });

  test('runs them side by side, and the repositories of one after another', async () => {
    const { graph, a, from } = twoImages();
    const running: string[] = [];
    const most: string[] = [];
    const places = ['x/1', 'x/2', 'y/1'].map((path) => {
      const [registry = '', name = ''] = path.split('/');
      return memoryRepository(graph, {
        registry,
        name,
        hook: async () => {
          running.push(path);
          most.push([...new Set(running)].toSorted().join('+'));
          for (let turn = 0; turn < 5; turn++) await setImmediate();
          running.splice(running.indexOf(path), 1);
        },
      });
    });
    await pushImages(
      places.map((to) => ({ root: a, to, tags: [] })),
      { from },
    );
    expect(most).toContain('x/1+y/1');
    expect(most.filter((together) => together.includes('x/1+x/2'))).toEqual([]);
    for (const { store } of places) expect(store.blobs.size).toBe(4);
  });

  test('tells events with the repository that they are about', async () => {
    const { graph, a, from } = twoImages();
    const places = registries(graph, 2);
    const told = new Map<string, number>();
    await pushImages(
      places.map((to) => ({ root: a, to, tags: ['1'] })),
      { from },
      {
        onEvent: ({ kind }, { registry }) => {
          if (kind === 'done') told.set(registry, (told.get(registry) ?? 0) + 1);
        },
      },
    );
    expect([...told].toSorted()).toEqual([
      ['r0.test', 4],
      ['r1.test', 4],
    ]);
  });

  test('stops all of them at once when the signal fires, and gives its reason', async () => {
    const { graph, a, from } = twoImages();
    const controller = new AbortController();
    const interrupted = new FinchError('CANCELLED', 'interrupted');
    const places = registries(graph, 2, {
      hook: async (operation, _, signal) => {
        if (operation !== 'write') return;
        controller.abort(interrupted);
        await new Promise((_resolve, reject) => {
          const stop = () => reject(signal?.reason);
          if (signal?.aborted) stop();
          else signal?.addEventListener('abort', stop);
        });
      },
    });
    const targets = places.map((to) => ({ root: a, to, tags: ['1'] }));
    const outcomes = await pushImages(targets, { from }, { signal: controller.signal });
    expect(outcomes.map(({ error }) => error)).toEqual([interrupted, interrupted]);
    for (const { store } of places) {
      expect(store.running).toEqual({ has: 0, open: 0, write: 0 });
      expect(store.logged('kept')).toEqual([]);
    }
  });
});

describe('pushImages() keeps to its limits:', () => {
  test('as many uploads at once as were asked for', async () => {
    const graph = new Graph();
    const layers = Array.from({ length: 30 }, (_, i) => graph.blob(`layer${i}`, 100 + i));
    const root = graph.image('image', 'linux/amd64', { layers });
    const from = new MemoryStore({ blobs: graph.blobs });
    const to = memoryRepository(graph, { hook: () => setImmediate() as Promise<void> });
    await push(root, to, from, { maxUploads: 3 });
    expect(to.store.most.write).toBe(3);
  });

  test('more of them as they end well, half as many when the registry asks for less', async () => {
    const graph = new Graph();
    const layers = Array.from({ length: 60 }, (_, i) => graph.blob(`layer${i}`, 100 + i));
    const root = graph.image('image', 'linux/amd64', { layers });
    const from = new MemoryStore({ blobs: graph.blobs });
    const to = memoryRepository(graph, { hook: () => setImmediate() as Promise<void> });
    const { write } = to;
    const atOnce: number[] = [];
    const throttling = {
      ...to,
      write: async (...args: Parameters<typeof write>) => {
        atOnce.push(to.store.running.write + 1);
        if (atOnce.length === 40) args[2]?.onStep?.({ kind: 'throttled' });
        await write(...args);
      },
    };
    const kinds: string[] = [];
    await push(root, throttling, from, { onEvent: ({ kind }) => kinds.push(kind) });
    expect(Math.max(...atOnce.slice(0, 40))).toBe(16);
    expect(atOnce[40]).toBeLessThanOrEqual(10);
    expect(kinds.filter((kind) => kind === 'throttled')).toEqual(['throttled']);
  });

  test('with a rate, says of a file how fast it may be read', async () => {
    const { graph, a, from } = twoImages();
    const withFiles: ContentReader = {
      has: (part) => from.has(part),
      open: async (part) => ({ ...(await from.open(part)), file: { path: '/x', offset: 0 } }),
    };
    const to = memoryRepository(graph);
    const { write } = to;
    const files: unknown[] = [];
    const seeing = {
      ...to,
      write: async (...args: Parameters<typeof write>) => {
        files.push(args[1].file?.pace?.bytesPerSecond);
        await write(...args);
      },
    };
    await push(a, seeing, withFiles, { limitRate: 100_000_000 });
    expect(files).toEqual([100_000_000, 100_000_000, 100_000_000]);
  });
});
