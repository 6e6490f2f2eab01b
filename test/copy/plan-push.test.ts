import { describe, expect, test } from 'bun:test';
import { planPush } from '../../src/copy/plan-push.ts';
import { pushImages } from '../../src/copy/push-images.ts';
import { FinchError } from '../../src/errors.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { emptyMemory } from '../../src/registry/memory/registry-memory.ts';
import { startFaultyRegistry } from '../support/faulty-registry.ts';
import { openTestRepository } from '../support/open-test-repository.ts';
import { Graph } from './graph.ts';
import { memoryRepository } from './memory-repository.ts';
import { MemoryStore } from './memory-store.ts';

/** Two images that share a layer. */
function twoImages() {
  const graph = new Graph();
  const shared = graph.blob('shared', 100_000);
  const [a, b] = ['a', 'b'].map((name) =>
    graph.image(name, 'linux/amd64', { layers: [shared, graph.blob(`${name}.top`, 80_000)] }),
  ) as [Descriptor, Descriptor];
  return { graph, shared, a, b, from: new MemoryStore({ blobs: graph.blobs }) };
}

const sizeOf = (graph: Graph, root: Descriptor) =>
  graph.below(root).reduce((sum, { size }) => sum + size, 0);

describe('planPush()', () => {
  test('says what a first push sends, and in how many requests, and writes nothing', async () => {
    const { graph, a, from } = twoImages();
    const to = memoryRepository(graph);
    const {
      plans: [plan],
    } = await planPush([{ root: a, to, tags: ['1'] }], { from });
    expect(plan).toEqual({
      to,
      exists: { count: 0, bytes: 0 },
      mount: { count: 0, bytes: 0 },
      send: { count: 4, bytes: sizeOf(graph, a) },
      // The tag, the manifest, two layers: asked for. Three blobs of two, and the tag.
      requests: 4 + 6 + 1,
    });
    expect(to.store.blobs.size).toBe(0);
    expect(to.named.size).toBe(0);
  });

  test('counts all of an image that is there, for one request', async () => {
    const { graph, a, from } = twoImages();
    const to = memoryRepository(graph);
    const targets = [{ root: a, to, tags: ['1'] }];
    await pushImages(targets, { from });
    const {
      plans: [plan],
    } = await planPush(targets, { from });
    expect(plan).toMatchObject({
      exists: { count: 4, bytes: sizeOf(graph, a) },
      send: { count: 0, bytes: 0 },
      requests: 1,
    });
  });

  test('tells what is there, what is mounted and what is sent apart', async () => {
    const { graph, a, b, from, shared } = twoImages();
    const top = graph.below(b).find((part) => graph.nameOf(part) === 'b.top');
    const to = memoryRepository(graph, {
      mounts: ({ digest }) => (digest === top?.digest ? 'elsewhere' : undefined),
    });
    await pushImages([{ root: a, to, tags: ['1'] }], { from });
    const {
      plans: [plan],
    } = await planPush([{ root: b, to, tags: ['1'] }], { from });
    expect(plan?.exists).toEqual({ count: 1, bytes: shared.size });
    expect(plan?.mount).toEqual({ count: 1, bytes: top?.size ?? 0 });
    expect(plan?.send).toEqual({
      count: 2,
      bytes: sizeOf(graph, b) - shared.size - (top?.size ?? 0),
    });
  });

  test('knows that a second repository of a registry takes what the first will have', async () => {
    const { graph, a, from } = twoImages();
    const places = ['one', 'two'].map((name) => memoryRepository(graph, { name }));
    const targets = places.map((to) => ({ root: a, to, tags: ['1'] }));
    const { plans } = await planPush(targets, { from });
    expect(plans.map(({ to, mount, send }) => [to.name, mount.count, send.count])).toEqual([
      ['one', 0, 4],
      ['two', 3, 1],
    ]);
  });

  test('counts the requests that the push then takes, where bodies are limited and tags are several', async () => {
    const graph = new Graph();
    const layer = graph.blob('layer', 3_000_000);
    const root = graph.image('image', 'linux/amd64', { layers: [layer, graph.blob('top', 100)] });
    const from = new MemoryStore({ blobs: graph.blobs });
    const maxBody = 1024 * 1024;
    await using registry = await startFaultyRegistry({ profile: { maxBody } });
    const memory = emptyMemory();
    memory.learn(registry.host, { maxBodyBytes: maxBody });
    const target = () => ({
      root,
      to: openTestRepository(registry.host, { memory }),
      tags: ['1', '2'],
    });
    const {
      plans: [plan],
    } = await planPush([target()], { from });
    const { length } = registry.log;
    const [outcome] = await pushImages([target()], { from });
    expect(outcome?.error).toBeUndefined();
    expect(plan?.requests).toBe(registry.log.length - length);
  });

  test('says what a registry answers, and plans for the others', async () => {
    const { graph, a, from } = twoImages();
    const denied = new FinchError('DENIED', 'not yours');
    const to = memoryRepository(graph, {
      hook: () => {
        throw denied;
      },
    });
    const good = memoryRepository(graph, { registry: 'good.test' });
    const targets = [to, good].map((place) => ({ root: a, to: place, tags: ['1'] }));
    const { plans, outcomes } = await planPush(targets, { from });
    expect(outcomes.map(({ error }) => error)).toEqual([denied, undefined]);
    expect(plans.map((plan) => [plan.to, plan.send.count])).toEqual([[good, 4]]);
  });
});
