import { expect, test } from 'bun:test';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FinchError } from '../../src/errors.ts';
import { currentOwner, ingestOwner } from '../../src/host/owner.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { type ServedRequest, serveRegistry } from '../../src/server/serve-registry.ts';
import { buildImage } from '../support/images.ts';
import { outcome, push, putBlob, putDocument, serve } from './served.ts';

const image = buildImage();

test('the registry says that it is one', async () => {
  await using registry = await serve();
  const response = await fetch(`${registry.url}/v2/`);
  expect(response.status).toBe(200);
  expect(response.headers.get('docker-distribution-api-version')).toBe('registry/2.0');
  expect(await response.json()).toEqual({});
});

test('a path or a method that the API does not have is refused in its own words', async () => {
  await using registry = await serve();
  const get = async (path: string, method = 'GET') => {
    const response = await fetch(`${registry.url}${path}`, { method });
    return [...(await outcome(response)), response.headers.get('allow')];
  };
  expect(await get('/')).toEqual([404, 'UNSUPPORTED', null]);
  expect(await get('/v2/x/nothing')).toEqual([404, 'UNSUPPORTED', null]);
  expect(await get('/v2/', 'POST')).toEqual([405, 'UNSUPPORTED', 'GET, HEAD']);
  expect(await get('/v2/x/blobs/uploads/')).toEqual([405, 'UNSUPPORTED', 'POST']);
  expect(await get('/v2/x/manifests/1', 'PATCH')).toEqual([
    405,
    'UNSUPPORTED',
    'GET, HEAD, PUT, DELETE',
  ]);
});

test('a read-only registry can be pulled from and not written to', async () => {
  await using writable = await serve();
  await push(writable.url, 'hello:1', image);
  const server = await serveRegistry(writable.store, {
    hostname: '127.0.0.1',
    port: 0,
    readOnly: true,
  });
  try {
    const { url } = server;
    const [layer] = image.order;
    expect((await fetch(`${url}/v2/hello/manifests/1`)).status).toBe(200);
    expect((await fetch(`${url}/v2/hello/blobs/${layer?.digest}`)).status).toBe(200);
    const bytes = new Uint8Array(1);
    for (const refused of [
      putBlob(url, digestOf(bytes), bytes),
      putDocument(`${url}/v2/hello/manifests/2`, bytes, image.root),
      fetch(`${url}/v2/hello/blobs/uploads/`, { method: 'POST' }),
      fetch(`${url}/v2/hello/blobs/uploads/1`, { method: 'PATCH', body: bytes }),
      fetch(`${url}/v2/hello/manifests/1`, { method: 'DELETE' }),
      fetch(`${url}/v2/hello/blobs/${layer?.digest}`, { method: 'DELETE' }),
    ]) {
      expect(await outcome(await refused)).toEqual([405, 'UNSUPPORTED']);
    }
  } finally {
    await server.stop();
  }
});

test('an address that other machines can reach needs leave', async () => {
  await using registry = await serve();
  for (const hostname of ['0.0.0.0', '::', '192.168.1.5', 'example.com', '127.evil.example', '']) {
    const refused = serveRegistry(registry.store, { hostname, port: 0 });
    expect(await refused.catch((error) => error)).toMatchObject({ code: 'USAGE' });
  }
  const options = { hostname: '0.0.0.0', port: 0, allowRemote: true };
  const server = await serveRegistry(registry.store, options);
  expect((await fetch(`http://127.0.0.1:${server.port}/v2/`)).status).toBe(200);
  await server.stop();
});

test('the registry listens on the IPv6 loopback address, with or without brackets', async () => {
  await using registry = await serve();
  for (const hostname of ['::1', '[::1]']) {
    const server = await serveRegistry(registry.store, { hostname, port: 0 });
    expect(server.url).toBe(`http://[::1]:${server.port}`);
    expect((await fetch(`${server.url}/v2/`)).status).toBe(200);
    await server.stop();
  }
});

test('a port in use is an error with a hint', async () => {
  await using registry = await serve();
  const { port, store } = registry;
  const error = await serveRegistry(store, { hostname: '127.0.0.1', port }).catch((e) => e);
  expect(error).toBeInstanceOf(FinchError);
  expect(error).toMatchObject({
    code: 'IO',
    message: `cannot listen on 127.0.0.1, port ${port}`,
    hint: expect.stringContaining('--listen'),
  });
});

test('every answer is reported', async () => {
  const seen: ServedRequest[] = [];
  await using registry = await serve({ onRequest: (request) => seen.push(request) });
  await fetch(`${registry.url}/v2/`);
  await fetch(`${registry.url}/v2/x/tags/list?n=1`, { method: 'HEAD' });
  expect(seen).toEqual([
    { method: 'GET', path: '/v2/', status: 200, durationMs: expect.any(Number) },
    { method: 'HEAD', path: '/v2/x/tags/list?n=1', status: 404, durationMs: expect.any(Number) },
  ]);
});

test('what goes wrong inside is reported to the owner and not to the client', async () => {
  const seen: ServedRequest[] = [];
  await using registry = await serve({ onRequest: (request) => seen.push(request) });
  const secret = new Error('secret /home/me');
  const broken = new Proxy(registry.store, {
    get(store, key) {
      if (key === 'names') throw secret;
      const member: unknown = Reflect.get(store, key);
      return typeof member === 'function' ? member.bind(store) : member;
    },
  });
  const server = await serveRegistry(broken, {
    hostname: '127.0.0.1',
    port: 0,
    onRequest: (request) => seen.push(request),
  });
  const response = await fetch(`${server.url}/v2/_catalog`);
  expect(response.status).toBe(500);
  const text = await response.text();
  expect(JSON.parse(text)).toMatchObject({ errors: [{ code: 'UNKNOWN' }] });
  expect(text).not.toContain('secret');
  expect(seen.at(-1)).toMatchObject({ status: 500, error: secret });
  await server.stop();
});

test('stop() closes the port, ends uploads and gives up what no name reaches', async () => {
  await using registry = await serve();
  const { url, store } = registry;
  const bytes = new TextEncoder().encode('nobody names me');
  await putBlob(url, digestOf(bytes), bytes);
  await push(url, 'hello:1', image);
  const begun = await fetch(`${url}/v2/x/blobs/uploads/`, { method: 'POST' });
  await fetch(`${url}${begun.headers.get('location')}`, { method: 'PATCH', body: 'half' });
  expect((await store.collect()).digests).toEqual([]);
  await registry.stop();
  expect(await fetch(`${url}/v2/`).catch(() => 'refused')).toBe('refused');
  expect(await readdir(join(store.path, 'uploads'))).toEqual([]);
  expect((await store.collect()).digests).toEqual([digestOf(bytes)]);
});

test('stop() lets a request that runs finish', async () => {
  await using registry = await serve();
  const large = new Uint8Array(32 * 1024 * 1024).fill(1);
  await putBlob(registry.url, digestOf(large), large);
  const response = await fetch(`${registry.url}/v2/x/blobs/${digestOf(large)}`);
  const stopped = registry.stop();
  expect(digestOf(await response.bytes())).toBe(digestOf(large));
  await stopped;
});

test('the file of an upload says whose it is', async () => {
  await using registry = await serve();
  await fetch(`${registry.url}/v2/x/blobs/uploads/`, { method: 'POST' });
  const files = await readdir(join(registry.store.path, 'uploads'));
  expect(files.map(ingestOwner)).toEqual([currentOwner()]);
});
