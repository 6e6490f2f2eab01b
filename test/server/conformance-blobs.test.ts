import { describe, expect, test } from 'bun:test';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { algorithms, bytesOf, expectContent, expectDeleted, located, send } from './requests.ts';
import { outcome, type Served, serve } from './served.ts';

// What the distribution specification asks of a registry's blobs, one case each, for both algorithms.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-blobs

const BLOB = bytesOf('0123456789abcdefghijklmnopqrstuvwxyz');

/** Begins an upload; its location. */
async function begin({ url }: Served, query = ''): Promise<string> {
  const response = await send(`${url}/v2/some/repo/blobs/uploads/${query}`, 'POST');
  expect(response.status).toBe(202);
  return located(url, response);
}

function finish(location: string, digest: Digest, body?: Uint8Array, headers = {}) {
  const url = new URL(location);
  url.searchParams.set('digest', digest);
  return send(url.href, 'PUT', body, headers);
}

/** Sends chunks of 10 bytes; the last one with the `PUT` when asked to. */
async function inChunks(
  registry: Served,
  digest: Digest,
  { bytes = BLOB, lastWithPut = false, outOfOrder = false } = {},
): Promise<Response> {
  let location = await begin(registry);
  const chunk = (start: number) => {
    const body = bytes.slice(start, start + 10);
    const headers = { 'content-range': `${start}-${start + body.length - 1}` };
    const isLast = lastWithPut && start + body.length === bytes.length;
    return isLast
      ? finish(location, digest, body, headers)
      : send(location, 'PATCH', body, headers);
  };
  for (let start = 0; start < bytes.length; start += 10) {
    if (outOfOrder) {
      expect((await chunk(start + 10 < bytes.length ? start + 10 : 0)).status).toBe(416);
      const status = await send(location, 'GET');
      expect(status.status).toBe(204);
      expect(status.headers.get('range')).toBe(`0-${Math.max(0, start - 1)}`);
      location = located(registry.url, status);
    }
    const response = await chunk(start);
    if (response.status !== 202) return response;
    expect(response.headers.get('range')).toBe(`0-${Math.min(start + 10, bytes.length) - 1}`);
    location = located(registry.url, response);
  }
  return finish(location, digest);
}

/** Every way to push a blob. */
const pushes: Readonly<
  Record<string, (registry: Served, digest: Digest, bytes: Uint8Array) => Promise<Response>>
> = {
  'one POST': ({ url }, digest, bytes) =>
    send(`${url}/v2/some/repo/blobs/uploads/?digest=${digest}`, 'POST', bytes),
  'POST and PUT': async (registry, digest, bytes) => finish(await begin(registry), digest, bytes),
  'one chunk': async (registry, digest, bytes) => {
    const headers = { 'content-range': `0-${bytes.length - 1}` };
    const patched = await send(await begin(registry), 'PATCH', bytes, headers);
    expect(patched.status).toBe(202);
    return finish(located(registry.url, patched), digest);
  },
  chunks: (registry, digest, bytes) => inChunks(registry, digest, { bytes }),
  'chunks, the last with the PUT': (registry, digest, bytes) =>
    inChunks(registry, digest, { bytes, lastWithPut: true }),
  'chunks, each after one out of order': (registry, digest, bytes) =>
    inChunks(registry, digest, { bytes, outOfOrder: true }),
  'chunks, the last with the PUT and each after one out of order': (registry, digest, bytes) =>
    inChunks(registry, digest, { bytes, outOfOrder: true, lastWithPut: true }),
  'a stream': async (registry, digest, bytes) => {
    const body = new Blob([bytes]).stream();
    const patched = await fetch(await begin(registry), { method: 'PATCH', body });
    expect(patched.status).toBe(202);
    return finish(located(registry.url, patched), digest);
  },
  'POST with the name of the algorithm, and PUT': async (registry, digest, bytes) =>
    finish(await begin(registry, `?digest-algorithm=${digest.split(':')[0]}`), digest, bytes),
};

async function expectBlobCycle({ url }: Served, pushed: Response, blob: Descriptor) {
  expect(pushed.status).toBe(201);
  expect(pushed.headers.get('docker-content-digest')).toBe(blob.digest);
  await expectContent(located(url, pushed), blob);
  await expectDeleted(`${url}/v2/some/repo/blobs/${blob.digest}`);
}

describe.each(algorithms)('blobs named by %s', (algorithm) => {
  const blobOf = (bytes: Uint8Array): Descriptor => ({
    mediaType: 'application/octet-stream',
    digest: digestOf(bytes, algorithm),
    size: bytes.length,
  });
  const blob = blobOf(BLOB);

  test.each(Object.keys(pushes))('are pushed by %s', async (way) => {
    await using registry = await serve();
    const pushed = await pushes[way]?.(registry, blob.digest, BLOB);
    if (pushed) await expectBlobCycle(registry, pushed, blob);
  });

  test.each(Object.keys(pushes))('are refused when other bytes come by %s', async (way) => {
    await using registry = await serve();
    const other = bytesOf(`${new TextDecoder().decode(BLOB)}oh no`);
    const pushed = await pushes[way]?.(registry, blob.digest, other);
    expect(pushed && (await outcome(pushed))).toEqual([400, 'DIGEST_INVALID']);
    const url = `${registry.url}/v2/some/repo/blobs/${blob.digest}`;
    expect((await send(url, 'GET')).status).toBe(404);
  });

  test.each([
    ['nothing', new Uint8Array()],
    ['{}', bytesOf('{}')],
  ])('may hold %s', async (_, bytes) => {
    await using registry = await serve();
    for (const way of ['one POST', 'POST and PUT', 'a stream']) {
      const named = blobOf(bytes);
      const pushed = await pushes[way]?.(registry, named.digest, bytes);
      if (pushed) await expectBlobCycle(registry, pushed, named);
    }
  });

  test('are mounted when they are here, with and without a source, and else uploaded', async () => {
    await using registry = await serve();
    const { url } = registry;
    const mount = (query: string) =>
      send(`${url}/v2/other/blobs/uploads/?mount=${blob.digest}${query}`, 'POST');
    const missing = await mount('&from=some/repo');
    expect(missing.status).toBe(202);
    const pushed = await finish(located(url, missing), blob.digest, BLOB);
    expect(pushed.status).toBe(201);
    for (const query of ['', '&from=some/repo']) {
      const mounted = await mount(query);
      expect(mounted.status).toBe(201);
      expect(mounted.headers.get('docker-content-digest')).toBe(blob.digest);
      await expectContent(located(url, mounted), blob);
    }
    for (const repository of ['other', 'some/repo']) {
      await expectDeleted(`${url}/v2/${repository}/blobs/${blob.digest}`);
    }
  });

  test('can be cancelled while they are uploaded', async () => {
    await using registry = await serve();
    const location = await begin(registry);
    expect((await send(location, 'DELETE')).status).toBe(204);
    expect((await send(location, 'GET')).status).toBe(404);
  });

  test('are sent in parts', async () => {
    await using registry = await serve();
    const pushed = await pushes['one POST']?.(registry, blob.digest, BLOB);
    const part = async (range: string) => {
      const url = located(registry.url, pushed ?? new Response());
      const response = await send(url, 'GET', undefined, { range: `bytes=${range}` });
      const { status, headers } = response;
      const text = status === 416 ? '' : await response.text();
      return [status, text, headers.get('content-range')];
    };
    expect(await part('5-14')).toEqual([206, '56789abcde', 'bytes 5-14/36']);
    expect(await part('30-')).toEqual([206, 'uvwxyz', 'bytes 30-35/36']);
    expect(await part('-5')).toEqual([206, 'vwxyz', 'bytes 31-35/36']);
    expect(await part('34-90')).toEqual([206, 'yz', 'bytes 34-35/36']);
    expect(await part('5-0')).toEqual([416, '', 'bytes */36']);
    expect(await part('50-90')).toEqual([416, '', 'bytes */36']);
  });
});
