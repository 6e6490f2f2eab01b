import { describe, expect, test } from 'bun:test';
import { setImmediate } from 'node:timers/promises';
import {
  array,
  assert,
  asyncProperty,
  boolean,
  integer,
  nat,
  option,
  record,
  uniqueArray,
} from 'fast-check';
import { copyGraph } from '../../src/copy/copy-graph.ts';
import { FinchError } from '../../src/errors.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { Graph } from './graph.ts';
import { type Hook, MemoryStore } from './memory-store.ts';

/** Lets the operations of one kind begin, and go on when `count` of them have. */
function gate(kind: string, count: number): Hook {
  const open = Promise.withResolvers<void>();
  let waiting = 0;
  return async (operation) => {
    if (operation !== kind) return;
    waiting += 1;
    if (waiting === count) open.resolve();
    await open.promise;
  };
}

function storesFor(graph: Graph, hook: Hook = () => {}) {
  const nameOf = (descriptor: Descriptor) => graph.nameOf(descriptor);
  const from = new MemoryStore({ blobs: graph.blobs, nameOf, hook });
  return { from, to: new MemoryStore({ nameOf, hook }) };
}

describe('copyGraph() does several things at once:', () => {
  test('at most four transfers, the largest of those that wait first', async () => {
    const graph = new Graph();
    const layers = Array.from({ length: 12 }, (_, i) => graph.blob(`layer${i}`, 300 + i * 100));
    const root = graph.image('image', 'linux/amd64', { layers });
    const { from, to } = storesFor(graph, gate('write', 4));
    await copyGraph(root, { from, to });
    expect(to.most.write).toBe(4);
    const sizes = to
      .logged('write')
      .slice(4, -1)
      .map((name) => layers.find((layer) => graph.nameOf(layer) === name)?.size ?? 0);
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    expect(to.logged('write').at(-1)).toBe('image');
  });

  test('at most sixteen questions', async () => {
    const graph = new Graph();
    const layers = Array.from({ length: 40 }, (_, i) => graph.blob(`layer${i}`));
    const root = graph.image('image', 'linux/amd64', { layers });
    const open = Promise.withResolvers<void>();
    const { from, to } = storesFor(graph, async (operation, descriptor) => {
      if (operation !== 'has' || graph.nameOf(descriptor) === 'image') return;
      if (to.running.has === 16) open.resolve();
      await open.promise;
    });
    await copyGraph(root, { from, to });
    expect(to.most.has).toBe(16);
  });

  test('at most sixteen readings of manifests, however many an index has', async () => {
    const graph = new Graph();
    const images = Array.from({ length: 60 }, (_, i) => graph.image(`image${i}`, `linux/a${i}`));
    const root = graph.index('root', images);
    const { from, to } = storesFor(graph, async (operation) => {
      for (let turn = 0; operation === 'open' && turn < 20; turn++) await setImmediate();
    });
    await copyGraph(root, { from, to });
    expect(from.most.open).toBeLessThanOrEqual(16);
  });
});

/** The shape of a random index: which layers each image has, and what else is in it. */
const shapes = record({
  images: array(uniqueArray(nat(6), { maxLength: 5 }), { maxLength: 6 }),
  nested: boolean(),
  repeated: boolean(),
  /** Which images are at the target before. */
  present: uniqueArray(nat(5)),
  /** Turns that each operation takes. */
  delays: array(integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 7 }),
  /** The operation that fails, if one does. */
  failAt: option(nat(60)),
});

type Shape = typeof shapes extends { generate: (...args: never) => { value: infer T } } ? T : never;

function build({ images, nested, repeated }: Shape) {
  const graph = new Graph();
  const members = images.map((layers, i) =>
    graph.image(`image${i}`, `linux/a${i}`, {
      layers: layers.map((number) => graph.blob(`layer${number}`, 10 + number * 10)),
    }),
  );
  const inner = nested ? [graph.index('inner', members.slice(1))] : [];
  const all = [...members, ...inner, ...(repeated ? members : [])];
  return { graph, members, root: graph.index('root', all) };
}

describe('copyGraph(), whatever the graph, the delays and the failure,', () => {
  test('keeps parts before what names them, writes nothing twice, and ends in one of two ways', async () => {
    await assert(
      asyncProperty(shapes, async (shape) => {
        const { graph, members, root } = build(shape);
        let operations = 0;
        const hook: Hook = async () => {
          const number = operations++;
          const turns = shape.delays[number % shape.delays.length] ?? 0;
          for (let turn = 0; turn < turns; turn++) await Promise.resolve();
          if (number === shape.failAt) throw new FinchError('NETWORK', `operation ${number}`);
        };
        const { from, to } = storesFor(graph, hook);
        for (const i of shape.present) {
          const image = members[i];
          if (image === undefined) continue;
          for (const part of graph.below(image)) to.blobs.set(part.digest, graph.bytesOf(part));
        }
        const before = new Set(to.blobs.keys());
        const failure = await copyGraph(root, { from, to }).catch((error: unknown) => error);
        for (const kind of ['has', 'write', 'kept'] as const) {
          expect(new Set(to.logged(kind)).size).toBe(to.logged(kind).length);
        }
        expect([from.running, to.running]).toEqual(
          [0, 0].map(() => ({ has: 0, open: 0, write: 0 })),
        );
        for (const digest of before) {
          expect(to.logged('write')).not.toContain(graph.nameOf({ digest }));
        }
        if (failure === undefined) {
          const wanted = graph.below(root).map(({ digest }) => digest);
          expect([...to.blobs.keys()].toSorted()).toEqual(wanted.toSorted());
        } else {
          expect(failure).toMatchObject({ message: `operation ${shape.failAt}` });
          expect(to.logged('kept')).not.toContain('root');
        }
      }),
    );
  });
});
