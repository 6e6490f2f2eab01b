import { describe, expect, test } from 'bun:test';
import { setImmediate } from 'node:timers/promises';
import type { AbortOptions } from '../../src/content.ts';
import type { CopyEvent } from '../../src/copy/events.ts';
import { pushImages } from '../../src/copy/push-images.ts';
import { FinchError } from '../../src/errors.ts';
import type { RetryOptions } from '../../src/http/retry.ts';
import { sendRequest, type Transport } from '../../src/http/transport.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { emptyMemory, type RegistryMemory } from '../../src/registry/memory/registry-memory.ts';
import { defaultSite, type Site } from '../../src/registry/site.ts';
import {
  type FakeRegistry,
  registryErrorBody,
  type Script,
  startFakeRegistry,
} from '../support/fake-registry.ts';
import { openTestRepository, recordingTransport } from '../support/open-test-repository.ts';
import { Graph } from './graph.ts';
import { MemoryStore } from './memory-store.ts';

/** Two platforms that share a layer. */
function twoPlatforms() {
  const graph = new Graph();
  const shared = graph.blob('shared', 70_000);
  const images = ['arm64', 'amd64'].map((name) =>
    graph.image(name, `linux/${name}`, { layers: [shared, graph.blob(`${name}.top`)] }),
  );
  return { graph, images, root: graph.index('root', images) };
}

interface PushOptions extends AbortOptions {
  readonly tag?: string | undefined;
  readonly verifyMembers?: boolean;
  readonly transport?: Transport;
  readonly retry?: RetryOptions;
  readonly site?: Site;
  readonly onEvent?: (event: CopyEvent) => void;
  /** Default: what all pushes to the registry so far have learned. */
  readonly memory?: RegistryMemory;
}

const memories = new WeakMap<FakeRegistry, RegistryMemory>();

function memoryOf(registry: FakeRegistry): RegistryMemory {
  const memory = memories.get(registry) ?? emptyMemory();
  memories.set(registry, memory);
  return memory;
}

/** Pushes below the tag `1.10`, or what `options` say. */
async function push(
  graph: Graph,
  root: Descriptor,
  registry: FakeRegistry,
  options: PushOptions = {},
) {
  const from = new MemoryStore({ blobs: graph.blobs, nameOf: (part) => graph.nameOf(part) });
  const { transport, retry, site, memory = memoryOf(registry), ...rest } = options;
  const to = openTestRepository(registry.host, {
    memory,
    ...(transport && { transport }),
    ...(retry && { retry }),
    ...(site && { site }),
  });
  const { tag, ...pushing } = { tag: '1.10', ...rest };
  const target = { root, to, tags: tag === undefined ? [] : [tag] };
  const [outcome] = await pushImages([target], { from }, pushing);
  if (outcome?.error !== undefined) throw outcome.error;
}

/** The requests, with the names of a graph for digests. */
function requestsOf(registry: FakeRegistry, graph: Graph): readonly string[] {
  return registry.requests.map(({ line }) =>
    decodeURIComponent(line)
      .replaceAll(/sha256:[0-9a-f]{64}/g, (digest) => graph.nameOf({ digest: digest as never }))
      .replace('/v2/app/', '')
      .replace(/uploads\/1.*&digest=/, 'upload '),
  );
}

/** The requests that write, in order. */
function writes(registry: FakeRegistry, graph: Graph): readonly string[] {
  return requestsOf(registry, graph).filter((line) => line.startsWith('PUT'));
}

describe('pushImages() to a registry', () => {
  test('sends with verifyMembers what an index lacks that is there, and without asks for nothing', async () => {
    await using registry = startFakeRegistry();
    const { graph, root, images } = twoPlatforms();
    await push(graph, root, registry);
    for (const key of registry.manifests.keys()) {
      if (key.endsWith(images[0]?.digest ?? '')) registry.manifests.delete(key);
    }
    const before = registry.requests.length;
    await push(graph, root, registry);
    expect(requestsOf(registry, graph).slice(before)).toEqual(['HEAD manifests/1.10']);
    const written = writes(registry, graph).length;
    await push(graph, root, registry, { verifyMembers: true });
    expect(writes(registry, graph).slice(written)).toEqual([
      'PUT blobs/upload arm64.config',
      'PUT manifests/arm64',
    ]);
  });

  test('sends blobs, then their manifests by digest, then the index under its tag', async () => {
    await using registry = startFakeRegistry();
    const { graph, root } = twoPlatforms();
    await push(graph, root, registry);
    const order = writes(registry, graph);
    expect([...order].sort()).toEqual([
      'PUT blobs/upload amd64.config',
      'PUT blobs/upload amd64.top',
      'PUT blobs/upload arm64.config',
      'PUT blobs/upload arm64.top',
      'PUT blobs/upload shared',
      'PUT manifests/1.10',
      'PUT manifests/amd64',
      'PUT manifests/arm64',
    ]);
    expect(order.at(-1)).toBe('PUT manifests/1.10');
    for (const name of ['amd64', 'arm64']) {
      const manifest = order.indexOf(`PUT manifests/${name}`);
      for (const part of ['shared', `${name}.top`, `${name}.config`]) {
        expect(order.indexOf(`PUT blobs/upload ${part}`)).toBeLessThan(manifest);
      }
    }
  });

  test('gives the tag in the request that stores the root', async () => {
    await using registry = startFakeRegistry();
    const { graph, root, images } = twoPlatforms();
    await push(graph, root, registry);
    const tagged = [...registry.manifests.keys()].filter((key) => !key.includes('@'));
    expect(tagged).toEqual(['app:1.10']);
    expect([...registry.manifests.keys()].filter((key) => key.includes('@')).sort()).toEqual(
      [root, ...images].map(({ digest }) => `app@${digest}`).sort(),
    );
  });

  test('sends the stored bytes and media types, however they are written', async () => {
    await using registry = startFakeRegistry();
    const graph = new Graph();
    const image = graph.image('a', 'linux/amd64', { docker: true });
    const spaced = new TextEncoder().encode(
      `\n${JSON.stringify(JSON.parse(new TextDecoder().decode(graph.bytesOf(image))), null, '\t')}\n`,
    );
    const root = graph.add('spaced', mediaTypes.dockerManifest, spaced);
    await push(graph, root, registry);
    const stored = registry.manifests.get('app:1.10');
    expect(stored?.mediaType).toBe(mediaTypes.dockerManifest);
    expect(Buffer.from(stored?.bytes ?? []).equals(spaced)).toBe(true);
    for (const part of graph.below(root).slice(0, -1)) {
      expect(registry.blobs.has(part.digest)).toBe(true);
    }
  });

  test('makes one request when the tag has the image already, and says so', async () => {
    await using registry = startFakeRegistry();
    const { graph, root } = twoPlatforms();
    await push(graph, root, registry);
    const before = registry.requests.length;
    const events: string[] = [];
    await push(graph, root, registry, {
      onEvent: ({ kind, descriptor }) => events.push(`${kind} ${graph.nameOf(descriptor)}`),
    });
    expect(requestsOf(registry, graph).slice(before)).toEqual(['HEAD manifests/1.10']);
    expect(events).toEqual(['found root', 'exists root']);
  });

  test('asks for a root that it never saw there while it asks for the tag', async () => {
    await using registry = startFakeRegistry();
    const { graph, root } = twoPlatforms();
    await push(graph, root, registry);
    const before = registry.requests.length;
    const both = Promise.withResolvers<void>();
    let asked = 0;
    const transport: Transport = async (request) => {
      asked += 1;
      if (asked === 2) both.resolve();
      await both.promise;
      return sendRequest(request);
    };
    // Until an answer tells how the registry is spoken to, one request goes alone.
    const site = { ...defaultSite(registry.host), protocol: 'http:' } as const;
    await push(graph, root, registry, { memory: emptyMemory(), transport, site });
    expect(requestsOf(registry, graph).slice(before).sort()).toEqual([
      'HEAD manifests/1.10',
      'HEAD manifests/root',
    ]);
  });

  test('makes one request for an image without a tag that is there', async () => {
    await using registry = startFakeRegistry();
    const { graph, root } = twoPlatforms();
    await push(graph, root, registry, { tag: undefined });
    expect(writes(registry, graph).at(-1)).toBe('PUT manifests/root');
    expect([...registry.manifests.keys()].filter((key) => !key.includes('@'))).toEqual([]);
    const before = registry.requests.length;
    await push(graph, root, registry, { tag: undefined });
    expect(requestsOf(registry, graph).slice(before)).toEqual(['HEAD manifests/root']);
  });

  test('gives a second tag to an index that is there without asking for a blob', async () => {
    await using registry = startFakeRegistry();
    const { graph, root } = twoPlatforms();
    await push(graph, root, registry);
    const before = registry.requests.length;
    await push(graph, root, registry, { tag: 'latest' });
    expect(requestsOf(registry, graph).slice(before)).toEqual([
      'HEAD manifests/latest',
      'HEAD manifests/root',
      'PUT manifests/latest',
    ]);
  });

  test('gives a second tag to a lone manifest that is there in three requests', async () => {
    await using registry = startFakeRegistry();
    const graph = new Graph();
    const root = graph.image('lone', 'linux/amd64');
    await push(graph, root, registry);
    const before = registry.requests.length;
    await push(graph, root, registry, { tag: 'latest' });
    expect(requestsOf(registry, graph).slice(before)).toEqual([
      'HEAD manifests/latest',
      'HEAD manifests/lone',
      'PUT manifests/latest',
    ]);
  });

  test('moves a tag that names another image, and sends only what is new', async () => {
    await using registry = startFakeRegistry();
    const { graph, root, images } = twoPlatforms();
    await push(graph, root, registry);
    const added = graph.image('riscv64', 'linux/riscv64', { layers: [graph.blob('new')] });
    const larger = graph.index('larger', [...images, added]);
    const before = writes(registry, graph).length;
    await push(graph, larger, registry);
    expect(writes(registry, graph).slice(before).sort()).toEqual([
      'PUT blobs/upload new',
      'PUT blobs/upload riscv64.config',
      'PUT manifests/1.10',
      'PUT manifests/riscv64',
    ]);
  });

  test('asks once whether a blob is there, and opens no upload for one that is', async () => {
    await using registry = startFakeRegistry();
    const { graph, root } = twoPlatforms();
    const shared = graph.blob('shared', 70_000);
    registry.blobs.set(shared.digest, new Uint8Array(graph.bytesOf(shared)));
    await push(graph, root, registry);
    const lines = requestsOf(registry, graph);
    expect(lines.filter((line) => line.endsWith('shared'))).toEqual(['HEAD blobs/shared']);
    expect(lines.filter((line) => line.startsWith('POST')).length).toBe(4);
    const bytes = registry.requests.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
    expect(bytes).toBeLessThan(shared.size);
    expect(new Set(lines.filter((line) => line.startsWith('HEAD'))).size).toBe(
      lines.filter((line) => line.startsWith('HEAD')).length,
    );
  });
});

describe('pushImages() to a registry, when the registry refuses,', () => {
  const busy = () => registryErrorBody(429, 'TOOMANYREQUESTS', 'slow down');
  const denied = () => registryErrorBody(403, 'DENIED', 'not yours');
  const cases: readonly (readonly [string, (line: string) => boolean])[] = [
    ['an upload', (line) => line.startsWith('POST')],
    ['a blob', (line) => line.startsWith('PUT') && line.includes('/blobs/')],
    ['a manifest', (line) => line.startsWith('PUT') && line.includes('/manifests/sha256:')],
  ];
  for (const [what, isRefused] of cases) {
    test(`${what}: throws that, stores no root, and sends nothing more`, async () => {
      const script: Script = ({ method }, { pathname }) =>
        isRefused(`${method} ${pathname}`) ? denied() : undefined;
      await using registry = startFakeRegistry({ script });
      const { graph, root } = twoPlatforms();
      const { sent, transport } = recordingTransport();
      await expect(push(graph, root, registry, { transport })).rejects.toMatchObject({
        code: 'DENIED',
        message: expect.stringContaining('not yours'),
      });
      const count = sent.length;
      await setImmediate();
      expect(sent.length).toBe(count);
      expect(sent.some(({ url }) => url.pathname.endsWith('/1.10'))).toBe(true);
      expect(writes(registry, graph)).not.toContain('PUT manifests/1.10');
    });
  }

  test('whether a document is there: pushes all the same', async () => {
    await using registry = startFakeRegistry({
      script: ({ method }, { pathname }) =>
        method !== 'PUT' && pathname.includes('/manifests/') ? denied() : undefined,
    });
    const { graph, root } = twoPlatforms();
    await push(graph, root, registry);
    expect(writes(registry, graph)).toContain('PUT manifests/1.10');
  });

  test('the login, at the token server: throws that, and shows it no second time', async () => {
    let asked = 0;
    await using registry = startFakeRegistry({
      script: (_, { host, pathname }) => {
        const challenge = { 'www-authenticate': `Bearer realm="http://${host}/token",service="x"` };
        if (pathname !== '/token') return new Response(null, { status: 401, headers: challenge });
        asked += 1;
        return denied();
      },
    });
    const { graph, root } = twoPlatforms();
    await expect(push(graph, root, registry)).rejects.toMatchObject({ code: 'DENIED' });
    expect(asked).toBe(1);
  });

  test('the tag: throws that, and what was sent before is of use to the next push', async () => {
    let refuse = true;
    await using registry = startFakeRegistry({
      script: ({ method }, { pathname }) =>
        refuse && method === 'PUT' && pathname.endsWith('/1.10') ? denied() : undefined,
    });
    const { graph, root } = twoPlatforms();
    await expect(push(graph, root, registry)).rejects.toMatchObject({ code: 'DENIED' });
    refuse = false;
    const before = writes(registry, graph).length;
    await push(graph, root, registry);
    expect(writes(registry, graph).slice(before)).toEqual(['PUT manifests/1.10']);
  });

  test('one blob while another waits to be sent again: names the refusal', async () => {
    const graph = new Graph();
    const layers = [1, 2].map((i) => graph.blob(`a${i}`, 300_000 + i));
    const busyLayer = graph.blob('b1', 400_000);
    const other = graph.image('b', 'linux/b', { layers: [busyLayer] });
    const root = graph.index('root', [other, graph.image('a', 'linux/a', { layers })]);
    const [isWaiting, isSent] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await using registry = startFakeRegistry({
      script: async (request, url) => {
        if (request.method !== 'PUT' || !url.pathname.includes('/blobs/')) return undefined;
        const digest = url.searchParams.get('digest');
        // Too many requests: the platform b is to try again later.
        if (digest === busyLayer.digest) return busy();
        await isWaiting.promise;
        if (digest === layers[0]?.digest) {
          await isSent.promise;
          return denied();
        }
        isSent.resolve();
        await new Promise((cut) => request.signal.addEventListener('abort', cut));
        return undefined;
      },
    });
    for (const part of graph.below(root)) {
      const bytes = new Uint8Array(graph.bytesOf(part));
      if (graph.nameOf(part).endsWith('.config')) registry.blobs.set(part.digest, bytes);
    }
    const sleep = (_: number, { signal }: AbortOptions) =>
      new Promise<void>((_wake, reject) => {
        isWaiting.resolve();
        signal?.addEventListener('abort', () => reject(new Error('woken')));
      });
    const pushing = push(graph, root, registry, { retry: { sleep } });
    await expect(pushing).rejects.toMatchObject({ code: 'DENIED' });
  });
});

describe('pushImages() to a registry with a signal', () => {
  test('that has fired sends nothing', async () => {
    await using registry = startFakeRegistry();
    const { graph, root } = twoPlatforms();
    const pushing = push(graph, root, registry, { signal: AbortSignal.abort() });
    await expect(pushing).rejects.toThrow();
    expect(registry.requests.length).toBe(0);
  });

  test('that fires while a blob goes up stops at once, and stores no root', async () => {
    const controller = new AbortController();
    await using registry = startFakeRegistry({
      script: async (request) => {
        if (request.method !== 'PUT') return undefined;
        controller.abort(new FinchError('CANCELLED', 'interrupted'));
        await new Promise((cut) => request.signal.addEventListener('abort', cut));
        return undefined;
      },
    });
    const { graph, root } = twoPlatforms();
    const pushing = push(graph, root, registry, { signal: controller.signal });
    await expect(pushing).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(registry.manifests.size).toBe(0);
  });
});
