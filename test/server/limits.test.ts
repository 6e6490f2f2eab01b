import { expect, test } from 'bun:test';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../src/oci/digest.ts';
import { MAX_DOCUMENT_BYTES } from '../../src/oci/json.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { serveRegistry } from '../../src/server/serve-registry.ts';
import { UploadSessions } from '../../src/server/upload-sessions.ts';
import { buildImage } from '../support/images.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { eventually, head, reply, send, startUpload } from './raw-client.ts';
import { outcome, push, serve } from './served.ts';

const bytes = new TextEncoder().encode('0123456789');
const digest = digestOf(bytes);

test('too many open uploads are refused until one has been idle for a minute', async () => {
  let now = new Date('2026-01-01T00:00:00Z');
  await using registry = await serve({ now: () => now, limits: { uploads: 2 } });
  const begin = () => fetch(`${registry.url}/v2/x/blobs/uploads/`, { method: 'POST' });
  const [older, newer] = [await startUpload(registry), await startUpload(registry)];
  const refused = await begin();
  expect(refused.headers.get('retry-after')).toBe('10');
  expect(await outcome(refused)).toEqual([429, 'TOOMANYREQUESTS']);
  now = new Date('2026-01-01T00:00:30Z');
  expect((await fetch(older, { method: 'PATCH', body: '0123' })).status).toBe(202);
  now = new Date('2026-01-01T00:01:10Z');
  expect((await begin()).status).toBe(202);
  expect((await fetch(newer)).status).toBe(404);
  expect((await fetch(older)).headers.get('range')).toBe('0-3');
  expect((await begin()).status).toBe(429);
  expect(await readdir(join(registry.store.path, 'uploads'))).toHaveLength(2);
});

test('uploads that begin together are counted together', async () => {
  await using registry = await serve({ limits: { uploads: 5 } });
  const begun = await Promise.all(
    Array.from({ length: 20 }, () =>
      fetch(`${registry.url}/v2/x/blobs/uploads/`, { method: 'POST' }),
    ),
  );
  expect(begun.filter(({ status }) => status === 202)).toHaveLength(5);
});

test('as many uploads as there may be can begin together', async () => {
  await using folder = await temporaryFolder();
  const limits = { uploads: 3, abandonedMs: 60_000 };
  const uploads = new UploadSessions(folder.path, { now: () => new Date(), limits });
  const begun = await Promise.allSettled(
    Array.from({ length: 50 }, () => uploads.start('x', 'sha256')),
  );
  expect(begun.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  expect(await readdir(folder.path)).toHaveLength(3);
});

test('a connection is closed that is silent after a request, and not one that waits for the server', async () => {
  await using place = await serve();
  const image = buildImage();
  await push(place.url, 'x:1', image);
  const closed = Promise.withResolvers<string>();
  const slow = new Proxy(place.store, {
    get(store, key) {
      if (key === 'has') return () => closed.promise.then(() => true);
      const value: unknown = Reflect.get(store, key);
      return typeof value === 'function' ? value.bind(store) : value;
    },
  });
  const limits = { idleMs: 1000 };
  const server = await serveRegistry(slow, { hostname: '127.0.0.1', port: 0, limits });
  const url = `${server.url}/v2/x/blobs/${image.order[0]?.digest}`;
  const waiting = fetch(url, { method: 'HEAD' });
  const start = head('POST', `${server.url}/v2/x/blobs/uploads/`, 'Content-Length: 4');
  const socket = await send(server, `${start}0123`);
  void reply(socket).then(closed.resolve);
  expect(await closed.promise).toStartWith('HTTP/1.1 202 ');
  expect((await waiting).status).toBe(200);
  await server.stop();
}, 20_000);

test('what the disk has no space for is refused before it comes, and the upload can go on', async () => {
  await using registry = await serve();
  const location = await startUpload(registry);
  const fields = ['Content-Length: 1000000000000000', 'Connection: close'];
  for (const url of [location, `${registry.url}/v2/x/blobs/uploads/?digest=${digest}`]) {
    const method = url === location ? 'PATCH' : 'POST';
    const text = await reply(await send(registry, head(method, url, ...fields)));
    expect(text).toStartWith('HTTP/1.1 507 ');
    expect(JSON.parse(text.slice(text.indexOf('{')))).toEqual({
      errors: [
        {
          code: 'UNKNOWN',
          message: 'the registry has no space left on its disk',
          detail: { reason: 'no space left' },
        },
      ],
    });
    expect(text).not.toContain(registry.store.path);
  }
  const put = await fetch(`${location}?digest=${digest}`, { method: 'PUT', body: bytes });
  expect(put.status).toBe(201);
  expect(await readdir(join(registry.store.path, 'uploads'))).toEqual([]);
});

test('a body that stops coming is given up, and what came of it stays', async () => {
  await using registry = await serve({ limits: { idleMs: 30 } });
  const location = await startUpload(registry);
  const request = head('PATCH', location, 'Content-Length: 10');
  const text = await reply(await send(registry, `${request}0123`));
  expect(text).toStartWith('HTTP/1.1 408 ');
  expect(text).toContain('came too slowly');
  const status = await fetch(location);
  expect([status.status, status.headers.get('range')]).toEqual([204, '0-3']);
  const put = await fetch(`${location}?digest=${digest}`, {
    method: 'PUT',
    body: '456789',
    headers: { 'content-range': '4-9' },
  });
  expect(put.status).toBe(201);
});

test('a body that comes a byte at a time is given up', async () => {
  await using registry = await serve({ limits: { idleMs: 50, minimumRate: 1e9 } });
  const location = await startUpload(registry);
  const socket = await send(registry, head('PATCH', location, 'Content-Length: 1000000'));
  const drip = setInterval(() => socket.write('x'), 2);
  const text = await reply(socket);
  clearInterval(drip);
  expect(text).toStartWith('HTTP/1.1 408 ');
});

test('a manifest that comes too slowly, or is too large however it comes, is refused', async () => {
  await using registry = await serve({ limits: { idleMs: 200 } });
  const url = `${registry.url}/v2/x/manifests/1`;
  const slow = await send(registry, head('PUT', url, 'Content-Length: 10'));
  expect(await reply(slow)).toStartWith('HTTP/1.1 408 ');
  const large = new Uint8Array(MAX_DOCUMENT_BYTES + 1).fill(32);
  const headers = { 'content-type': mediaTypes.manifest };
  for (const body of [large, new Blob([large]).stream()]) {
    const refused = await fetch(url, { method: 'PUT', body, headers });
    expect(await outcome(refused)).toEqual([413, 'SIZE_INVALID']);
  }
});

test('requests beyond the limit are told to come again', async () => {
  await using registry = await serve({ limits: { requests: 1 } });
  const location = await startUpload(registry);
  const request = head('PATCH', location, 'Content-Length: 10');
  const socket = await send(registry, request);
  const status = async () => (await fetch(`${registry.url}/v2/`)).status;
  await eventually(status, 429);
  const refused = await fetch(`${registry.url}/v2/`);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(await outcome(refused)).toEqual([429, 'TOOMANYREQUESTS']);
  socket.destroy();
  await eventually(status, 200);
});

test('a head that is too large is refused', async () => {
  await using registry = await serve();
  const url = `${registry.url}/v2/`;
  const long = 'a'.repeat(20_000);
  const many = Array.from({ length: 300 }, (_, i) => `X-${i}: a`);
  for (const request of [
    head('GET', `${url}${long}`),
    head('GET', url, `X: ${long}`),
    head('GET', url, ...many),
  ]) {
    expect(await reply(await send(registry, request))).toStartWith('HTTP/1.1 431 ');
  }
  expect((await fetch(url)).status).toBe(200);
});
