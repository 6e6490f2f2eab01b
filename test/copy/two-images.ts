import type { ContentReader } from '../../src/content.ts';
import { pushImages } from '../../src/copy/push-images.ts';
import type { PushOptions } from '../../src/copy/push-target.ts';
import { FinchError } from '../../src/errors.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { Graph } from './graph.ts';
import type { MemoryRepository } from './memory-repository.ts';
import { MemoryStore } from './memory-store.ts';

/** What a repository throws that refuses something. */
export const broken = new FinchError('DENIED', 'not yours');

/** Two images that share a layer, and the store that has both. */
export function twoImages() {
  const graph = new Graph();
  const shared = graph.blob('shared', 500_000);
  const [a, b] = ['a', 'b'].map((name) =>
    graph.image(name, 'linux/amd64', { layers: [shared, graph.blob(`${name}.top`, 100_000)] }),
  ) as [Descriptor, Descriptor];
  const from = new MemoryStore({ blobs: graph.blobs, nameOf: (part) => graph.nameOf(part) });
  return { graph, a, b, from };
}

/** Pushes one image under the tag `1`, and throws what ended it. */
export async function push(
  root: Descriptor,
  to: MemoryRepository,
  from: ContentReader,
  options?: PushOptions,
) {
  const [outcome] = await pushImages([{ root, to, tags: ['1'] }], { from }, options);
  if (outcome?.error !== undefined) throw outcome.error;
}
