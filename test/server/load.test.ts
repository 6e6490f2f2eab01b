import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../src/oci/digest.ts';
import { serveRegistry } from '../../src/server/serve-registry.ts';
import { buildImage, layerTar } from '../support/images.ts';
import { eventually, head, reply, send, startUpload } from './raw-client.ts';
import { push, putBlob, type Served, serve } from './served.ts';

const image = buildImage();

test('a thousand connections at once are all answered', async () => {
  await using registry = await serve();
  await push(registry.url, 'hello:1', image);
  const url = `${registry.url}/v2/hello/manifests/1`;
  const sockets = await Promise.all(Array.from({ length: 1000 }, () => send(registry, 'GET /v2/')));
  const replies = sockets.map(reply);
  const rest = head('GET', url, 'Connection: close').slice('GET /v2/'.length);
  for (const socket of sockets) socket.write(rest);
  const statuses = new Set((await Promise.all(replies)).map((text) => text.split('\r\n')[0]));
  expect([...statuses]).toEqual(['HTTP/1.1 200 OK']);
});

test('what a deleted image alone needed is freed soon, without another request', async () => {
  await using registry = await serve();
  await push(registry.url, 'hello:1', image);
  await push(registry.url, 'other:1', buildImage({ layers: [layerTar('another')] }));
  const blobs = () => readdir(join(registry.store.path, 'blobs', 'sha256'));
  const all = (await blobs()).length;
  const url = `${registry.url}/v2/hello/manifests/${image.root.digest}`;
  expect((await fetch(url, { method: 'DELETE' })).status).toBe(202);
  await eventually(async () => (await blobs()).length < all, true);
  expect((await fetch(`${registry.url}/v2/other/manifests/1`)).status).toBe(200);
  await eventually(async () => (await readdir(join(registry.store.path, 'trash'))).length, 0);
});

test('content that was asked about and never named is forgotten after a while', async () => {
  await using registry = await serve({ limits: { unnamedMs: 20 } });
  const bytes = new TextEncoder().encode('nobody names me');
  const digest = digestOf(bytes);
  await putBlob(registry.url, digest, bytes);
  expect(leaseRows(registry)).toBe(1);
  await eventually(() => leaseRows(registry), 0);
  await eventually(async () => registry.store.stat(digest) === undefined, true);
});

test('many requests leave no rows and no files behind', async () => {
  await using registry = await serve();
  await push(registry.url, 'hello:1', image);
  const { url } = registry;
  const [layer] = image.order;
  for (let i = 0; i < 50; i++) {
    await Promise.all([
      fetch(`${url}/v2/hello/blobs/${layer?.digest}`).then((r) => r.bytes()),
      fetch(`${url}/v2/hello/blobs/${digestOf(new Uint8Array([i]))}`, { method: 'HEAD' }),
      fetch(`${url}/v2/hello/tags/list`).then((r) => r.bytes()),
      fetch(await startUpload(registry), { method: 'DELETE' }),
      putBlob(url, digestOf(new Uint8Array([i])), new Uint8Array(2)),
    ]);
  }
  expect(leaseRows(registry)).toBe(0);
  for (const folder of ['uploads', 'ingest', 'trash']) {
    expect(await readdir(join(registry.store.path, folder))).toEqual([]);
  }
});

test('stop() does not wait for a client that stopped sending, and its upload leaves no file', async () => {
  await using registry = await serve({ limits: { graceMs: 20 } });
  const location = await startUpload(registry);
  const socket = await send(registry, `${head('PATCH', location, 'Content-Length: 10')}0123`);
  const closed = reply(socket);
  const range = async () => (await fetch(location)).headers.get('range');
  await eventually(range, '0-3');
  await registry.stop();
  await closed;
  expect(await readdir(join(registry.store.path, 'uploads'))).toEqual([]);
  expect(await fetch(location).catch(() => 'refused')).toBe('refused');
});

test('stop() lets an upload that goes on end well', async () => {
  await using registry = await serve();
  const bytes = new TextEncoder().encode('0123456789');
  const digest = digestOf(bytes);
  const location = `${await startUpload(registry)}?digest=${digest}`;
  const fields = ['Content-Length: 10', 'Connection: close'];
  const socket = await send(registry, `${head('PUT', location, ...fields)}0123`);
  const text = reply(socket);
  const status = async () => (await fetch(location, { method: 'PATCH', body: '' })).status;
  await eventually(status, 409);
  const stopped = registry.stop();
  socket.write('456789');
  expect(await text).toStartWith('HTTP/1.1 201 ');
  await stopped;
  expect(registry.store.stat(digest)?.size).toBe(10);
});

test('two servers of one store show each other what is pushed and deleted', async () => {
  await using registry = await serve();
  const second = await serveRegistry(registry.store, { hostname: '127.0.0.1', port: 0 });
  try {
    await push(registry.url, 'hello:1', image);
    const url = `${second.url}/v2/hello/manifests/1`;
    expect((await fetch(url)).status).toBe(200);
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(202);
    expect((await fetch(`${registry.url}/v2/hello/manifests/1`)).status).toBe(404);
    // An upload belongs to the server where it began.
    const elsewhere = (await startUpload(registry)).replace(registry.url, second.url);
    expect((await fetch(elsewhere)).status).toBe(404);
  } finally {
    await second.stop();
  }
});

function leaseRows({ store }: Served): number {
  using database = new Database(join(store.path, 'meta.db'), { readonly: true });
  const row = database.query<{ n: number }, []>('SELECT count(*) AS n FROM lease_blobs').get();
  return row?.n ?? 0;
}
