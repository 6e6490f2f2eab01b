import { expect, test } from 'bun:test';
import { pushImages } from '../../src/copy/push-images.ts';
import type { PushTarget } from '../../src/copy/push-target.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { emptyMemory } from '../../src/registry/memory/registry-memory.ts';
import { startFaultyRegistry } from '../support/faulty-registry.ts';
import { openTestRepository } from '../support/open-test-repository.ts';
import { Graph } from './graph.ts';
import { MemoryStore } from './memory-store.ts';

/** An index of `count` images, each with a layer of its own and one that all share. */
function largeIndex(count: number) {
  const graph = new Graph();
  const shared = graph.blob('shared', 1000);
  const images = Array.from({ length: count }, (_, i) =>
    graph.image(`image${i}`, `linux/a${i}`, { layers: [shared, graph.blob(`layer${i}`)] }),
  );
  return { graph, images, root: graph.index('root', images) };
}

const sourceOf = (graph: Graph) =>
  new MemoryStore({ blobs: graph.blobs, nameOf: (part) => graph.nameOf(part) });

/** Pushes, and fails the test when a target does not end well. */
async function push(targets: readonly PushTarget[], graph: Graph) {
  const outcomes = await pushImages(targets, { from: sourceOf(graph) });
  expect(outcomes.map(({ error }) => error)).toEqual(targets.map(() => undefined));
}

test('an index of 1,000 manifests goes up with at most three requests a blob and two a manifest', async () => {
  const { graph, root } = largeIndex(1000);
  await using registry = await startFaultyRegistry();
  const to = openTestRepository(registry.host);
  await push([{ root, to, tags: ['1'] }], graph);
  const { blobs, manifests, tags } = registry.state.repository('app');
  expect([blobs.size, manifests.size, tags.get('1')]).toEqual([2001, 1001, root.digest]);
  expect(registry.count(/ \S+\/blobs\//)).toBeLessThanOrEqual(3 * 2001);
  expect(registry.count(/ \S+\/manifests\//)).toBeLessThanOrEqual(2 * 1000 + 3);
  const before = registry.log.length;
  await push([{ root, to, tags: ['2'] }], graph);
  expect(registry.lines().slice(before)).toEqual([
    'HEAD /v2/app/manifests/2',
    `HEAD /v2/app/manifests/${root.digest}`,
    'PUT /v2/app/manifests/2',
  ]);
}, 30_000);

test('of a large index in which one image changed only that one goes up', async () => {
  const { graph, images, root } = largeIndex(50);
  await using registry = await startFaultyRegistry();
  const to = openTestRepository(registry.host);
  await push([{ root, to, tags: ['1'] }], graph);
  const before = registry.log.length;
  const changed = graph.image('changed', 'linux/a0', { layers: [graph.blob('new', 200)] });
  const next = graph.index('next', [changed, ...images.slice(1)]);
  await push([{ root: next, to, tags: ['1'] }], graph);
  const sent = registry.log.slice(before).filter(({ method }) => method !== 'HEAD');
  expect(sent.map(({ method }) => method).toSorted()).toEqual(
    ['POST', 'POST', 'PUT', 'PUT', 'PUT', 'PUT'].toSorted(),
  );
});

test('the manifests of an index go up while blobs of its other images do, each after its own', async () => {
  const { graph, images, root } = largeIndex(40);
  await using registry = await startFaultyRegistry({ profile: { checksManifests: true } });
  await push([{ root, to: openTestRepository(registry.host), tags: ['1'] }], graph);
  const lines = registry.lines('PUT');
  const firstManifest = lines.findIndex((line) => line.includes('/manifests/'));
  const lastBlob = lines.findLastIndex((line) => line.includes('/blobs/'));
  expect(firstManifest).toBeLessThan(lastBlob);
  expect(registry.log.filter(({ status }) => status === 400)).toEqual([]);
  expect(registry.state.repository('app').manifests.size).toBe(images.length + 1);
});

test('what a registry has in the first of two repositories is mounted in the second', async () => {
  const graph = new Graph();
  const layers = [1, 2, 3].map((i) => graph.blob(`layer${i}`, i * 100_000));
  const root = graph.image('image', 'linux/amd64', { layers });
  await using registry = await startFaultyRegistry();
  const memory = emptyMemory();
  const targets = ['one', 'two'].map((name) => ({
    ...{ root, tags: ['1'] },
    to: openTestRepository(registry.host, { name, memory }),
  }));
  await push(targets, graph);
  expect(registry.state.repository('two').blobs.size).toBe(4);
  expect(registry.bodyBytes('PUT /v2/two/blobs')).toBe(0);
});

test('one registry that fails does not keep the image from the others', async () => {
  const { graph, root } = largeIndex(3);
  await using good = await startFaultyRegistry();
  await using bad = await startFaultyRegistry({
    faults: [{ on: 'POST', does: 'reply', with: { status: 403 } }],
  });
  const targets = [bad, good].map(({ host }) => ({
    ...{ root, tags: ['1'] },
    to: openTestRepository(host),
  }));
  const outcomes = await pushImages(targets, { from: sourceOf(graph) });
  expect(outcomes.map(({ error }) => error)).toEqual([
    expect.objectContaining({ code: 'DENIED' }),
    undefined,
  ]);
  expect(good.state.repository('app').tags.get('1')).toBe(root.digest);
  expect(bad.state.repository('app').tags.size).toBe(0);
});

/** Missing members: what the source lacks ends the push, what only the registry lacks is sent. */
test.each([
  ['a member manifest', 'image1'],
  ['a layer of a member', 'layer1'],
  ['the config of a member', 'image1.config'],
])('an index without %s at the source ends with what is missing, and no tag', async (_, name) => {
  const { graph, root } = largeIndex(3);
  await using registry = await startFaultyRegistry();
  const from = sourceOf(graph);
  const missing = graph.below(root).find((part) => graph.nameOf(part) === name) as Descriptor;
  from.blobs.delete(missing.digest);
  const to = openTestRepository(registry.host);
  const [outcome] = await pushImages([{ root, to, tags: ['1'] }], { from });
  expect(outcome?.error).toMatchObject({ code: 'CONTENT_MISSING' });
  expect(registry.state.repository('app').tags.size).toBe(0);
  expect(registry.state.repository('app').manifests.has(root.digest)).toBe(false);
});

test('a member that only the registry has need not be at the source', async () => {
  const { graph, images, root } = largeIndex(3);
  await using registry = await startFaultyRegistry();
  const to = openTestRepository(registry.host);
  const [first] = images as [Descriptor];
  await push([{ root: first, to, tags: ['first'] }], graph);
  const from = sourceOf(graph);
  from.blobs.delete(first.digest);
  const [outcome] = await pushImages([{ root, to, tags: ['1'] }], { from });
  expect(outcome?.error).toBeUndefined();
  expect(registry.state.repository('app').tags.get('1')).toBe(root.digest);
});
