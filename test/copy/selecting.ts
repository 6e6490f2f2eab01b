import { expect } from 'bun:test';
import { type PlatformChoice, selectPlatforms } from '../../src/copy/select.ts';
import { FinchError } from '../../src/errors.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { parsePlatform } from '../../src/oci/platform.ts';
import { readStream } from '../support/content-store-contract.ts';
import { Graph } from './graph.ts';
import { MemoryStore } from './memory-store.ts';

/** Makes an image and gives its root. */
export type Make = (graph: Graph) => Descriptor;

/** `present`, `all`, or platforms with commas between them. */
function choiceOf(text: string): PlatformChoice {
  if (text === 'present' || text === 'all') return { kind: text };
  return { kind: 'named', platforms: text.split(',').map(parsePlatform) };
}

/** Selects from what `make` makes, of which everything is in the store but what `without` names. */
export async function select(make: Make, choice: string, without: readonly string[] = []) {
  const graph = new Graph();
  const root = make(graph);
  const store = new MemoryStore({ blobs: graph.blobs });
  for (const part of graph.below(root)) {
    if (without.includes(graph.nameOf(part))) store.blobs.delete(part.digest);
  }
  const image = { name: 'app:1', root };
  const selection = await selectPlatforms(image, store, { choice: choiceOf(choice) });
  const bytes = await readStream((await selection.from.open(selection.root)).stream());
  expect(digestOf(bytes)).toBe(selection.root.digest);
  expect(bytes.length).toBe(selection.root.size);
  return { graph, root, store, selection, text: new TextDecoder().decode(bytes) };
}

/** The names of the members that are selected, and what was left out. `same` when the root is unchanged. */
export async function outcome(make: Make, choice: string, without: readonly string[] = []) {
  try {
    const { graph, root, selection, text } = await select(make, choice, without);
    const { root: chosen, dropped } = selection;
    expect(chosen.mediaType).toBe(root.mediaType);
    if (chosen.digest === root.digest) {
      expect(dropped).toEqual([]);
      return 'same';
    }
    const { manifests } = JSON.parse(text) as { manifests: readonly Descriptor[] };
    const kept = manifests.map((member) => graph.nameOf(member)).join(' ');
    return `${kept} | ${dropped.join(', ')}`;
  } catch (error) {
    if (error instanceof FinchError) return `${error.code}: ${error.message}; ${error.hint}`;
    throw error;
  }
}

/** amd64, arm64, arm v6 and v7, and Windows in two versions. */
export const many: Make = (graph) =>
  graph.index('root', [
    graph.image('amd', 'linux/amd64'),
    graph.image('arm64', 'linux/arm64/v8'),
    graph.image('v6', 'linux/arm/v6'),
    graph.image('v7', 'linux/arm/v7'),
    graph.image('win19', 'windows/amd64:10.0.17763.1'),
    graph.image('win22', 'windows/amd64:10.0.20348.2'),
  ]);

/** Two images, each with what is attested of it behind all images, as BuildKit writes them. */
export const attested: Make = (graph) => {
  const [arm, amd] = ['arm64', 'amd64'].map((name) => graph.image(name, `linux/${name}`)) as [
    Descriptor,
    Descriptor,
  ];
  const proofs = [graph.attestation('arm64.proof', arm), graph.attestation('amd64.proof', amd)];
  return graph.index('root', [arm, amd, ...proofs]);
};

/** Both platforms of {@link attested}. */
export const ATTESTED_PLATFORMS = 'linux/arm64,linux/amd64';
