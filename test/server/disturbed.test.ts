import { expect, test } from 'bun:test';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../src/oci/digest.ts';
import { eventually, head, reply, send, startUpload } from './raw-client.ts';
import { outcome, putBlob, type Served, serve } from './served.ts';

const bytes = new TextEncoder().encode('0123456789');
const digest = digestOf(bytes);

test('what came before the client went away stays, and the upload can go on', async () => {
  await using registry = await serve();
  const location = await startUpload(registry);
  const range = async () => (await fetch(location)).headers.get('range');
  for (const length of ['Content-Length: 10', 'Content-Length: 6\r\nContent-Range: 4-9']) {
    const headers = `PATCH ${new URL(location).pathname} HTTP/1.1\r\nHost: 127.0.0.1\r\n${length}\r\n\r\n`;
    const part = length.includes('Range') ? '45' : '0123';
    const socket = await send(registry, headers + part);
    await eventually(range, length.includes('Range') ? '0-5' : '0-3');
    const second = await fetch(location, { method: 'PATCH', body: 'no' });
    expect(await outcome(second)).toEqual([409, 'BLOB_UPLOAD_INVALID']);
    socket.destroy();
    const free = async () => (await fetch(location, { method: 'PATCH', body: '' })).status;
    await eventually(free, 202);
  }
  const rest = await fetch(`${location}?digest=${digest}`, { method: 'PUT', body: '6789' });
  expect(rest.status).toBe(201);
});

test('an upload can be given up while another request still sends to it', async () => {
  await using registry = await serve();
  const location = await startUpload(registry);
  const socket = await send(registry, `${head('PATCH', location, 'Content-Length: 10')}0123`);
  const answer = new Promise<string>((resolve) =>
    socket.once('data', (data) => resolve(`${data}`)),
  );
  await eventually(async () => (await fetch(location)).headers.get('range'), '0-3');
  expect((await fetch(location, { method: 'DELETE' })).status).toBe(204);
  expect(await answer).toStartWith('HTTP/1.1 404 ');
  socket.destroy();
  expect((await fetch(location)).status).toBe(404);
  expect(await readdir(join(registry.store.path, 'uploads'))).toEqual([]);
});

test('the closing PUT of an upload can be sent again when its answer was lost', async () => {
  await using registry = await serve();
  const location = await startUpload(registry);
  for (const body of ['0123456789', '0123456789', '']) {
    const put = await fetch(`${location}?digest=${digest}`, { method: 'PUT', body });
    expect(put.status).toBe(201);
    expect(put.headers.get('docker-content-digest')).toBe(digest);
  }
});

test('an upload whose file is gone is known no more', async () => {
  await using registry = await serve();
  const location = await startUpload(registry);
  await fetch(location, { method: 'PATCH', body: '0123' });
  const folder = join(registry.store.path, 'uploads');
  for (const file of await readdir(folder)) await rm(join(folder, file));
  for (let i = 0; i < 2; i++) {
    const put = await fetch(`${location}?digest=${digest}`, { method: 'PUT', body: '456789' });
    expect(await outcome(put)).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
  }
});

test('an upload can be finished after its closing PUT was cut off', async () => {
  const statuses: number[] = [];
  await using registry = await serve({ onRequest: ({ status }) => statuses.push(status) });
  const location = await startUpload(registry);
  const path = `${new URL(location).pathname}?digest=${digest}`;
  const socket = await send(
    registry,
    `PUT ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n0123`,
  );
  const busy = async () => (await fetch(location, { method: 'PATCH', body: '' })).status;
  await eventually(busy, 409);
  socket.destroy();
  await eventually(busy, 202);
  const again = await fetch(`${location}?digest=${digest}`, { method: 'PUT', body: bytes });
  expect(again.status).toBe(201);
  expect(statuses).toContain(499);
  expect(statuses).not.toContain(500);
});

test('what came of a closing PUT that was cut off stays for who asks how much that is', async () => {
  await using registry = await serve();
  const location = await startUpload(registry);
  const path = `${new URL(location).pathname}?digest=${digest}`;
  const socket = await send(
    registry,
    `PUT ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n0123`,
  );
  const range = async () => (await fetch(location)).headers.get('range');
  await eventually(range, '0-3');
  socket.destroy();
  const rest = async () => {
    const headers = { 'content-range': '4-9' };
    const body = '456789';
    return (await fetch(`${location}?digest=${digest}`, { method: 'PUT', headers, body })).status;
  };
  await eventually(async () => (await range()) && rest(), 201);
});

test('a client that goes away in the middle of a download harms nobody', async () => {
  await using registry = await serve();
  const large = new Uint8Array(8 * 1024 * 1024).fill(7);
  const name = digestOf(large);
  await putBlob(registry.url, name, large);
  const request = `GET /v2/x/blobs/${name} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
  for (let i = 0; i < 10; i++) {
    const socket = await send(registry, request);
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
  }
  const whole = await fetch(`${registry.url}/v2/x/blobs/${name}`);
  expect(digestOf(await whole.bytes())).toBe(name);
});

test('more bytes than the Content-Length says are not part of the blob', async () => {
  await using registry = await serve();
  const socket = await send(
    registry,
    `POST /v2/x/blobs/uploads/?digest=${digest} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n` +
      '0123456789and some more\r\n\r\n',
  );
  expect(await reply(socket)).toMatch(/^HTTP\/1.1 (?:201|400) /);
  await putBlob(registry.url, digest, bytes);
  const response = await fetch(`${registry.url}/v2/x/blobs/${digest}`);
  expect(await response.text()).toBe('0123456789');
});

test('what is no request of HTTP is answered without a stack trace', async () => {
  await using registry = await serve();
  for (const request of ['GET //evil/v2 HTTP/1.1\r\nHost: bad host\r\n', 'nonsense\r\n']) {
    const socket = await send(registry, `${request}Connection: close\r\n\r\n`);
    const text = await reply(socket);
    expect(text).toMatch(/^HTTP\/1.1 4\d\d /);
    expect(text).not.toMatch(/\.ts|stack|<html/);
  }
  expect((await fetch(`${registry.url}/v2/`)).status).toBe(200);
});

test('a request that does not say whom it asks is told so', async () => {
  await using registry = await serve();
  for (const request of ['GET /v2/ HTTP/1.0\r\n', 'GET /v2/ HTTP/1.1\r\nHost: a b\r\n']) {
    const text = await reply(await send(registry, `${request}Connection: close\r\n\r\n`));
    expect(text).toStartWith('HTTP/1.1 400 ');
    expect(text).toContain('Host');
  }
});

test('a hundred clients at once are all served', async () => {
  await using registry = await serve();
  const blobs = Array.from({ length: 100 }, (_, i) => new Uint8Array(100_000).fill(i));
  const pushed = await Promise.all(
    blobs.map((blob, i) =>
      i % 2 === 0 ? putBlob(registry.url, digestOf(blob), blob) : putInTwo(registry, blob),
    ),
  );
  expect(pushed.map(({ status }) => status)).toEqual(blobs.map(() => 201));
  const pulled = await Promise.all(
    blobs.map((blob) => fetch(`${registry.url}/v2/x/blobs/${digestOf(blob)}`)),
  );
  const digests = await Promise.all(pulled.map(async (r) => digestOf(await r.bytes())));
  expect(digests).toEqual(blobs.map((blob) => digestOf(blob)));
});

async function putInTwo(registry: Served, blob: Uint8Array): Promise<Response> {
  const location = await startUpload(registry);
  await fetch(location, { method: 'PATCH', body: blob.subarray(0, 50_000) });
  return fetch(`${location}?digest=${digestOf(blob)}`, {
    method: 'PUT',
    body: blob.subarray(50_000),
  });
}
