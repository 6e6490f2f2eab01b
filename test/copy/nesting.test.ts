import { expect, test } from 'bun:test';
import { copyGraph } from '../../src/copy/copy-graph.ts';
import { recordLayers } from '../../src/copy/layer-check.ts';
import { findReadableImages } from '../../src/copy/platforms.ts';
import { selectPlatforms } from '../../src/copy/select.ts';
import { makeTestStore } from '../store/store-under-test.ts';
import { Graph } from './graph.ts';
import { MemoryStore } from './memory-store.ts';

/** An image in `depth` indexes, one in the other. With `flat`, the outermost names all of the others too. */
function nested(depth: number, { flat = false } = {}) {
  const graph = new Graph();
  const inner = [graph.image('image', 'linux/amd64')];
  for (let i = 1; i < depth; i += 1) inner.push(graph.index(`${i}`, inner.slice(-1)));
  const root = graph.index('root', flat ? inner : inner.slice(-1));
  return { graph, root };
}

const TOO_DEEP = {
  code: 'DOCUMENT_INVALID',
  message: expect.stringContaining('more than 32 indexes lie in one another'),
  hint: expect.stringContaining('ask who made it'),
};

const choices = [
  { kind: 'present' },
  { kind: 'all' },
  { kind: 'named', platforms: [{ os: 'linux', architecture: 'amd64' }] },
] as const;

/** What each walk through an image makes of it. */
async function walk({ graph, root }: ReturnType<typeof nested>) {
  const from = new MemoryStore({ blobs: graph.blobs });
  const to = new MemoryStore();
  await using place = await makeTestStore();
  await graph.writeTo(place.store, root);
  const image = { name: 'app', root };
  return {
    copy: () => copyGraph(root, { from, to }),
    select: choices.map((choice) => () => selectPlatforms(image, from, { choice })),
    found: (await findReadableImages(from, root)).length,
    recorded: await recordLayers(root, { store: place.store }).catch((error: unknown) => error),
  };
}

test('32 indexes in one another are copied, chosen from and listed', async () => {
  const { copy, select, found, recorded } = await walk(nested(32));
  await copy();
  for (const one of select) await one();
  expect([found, recorded]).toEqual([1, undefined]);
});

test('33 indexes in one another are no image', async () => {
  const { copy, select, found, recorded } = await walk(nested(33));
  await expect(copy()).rejects.toMatchObject(TOO_DEEP);
  for (const one of select) await expect(one()).rejects.toMatchObject(TOO_DEEP);
  expect([found, recorded]).toMatchObject([0, TOO_DEEP]);
});

test('a platform is chosen from no image whose indexes lie deeper than they are met first', async () => {
  const { graph, root } = nested(5000, { flat: true });
  const from = new MemoryStore({ blobs: graph.blobs });
  for (const choice of choices) {
    const selecting = selectPlatforms({ name: 'app', root }, from, { choice });
    await expect(selecting).rejects.toMatchObject(TOO_DEEP);
  }
});
