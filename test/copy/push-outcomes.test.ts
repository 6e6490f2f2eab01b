import { describe, expect, test } from 'bun:test';
import { pushImages } from '../../src/copy/push-images.ts';
import { FinchError } from '../../src/errors.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import type { Graph } from './graph.ts';
import { type MemoryRepository, memoryRepository } from './memory-repository.ts';
import { broken, push, twoImages } from './two-images.ts';

describe('pushImages() to one repository of which a part fails', () => {
  test('tries the other tags of an image when the registry refuses one', async () => {
    const { graph, a, from } = twoImages();
    const to = memoryRepository(graph);
    const { tag } = to;
    const choosy = {
      ...to,
      tag: async (...args: Parameters<typeof tag>) => {
        for (const name of args[0]) {
          if (name === 'no') throw broken;
          await tag([name], args[1], args[2]);
        }
      },
    };
    const targets = ['yes', 'no', 'zed'].map((name) => ({ root: a, to: choosy, tags: [name] }));
    const kinds: string[] = [];
    const outcomes = await pushImages(
      targets,
      { from },
      { onEvent: ({ kind, descriptor }) => kinds.push(`${kind} ${graph.nameOf(descriptor)}`) },
    );
    expect(outcomes.map(({ error }) => error)).toEqual([undefined, broken, undefined]);
    expect([...to.named.keys()]).toEqual(['yes', 'zed']);
    expect(kinds.filter((kind) => kind.startsWith('exists'))).toEqual(['exists a']);
  });

  test('pushes the whole images beside one of which a layer is missing here', async () => {
    const { graph, a, b, from } = twoImages();
    const top = graph.below(b).find((part) => graph.nameOf(part) === 'b.top');
    from.blobs.delete(top?.digest ?? b.digest);
    const to = memoryRepository(graph);
    const outcomes = await pushImages(
      [
        { root: b, to, tags: ['b'] },
        { root: a, to, tags: ['a'] },
      ],
      { from },
      { verify: true },
    );
    expect(outcomes.map(({ verified }) => verified)).toEqual([false, true]);
    expect(outcomes[0]?.error).toMatchObject({ code: 'CONTENT_MISSING' });
    expect(outcomes[1]?.error).toBeUndefined();
    expect([...to.named.keys()]).toEqual(['a']);
  });

  test.each([
    new FinchError('NETWORK', 'no answer'),
    new FinchError('UNAUTHENTICATED', 'who are you'),
  ])('tries no other when the registry says to all: %p', async (error) => {
    const { graph, a, b, from } = twoImages();
    let asked = 0;
    const to = memoryRepository(graph, {
      hook: (operation) => {
        if (operation !== 'write') return;
        asked += 1;
        throw error;
      },
    });
    const targets = [a, b].map((root, i) => ({ root, to, tags: [`${i}`] }));
    const outcomes = await pushImages(targets, { from }, { maxUploads: 1 });
    expect(outcomes.map((outcome) => outcome.error)).toEqual([error, error]);
    expect(asked).toBe(1);
  });

  test('gives up when a registry has the same strange answer twice', async () => {
    const { graph, from } = twoImages();
    const roots = ['x', 'y', 'z'].map((name) =>
      graph.image(name, 'linux/amd64', { layers: [graph.blob(`${name}.top`)] }),
    );
    for (const root of roots) {
      for (const part of graph.below(root)) from.blobs.set(part.digest, graph.bytesOf(part));
    }
    const asked: string[] = [];
    const to = memoryRepository(graph, {
      hook: (operation, part) => {
        if (operation !== 'write') return;
        asked.push(graph.nameOf(part));
        throw new FinchError('REGISTRY', '503');
      },
    });
    const targets = roots.map((root) => ({ root, to, tags: [graph.nameOf(root)] }));
    const outcomes = await pushImages(targets, { from }, { maxUploads: 1 });
    expect(outcomes.map(({ error }) => String(error))).toEqual(Array(3).fill('FinchError: 503'));
    expect(asked.length).toBe(2);
  });
});

describe('pushImages() with `verify`', () => {
  const lying = (graph: Graph, change: (to: MemoryRepository) => void) => {
    const to = memoryRepository(graph);
    const { tag } = to;
    return {
      ...to,
      tag: async (...args: Parameters<typeof tag>) => {
        await tag(...args);
        change(to);
      },
    };
  };

  test('is content when all is there', async () => {
    const { graph, a, b, from } = twoImages();
    const root = graph.index('root', [a, b]);
    from.blobs.set(root.digest, graph.bytesOf(root));
    const to = memoryRepository(graph);
    await push(root, to, from, { verify: true });
    expect(to.store.logged('open').toSorted()).toEqual(['a', 'b', 'root']);
    expect(to.store.log.at(-1)).toStartWith('has ');
  });

  const topOf = (graph: Graph, root: Descriptor) =>
    graph.below(root).find((part) => graph.nameOf(part).endsWith('.top'))?.digest ?? root.digest;

  test('sends once more what has gone, also below an index, and leaves the tags', async () => {
    const { graph, a, b, from } = twoImages();
    const root = graph.index('root', [a, b]);
    from.blobs.set(root.digest, graph.bytesOf(root));
    const to = memoryRepository(graph);
    await push(root, to, from);
    to.store.blobs.delete(topOf(graph, a));
    to.store.log.length = 0;
    const target = { root, to, tags: ['1'] };
    const [outcome] = await pushImages([target], { from }, { verify: true });
    expect(outcome).toEqual({ target, digest: root.digest, verified: true });
    expect(to.store.logged('write').toSorted()).toEqual(['a', 'a.top', 'b', 'root']);
    expect(to.store.log.filter((line) => line.startsWith('tag'))).toEqual([]);
  });

  test('does not call verified what was there and is not whole, when another image fails', async () => {
    const { graph, a, b, from } = twoImages();
    const to = memoryRepository(graph);
    await push(a, to, from);
    for (const root of [a, b]) {
      to.store.blobs.delete(topOf(graph, root));
      from.blobs.delete(topOf(graph, root));
    }
    const outcomes = await pushImages(
      [
        { root: a, to, tags: ['1'] },
        { root: b, to, tags: ['2'] },
      ],
      { from },
      { verify: true },
    );
    expect(outcomes.map(({ error, verified }) => [(error as FinchError).code, verified])).toEqual([
      ['CONTENT_MISSING', false],
      ['CONTENT_MISSING', false],
    ]);
  });

  test('says which blob is gone that the registry does not keep', async () => {
    const { graph, a, from } = twoImages();
    const top = graph.below(a).find((part) => graph.nameOf(part) === 'a.top');
    const lossy = memoryRepository(graph);
    const { write } = lossy;
    const to = {
      ...lossy,
      write: async (...args: Parameters<typeof write>) => {
        await write(...args);
        if (args[0].digest === top?.digest) lossy.store.blobs.delete(top.digest);
      },
    };
    await expect(push(a, to, from, { verify: true })).rejects.toMatchObject({
      code: 'REMOTE_NOT_FOUND',
      message: `r.test/app does not have ${top?.digest}`,
      hint: expect.any(String),
    });
  });

  test('says which manifest has other bytes', async () => {
    const { graph, a, from } = twoImages();
    const to = lying(graph, ({ store }) => {
      const bytes = graph.bytesOf(a).slice();
      bytes[bytes.length - 2] = 0x20;
      store.blobs.set(a.digest, bytes);
    });
    await expect(push(a, to, from, { verify: true })).rejects.toMatchObject({
      code: 'CONTENT_MISMATCH',
      message: expect.stringContaining(a.digest),
    });
  });

  test('says which tag names another image', async () => {
    const { graph, a, b, from } = twoImages();
    const to = lying(graph, ({ named }) => named.set('1', b));
    await expect(push(a, to, from, { verify: true })).rejects.toMatchObject({
      code: 'CONTENT_MISMATCH',
      message: `r.test/app:1 is ${b.digest}, not ${a.digest}`,
    });
  });

  test('leaves what is not checked alone without it', async () => {
    const { graph, a, b, from } = twoImages();
    const to = lying(graph, ({ named }) => named.set('1', b));
    await push(a, to, from);
  });
});
