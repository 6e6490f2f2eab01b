import { type PullOptions, pullImage } from '../../src/copy/pull-image.ts';
import type { PlatformChoice } from '../../src/copy/select.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { isDocumentType } from '../../src/oci/media-types.ts';
import { type Platform, parsePlatform } from '../../src/oci/platform.ts';
import { parseReference } from '../../src/oci/reference.ts';
import type { ImageStore } from '../../src/store/image-store.ts';
import { type Workplace, workplace } from '../archives/archive-files.ts';
import { type FakeRegistry, type Script, startFakeRegistry } from '../support/fake-registry.ts';
import { openTestRepository } from '../support/open-test-repository.ts';
import type { Graph } from './graph.ts';

/** What the machine of these tests runs. */
export const HOST: Platform = { os: 'linux', architecture: 'amd64' };

/** A registry with images of a graph, and an empty store. */
export interface Scene extends AsyncDisposable {
  readonly registry: FakeRegistry;
  readonly store: ImageStore;
  /** Puts an image into the registry, but for what has a name in `without`. */
  publish(root: Descriptor, options?: { tag?: string; without?: readonly string[] }): void;
  /** Pulls `app:1`, or what `reference` says: `present`, `all`, or platforms with commas between them. */
  pull(
    choice?: string,
    options?: Partial<PullOptions> & { reference?: string },
  ): Promise<Descriptor>;
  /** The requests since this was asked last, with the names of the graph for digests, in alphabetical order. */
  requests(): readonly string[];
  /** What the store has: names and blobs, by their names in the graph, in alphabetical order. */
  contents(): Promise<{ readonly names: readonly string[]; readonly blobs: readonly string[] }>;
}

export async function arrange(graph: Graph, { script }: { script?: Script } = {}): Promise<Scene> {
  const registry = startFakeRegistry(script && { script });
  const place: Workplace = await workplace();
  let seen = 0;
  return {
    registry,
    store: place.store,
    publish(root, { tag = '1', without = [] } = {}) {
      for (const part of graph.below(root)) {
        if (without.includes(graph.nameOf(part))) continue;
        const bytes = new Uint8Array(graph.bytesOf(part));
        const { digest, mediaType } = part;
        if (!isDocumentType(mediaType)) registry.blobs.set(digest, bytes);
        else registry.manifests.set(`app@${digest}`, { mediaType, bytes });
        if (digest === root.digest) registry.manifests.set(`app:${tag}`, { mediaType, bytes });
      }
    },
    pull(choice = 'amd64', { reference = 'app:1', ...options } = {}) {
      const from = openTestRepository(registry.host, { access: 'pull' });
      const parsed = { ...parseReference(`${registry.host}/${reference}`) };
      return pullImage(
        parsed,
        { from, to: place.store },
        { choice: choiceOf(choice), platform: HOST, ...options },
      );
    },
    requests() {
      const lines = registry.requests
        .slice(seen)
        .map(({ line }) =>
          line
            .replace('/v2/app/', '')
            .replaceAll(/sha256:[0-9a-f]{64}/g, (digest) =>
              graph.nameOf({ digest: digest as never }),
            ),
        );
      seen = registry.requests.length;
      return lines.sort();
    },
    async contents() {
      const { store } = place;
      const files = await Array.fromAsync(
        new Bun.Glob('blobs/*/*').scan({ cwd: store.path, onlyFiles: true }),
      );
      const digests = files.map((file) => file.split('/').slice(1).join(':'));
      return {
        names: store.names().map(({ name }) => name.replace(`${registry.host}/`, '')),
        blobs: digests.map((digest) => graph.nameOf({ digest: digest as never })).sort(),
      };
    },
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

function choiceOf(text: string): PlatformChoice {
  if (text === 'present' || text === 'all') return { kind: text };
  return { kind: 'named', platforms: text.split(',').map(parsePlatform) };
}
