import { describe, expect, test } from 'bun:test';
import { memoryContent } from '../../src/content.ts';
import { copyGraph } from '../../src/copy/copy-graph.ts';
import { FinchError } from '../../src/errors.ts';
import { type HttpRequest, sendRequest } from '../../src/http/transport.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { isDocumentType } from '../../src/oci/media-types.ts';
import { type OpenAtSitesOptions, openAtSites } from '../../src/registry/open-at-sites.ts';
import type { Repository } from '../../src/registry/repository.ts';
import { type Capability, defaultSite, type Site } from '../../src/registry/site.ts';
import { MemoryStore } from '../copy/memory-store.ts';
import { type BadPeer, httpAnswer, startBadPeer } from '../support/bad-peer.ts';
import { layerOf, readStream } from '../support/content-store-contract.ts';
import { type FakeRegistry, type Script, startFakeRegistry } from '../support/fake-registry.ts';
import { buildImage } from '../support/images.ts';

const image = buildImage();
const layer = layerOf(300_000);

/** A registry with {@link image} as `app:1`, but for what `without` names, and {@link layer}. */
function registryWith({ script, without = [] }: { script?: Script; without?: string[] } = {}) {
  const registry = startFakeRegistry(script && { script });
  for (const descriptor of image.order) {
    const { digest, mediaType } = descriptor;
    const bytes = new Uint8Array(image.blobs.get(digest) ?? []);
    if (without.includes(digest)) continue;
    if (!isDocumentType(mediaType)) registry.blobs.set(digest, bytes);
    else {
      registry.manifests.set(`app@${digest}`, { mediaType, bytes });
      registry.manifests.set('app:1', { mediaType, bytes });
    }
  }
  registry.blobs.set(layer.descriptor.digest, new Uint8Array(layer.bytes));
  return registry;
}

function siteOf({ host }: { readonly host: string }, ...capabilities: Capability[]): Site {
  const all: Site = { ...defaultSite(host), protocol: 'http:' };
  return capabilities.length > 0 ? { ...all, capabilities } : all;
}

interface Opened {
  readonly repository: Repository;
  readonly trace: string[];
  readonly notes: string[];
  readonly sent: HttpRequest[];
}

function open(
  server: Site,
  mirrors: readonly Site[],
  options: Partial<OpenAtSitesOptions> = {},
): Opened {
  const [trace, notes, sent]: [string[], string[], HttpRequest[]] = [[], [], []];
  const repository = openAtSites({ server, mirrors, source: '/c/hosts.toml' }, 'app', {
    transport(request) {
      sent.push(request);
      return sendRequest(request);
    },
    keychain: { credential: async () => undefined },
    retry: { sleep: async () => {} },
    report: (line) => notes.push(line),
    trace: (line) => trace.push(line),
    ...options,
  });
  return { repository, trace, notes, sent };
}

/** A host on which nothing listens. */
async function nobody(): Promise<Site> {
  const gone = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() });
  const host = `127.0.0.1:${gone.port}`;
  await gone.stop(true);
  return siteOf({ host });
}

const [blob] = image.order;
if (blob === undefined) throw new Error('an image has blobs');

describe('a pull through mirrors', () => {
  test('asks the first that may answer, and the registry itself not at all', async () => {
    await using first = registryWith();
    await using second = registryWith();
    await using server = registryWith();
    const { repository } = open(siteOf(server), [siteOf(first, 'pull'), siteOf(second)]);
    expect((await repository.resolve('1'))?.digest).toBe(image.root.digest);
    await repository.open(image.root);
    expect(first.lines()).toEqual([`GET /v2/app/manifests/${image.root.digest}`]);
    expect(second.lines()).toEqual(['GET /v2/app/manifests/1']);
    expect(server.lines()).toEqual([]);
  });

  test.each([
    ['does not have', '1', 404, 'does not have it'],
    ['gives other bytes for', image.root.digest, 200, 'failed: '],
  ])('does not believe a mirror that names what it %s', async (_, reference, status, told) => {
    await using mirror = startFakeRegistry({
      script: ({ method }) => {
        const { digest, mediaType } = image.root;
        const headers = { 'docker-content-digest': digest, 'content-type': mediaType };
        return new Response('{}', { headers, status: method === 'HEAD' ? 200 : status });
      },
    });
    await using server = registryWith();
    const { repository, trace } = open(siteOf(server), [siteOf(mirror)]);
    expect(await repository.resolve(reference)).toEqual(image.root);
    expect(trace.join()).toContain(`${mirror.host} ${told}`);
    const store = new MemoryStore();
    await copyGraph(image.root, { from: repository, to: store });
    expect(store.blobs.has(image.root.digest)).toBe(true);
  });

  test.each(['1', image.root.digest])(
    'takes %s from a mirror in one request, whatever its headers say',
    async (reference) => {
      await using mirror = registryWith({
        script: ({ method }) =>
          method === 'HEAD'
            ? new Response('wrong size', { headers: { 'content-type': image.root.mediaType } })
            : undefined,
      });
      await using server = registryWith();
      const { repository } = open(siteOf(server), [siteOf(mirror)]);
      expect(await repository.resolve(reference)).toEqual(image.root);
      const content = await repository.open(image.root);
      expect(digestOf(await readStream(content.stream()))).toBe(image.root.digest);
      expect(mirror.lines()).toEqual([`GET /v2/app/manifests/${reference}`]);
      expect(server.lines()).toEqual([]);
    },
  );

  test('takes a digest from a mirror that may not say what tags name', async () => {
    await using mirror = registryWith();
    await using server = registryWith();
    const { repository } = open(siteOf(server), [siteOf(mirror, 'pull')]);
    expect((await repository.resolve(image.root.digest))?.digest).toBe(image.root.digest);
    await repository.tags().catch(() => {});
    expect(mirror.lines()).toHaveLength(1);
    expect(server.lines()).toEqual(['GET /v2/app/tags/list']);
  });

  test.each([
    [404, 'MANIFEST_UNKNOWN'],
    [401, 'UNAUTHORIZED'],
    [403, 'DENIED'],
    [500, 'UNKNOWN'],
    [429, 'TOOMANYREQUESTS'],
  ])('goes on to the next after a %d, without trying again', async (status, code) => {
    await using mirror = startFakeRegistry({
      script: () => Response.json({ errors: [{ code, message: '' }] }, { status }),
    });
    await using server = registryWith();
    const { repository, trace } = open(siteOf(server), [siteOf(mirror)]);
    expect((await repository.resolve('1'))?.digest).toBe(image.root.digest);
    expect(await repository.has(blob)).toBe(true);
    const { descriptor, bytes } = layer;
    const content = await repository.open(descriptor);
    expect(Buffer.compare(await readStream(content.stream()), bytes)).toBe(0);
    expect(trace[0]).toStartWith(mirror.host);
    expect(mirror.lines().filter((line) => line === 'GET /v2/app/manifests/1')).toHaveLength(1);
  });

  test('asks a mirror that cannot be reached only once', async () => {
    await using server = registryWith();
    const gone = await nobody();
    const { repository, sent } = open(siteOf(server), [gone]);
    for (const descriptor of image.order) expect(await repository.has(descriptor)).toBe(true);
    expect(sent.filter(({ url }) => url.host === gone.host)).toHaveLength(1);
  });

  test('waits for a silent mirror no longer than its description says', async () => {
    await using mirror = startFakeRegistry({
      script: () => Promise.withResolvers<Response>().promise,
    });
    await using server = registryWith();
    const { repository, trace } = open(siteOf(server), [{ ...siteOf(mirror), patienceMs: 50 }]);
    expect((await repository.resolve('1'))?.digest).toBe(image.root.digest);
    expect(trace).toEqual([`${mirror.host} failed: ${mirror.host} did not answer in time`]);
  });

  test('names what every host said when all fail', async () => {
    const [mirror, server] = [await nobody(), await nobody()];
    const { repository } = open(server, [mirror]);
    await expect(repository.resolve('1')).rejects.toMatchObject({
      code: 'NETWORK',
      message: `cannot connect to ${server.host}: connection refused; before that: cannot connect to ${mirror.host}: connection refused`,
    });
  });

  test('finds nothing where the registry itself has nothing', async () => {
    await using mirror = startFakeRegistry();
    await using server = startFakeRegistry();
    const { repository } = open(siteOf(server), [siteOf(mirror)]);
    expect(await repository.resolve('1')).toBeUndefined();
    expect(await repository.has(blob)).toBe(false);
    await expect(repository.open(image.root)).rejects.toMatchObject({ code: 'REMOTE_NOT_FOUND' });
  });

  test('goes on at the next host, from the byte at which the first broke off', async () => {
    const { descriptor, bytes } = layer;
    await using mirror = await breaksOff(bytes.subarray(0, 100_000), bytes.length);
    await using server = registryWith();
    const { repository } = open(siteOf(server), [siteOf(mirror)]);
    const content = await repository.open(descriptor);
    expect(Buffer.compare(await readStream(content.stream()), bytes)).toBe(0);
    // How much of the beginning came through is for the system to say.
    const last = mirror.requests.at(-1)?.headers['range'] ?? null;
    expect(server.requests.map(({ headers }) => headers.get('range'))).toEqual([last]);
  });

  test('ends when the registry itself breaks off for ever, and its mirrors have nothing', async () => {
    const { descriptor, bytes } = layer;
    await using mirror = startFakeRegistry();
    await using server = await breaksOff(bytes.subarray(0, 10), bytes.length, { always: true });
    const { repository } = open(siteOf(server), [siteOf(mirror)]);
    const content = await repository.open(descriptor);
    await expect(readStream(content.stream())).rejects.toMatchObject({ code: 'NETWORK' });
    expect(server.requests.length).toBeLessThan(20);
  });

  test('begins again where two hosts gave one blob, of which the first lied', async () => {
    const { descriptor, bytes } = layer;
    await using mirror = await breaksOff(new Uint8Array(10), bytes.length);
    await using server = registryWith();
    const { repository, trace } = open(siteOf(server), [siteOf(mirror)]);
    const first = await repository.open(descriptor);
    await expect(readStream(first.stream())).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' });
    expect(trace.join()).toContain(`${mirror.host} and ${server.host} sent other bytes`);
    expect(first.isReplaceable?.()).toBe(true);
    const second = await repository.open(descriptor);
    expect(Buffer.compare(await readStream(second.stream()), bytes)).toBe(0);
    expect(second.isReplaceable?.()).toBe(false);
  });

  test('copies an image although a mirror gives other bytes, and asks that one no more', async () => {
    const lie: Script = (request, url) =>
      request.method === 'GET' && url.pathname.includes('/blobs/')
        ? new Response(new Uint8Array(sizeOf(url.pathname)).fill(7))
        : undefined;
    await using mirror = registryWith({ script: lie });
    await using server = registryWith();
    const { repository, trace } = open(siteOf(server), [siteOf(mirror)]);
    const store = new MemoryStore();
    let progress = 0;
    await copyGraph(
      image.root,
      { from: repository, to: store },
      {
        onEvent: (event) => {
          if (event.kind === 'progress') progress += event.bytes;
        },
      },
    );
    for (const { digest } of image.order) {
      expect(digestOf(store.blobs.get(digest) ?? new Uint8Array())).toBe(digest);
    }
    expect(progress).toBe(image.order.reduce((sum, { size }) => sum + size, 0));
    expect(trace.join()).toContain(`${mirror.host} sent other bytes than those of sha256:`);
    const asked = mirror.lines().length;
    expect(await repository.has(blob)).toBe(true);
    expect(mirror.lines()).toHaveLength(asked);
  });

  test('fails when the only host that is left gives other bytes', async () => {
    const lie: Script = (request, url) =>
      request.method === 'GET' && url.pathname.includes('/blobs/')
        ? new Response(new Uint8Array(sizeOf(url.pathname)))
        : undefined;
    await using mirror = registryWith({ script: lie });
    await using server = registryWith({ script: lie });
    const { repository } = open(siteOf(server), [siteOf(mirror)]);
    const copying = copyGraph(image.root, { from: repository, to: new MemoryStore() });
    await expect(copying).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' });
    expect(server.lines().length).toBeLessThan(10);
  });

  test('stops when it is cancelled, without asking the next', async () => {
    const stop = new AbortController();
    await using mirror = startFakeRegistry({
      async script() {
        stop.abort();
        return Promise.withResolvers<Response>().promise;
      },
    });
    await using server = registryWith();
    const { repository } = open(siteOf(server), [siteOf(mirror)]);
    const asking = repository.resolve('1', { signal: stop.signal });
    await expect(asking).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(server.lines()).toEqual([]);
  });

  test.each(['AWS', 'AWS_IDENTITY'] as const)(
    'goes on at the next host when no login can be made for a mirror: %s',
    async (code) => {
      const script: Script = () =>
        new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } });
      await using mirror = startFakeRegistry({ script });
      await using server = registryWith();
      const keychain = {
        async credential(registry: string) {
          if (registry === mirror.host) throw new FinchError(code, 'nobody is known');
          return undefined;
        },
      };
      const { repository } = open(siteOf(server), [siteOf(mirror)], { keychain });
      for (let i = 0; i < 2; i += 1)
        expect((await repository.resolve('1'))?.size).toBeGreaterThan(0);
      expect(mirror.requests).toHaveLength(1);
    },
  );

  test('ends at once when our own logins cannot be read', async () => {
    await using mirror = startFakeRegistry({
      script: () =>
        new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic realm="m"' } }),
    });
    await using server = registryWith();
    const credential = () => Promise.reject(new FinchError('CONFIG_INVALID', 'broken'));
    const { repository } = open(siteOf(server), [siteOf(mirror)], { keychain: { credential } });
    await expect(repository.resolve('1')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(server.lines()).toEqual([]);
  });

  test('fails when no host may say what a tag names', async () => {
    await using server = registryWith();
    const { repository } = open(siteOf(server, 'pull'), [siteOf(server, 'pull')]);
    await expect(repository.resolve('1')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'no host may do this: pull and resolve',
    });
  });

  test('calls only the registry itself insecure, not its mirrors', async () => {
    await using server = registryWith();
    await using mirror = startFakeRegistry();
    const http = siteOf(mirror);
    const { repository, sent } = open(
      { ...defaultSite(server.host) },
      [{ ...http, protocol: 'https:' }],
      { insecure: true },
    );
    await repository.resolve('1');
    const shown = sent.map(({ url, insecure }) => `${url.protocol}//${url.host} ${insecure}`);
    expect(shown).toEqual([
      `https://${mirror.host} false`,
      `https://${server.host} true`,
      `http://${server.host} false`,
    ]);
  });
});

describe('a push', () => {
  const { descriptor, bytes } = layerOf(1000, 2);
  const pushTo = async ({ repository }: Opened) =>
    repository.write(descriptor, memoryContent(bytes));

  test('goes to the registry itself, past mirrors that may only be read', async () => {
    await using mirror = startFakeRegistry();
    await using server = startFakeRegistry();
    const opened = open(siteOf(server), [siteOf(mirror, 'pull', 'resolve')], { access: 'push' });
    await pushTo(opened);
    expect([mirror.blobs.size, server.blobs.size, opened.notes]).toEqual([0, 1, []]);
  });

  test('goes to the first host that may be pushed to, and says so when that is another', async () => {
    await using first = startFakeRegistry();
    await using second = startFakeRegistry();
    await using server = startFakeRegistry();
    const mirrors = [siteOf(first, 'pull'), siteOf(second)];
    const opened = open(siteOf(server), mirrors, { access: 'push' });
    await pushTo(opened);
    const sizes = [first, second, server].map(({ blobs }: FakeRegistry) => blobs.size);
    expect(sizes).toEqual([0, 1, 0]);
    expect(opened.notes).toEqual([
      `what goes to ${server.host} is pushed to ${second.host}, as /c/hosts.toml says`,
    ]);
  });

  test('is refused when no host may be pushed to', () => {
    expect(() => open(siteOf({ host: 'r.test' }, 'pull'), [], { access: 'push' })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        hint: 'add "push" to the capabilities of one in /c/hosts.toml',
      }),
    );
  });
});

/** A host that sends the beginning of every blob, and refuses to go on, or `always` sends it again. */
function breaksOff(beginning: Uint8Array, size: number, { always = false } = {}): Promise<BadPeer> {
  return startBadPeer(({ headers }) => {
    if (headers['range'] !== undefined && !always) return httpAnswer(400);
    const head = httpAnswer(200, { headers: { 'content-length': `${size}` } });
    return Buffer.concat([Buffer.from(head), beginning]);
  });
}

/** The size of the blob that an address names. */
function sizeOf(path: string): number {
  const digest = path.split('/').at(-1);
  return image.order.find((one) => one.digest === digest)?.size ?? 0;
}
