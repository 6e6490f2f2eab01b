import { expect, test } from 'bun:test';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { outcome, putBlob, type Served, serve } from './served.ts';

const bytes = new TextEncoder().encode('0123456789');
const digest = digestOf(bytes);

async function start({ url }: Served): Promise<string> {
  const response = await fetch(`${url}/v2/a/b/blobs/uploads/`, { method: 'POST' });
  expect(response.status).toBe(202);
  expect(response.headers.get('range')).toBe('0-0');
  return `${url}${response.headers.get('location')}`;
}

function patch(location: string, part: string, contentRange?: string): Promise<Response> {
  const headers = contentRange === undefined ? {} : { 'content-range': contentRange };
  return fetch(location, { method: 'PATCH', body: part, headers });
}

function finish(location: string, name: Digest, part = ''): Promise<Response> {
  return fetch(`${location}?digest=${name}`, { method: 'PUT', body: part });
}

async function pulled({ url }: Served): Promise<string> {
  return (await fetch(`${url}/v2/a/b/blobs/${digest}`)).text();
}

test('a blob is pushed with POST and one PUT', async () => {
  await using registry = await serve();
  const location = await start(registry);
  const response = await finish(location, digest, '0123456789');
  expect(response.status).toBe(201);
  expect(response.headers.get('location')).toBe(`/v2/a/b/blobs/${digest}`);
  expect(response.headers.get('docker-content-digest')).toBe(digest);
  expect(await pulled(registry)).toBe('0123456789');
  expect(await outcome(await fetch(location))).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
});

test('a blob is pushed with one POST', async () => {
  await using registry = await serve();
  const response = await putBlob(registry.url, digest, bytes);
  expect(response.status).toBe(201);
  expect(response.headers.get('location')).toBe(`/v2/some/repo/blobs/${digest}`);
  expect(await pulled(registry)).toBe('0123456789');
});

test('a blob is pushed in chunks, the last one with the PUT', async () => {
  await using registry = await serve();
  const location = await start(registry);
  const first = await patch(location, '0123', '0-3');
  expect(first.status).toBe(202);
  expect(first.headers.get('range')).toBe('0-3');
  const next = `${registry.url}${first.headers.get('location')}`;
  expect((await patch(next, '456', '4-6')).headers.get('range')).toBe('0-6');
  const last = await fetch(`${next}?digest=${digest}`, {
    method: 'PUT',
    body: '789',
    headers: { 'content-range': '7-9' },
  });
  expect(last.status).toBe(201);
  expect(await pulled(registry)).toBe('0123456789');
});

test('a blob is pushed as streams of unknown length', async () => {
  await using registry = await serve();
  const location = await start(registry);
  const stream = (text: string) =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        for (const letter of text) controller.enqueue(new TextEncoder().encode(letter));
        controller.close();
      },
    });
  for (const text of ['01234', '56789']) {
    const response = await fetch(location, { method: 'PATCH', body: stream(text) });
    expect(response.status).toBe(202);
  }
  expect((await finish(location, digest)).status).toBe(201);
  expect(await pulled(registry)).toBe('0123456789');
});

test('a chunk out of order is refused, and the upload goes on where it was', async () => {
  await using registry = await serve();
  const location = await start(registry);
  const early = await patch(location, '456', '4-6');
  expect(early.headers.get('range')).toBe('0-0');
  expect(await outcome(early)).toEqual([416, 'RANGE_INVALID']);
  await patch(location, '0123', '0-3');
  const again = await patch(location, '0123', '0-3');
  expect(again.headers.get('range')).toBe('0-3');
  expect(`${registry.url}${again.headers.get('location')}`).toBe(location);
  expect(await outcome(again)).toEqual([416, 'RANGE_INVALID']);
  const status = await fetch(location);
  expect([status.status, status.headers.get('range')]).toEqual([204, '0-3']);
  const wrongEnd = await fetch(`${location}?digest=${digest}`, {
    method: 'PUT',
    body: '789',
    headers: { 'content-range': '7-9' },
  });
  expect(await outcome(wrongEnd)).toEqual([416, 'RANGE_INVALID']);
  expect((await finish(location, digest, '456789')).status).toBe(201);
});

test('a chunk whose length is not what its headers say adds nothing', async () => {
  await using registry = await serve();
  const location = await start(registry);
  await patch(location, '0123', '0-3');
  expect(await outcome(await patch(location, '45', '4-9'))).toEqual([400, 'SIZE_INVALID']);
  expect(await outcome(await patch(location, '456789', '4-5'))).toEqual([400, 'SIZE_INVALID']);
  const stream = new Blob(['45']).stream();
  const headers = { 'content-range': '4-9' };
  const unsaid = await fetch(location, { method: 'PATCH', body: stream, headers });
  expect(await outcome(unsaid)).toEqual([400, 'SIZE_INVALID']);
  expect(await outcome(await patch(location, '4', 'four'))).toEqual([400, 'BLOB_UPLOAD_INVALID']);
  expect((await fetch(location)).headers.get('range')).toBe('0-3');
  expect((await finish(location, digest, '456789')).status).toBe(201);
});

test('bytes of another digest are refused and end the upload', async () => {
  await using registry = await serve();
  for (const early of ['', '0123']) {
    const location = await start(registry);
    if (early !== '') await patch(location, early);
    expect(await outcome(await finish(location, digest, 'no'))).toEqual([400, 'DIGEST_INVALID']);
    expect((await fetch(location)).status).toBe(404);
  }
  const single = await putBlob(registry.url, digest, new Uint8Array(3));
  expect(await outcome(single)).toEqual([400, 'DIGEST_INVALID']);
  expect((await fetch(`${registry.url}/v2/x/blobs/${digest}`)).status).toBe(404);
});

test('an upload cannot end without a valid digest', async () => {
  await using registry = await serve();
  const location = await start(registry);
  const put = (query: string) => fetch(`${location}${query}`, { method: 'PUT' });
  expect(await outcome(await put(''))).toEqual([400, 'DIGEST_INVALID']);
  expect(await outcome(await put('?digest=sha256:..'))).toEqual([400, 'DIGEST_INVALID']);
  expect((await fetch(location)).status).toBe(204);
});

test('a blob is named by sha512 when the client asks for it', async () => {
  await using registry = await serve();
  const long = digestOf(bytes, 'sha512');
  const begin = (algorithm: string) =>
    fetch(`${registry.url}/v2/a/blobs/uploads/?digest-algorithm=${algorithm}`, { method: 'POST' });
  const response = await begin('sha512');
  const location = `${registry.url}${response.headers.get('location')}`;
  await patch(location, '01234');
  expect((await finish(location, long, '56789')).status).toBe(201);
  expect(await (await fetch(`${registry.url}/v2/a/blobs/${long}`)).text()).toBe('0123456789');
  expect(await outcome(await begin('md5'))).toEqual([400, 'DIGEST_INVALID']);
});

test('a blob that is here is mounted, from a repository or from anywhere', async () => {
  await using registry = await serve();
  const mount = (query: string) =>
    fetch(`${registry.url}/v2/other/blobs/uploads/?mount=${query}`, { method: 'POST' });
  const missing = await mount(`${digest}&from=a/b`);
  expect(missing.status).toBe(202);
  const location = `${registry.url}${missing.headers.get('location')}`;
  expect((await finish(location, digest, '0123456789')).status).toBe(201);
  for (const query of [`${digest}&from=a/b`, digest]) {
    const response = await mount(query);
    expect(response.status).toBe(201);
    expect(response.headers.get('location')).toBe(`/v2/other/blobs/${digest}`);
  }
  expect(await outcome(await mount('sha256:1'))).toEqual([400, 'DIGEST_INVALID']);
  expect(await outcome(await mount(`${digest}&from=A`))).toEqual([400, 'NAME_INVALID']);
});

test('a cancelled upload is gone, and its file too', async () => {
  await using registry = await serve();
  const location = await start(registry);
  await patch(location, '0123');
  const folder = join(registry.store.path, 'uploads');
  expect(await readdir(folder)).toHaveLength(1);
  expect((await fetch(location, { method: 'DELETE' })).status).toBe(204);
  expect(await readdir(folder)).toEqual([]);
  expect(await outcome(await patch(location, '4'))).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
  expect((await fetch(location, { method: 'DELETE' })).status).toBe(404);
});

test('an upload belongs to the repository that it began in', async () => {
  await using registry = await serve();
  const location = await start(registry);
  const elsewhere = location.replace('/a/b/', '/other/');
  expect(await outcome(await fetch(elsewhere))).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
  expect((await fetch(location)).status).toBe(204);
});

test('an upload that nobody used for an hour is dropped', async () => {
  let now = new Date('2026-01-01T00:00:00Z');
  await using registry = await serve({ now: () => now });
  const [used, unused] = [await start(registry), await start(registry)];
  now = new Date('2026-01-01T00:50:00Z');
  expect((await fetch(used)).status).toBe(204);
  now = new Date('2026-01-01T01:10:00Z');
  expect((await fetch(used)).status).toBe(204);
  expect((await fetch(unused)).status).toBe(404);
  expect(await readdir(join(registry.store.path, 'uploads'))).toHaveLength(1);
});

test('an upload may end with a digest of another algorithm than it began with', async () => {
  await using registry = await serve();
  for (const [begun, ended] of [
    ['sha256', 'sha512'],
    ['sha512', 'sha256'],
  ] as const) {
    const url = `${registry.url}/v2/a/blobs/uploads/?digest-algorithm=${begun}`;
    const response = await fetch(url, { method: 'POST' });
    const location = `${registry.url}${response.headers.get('location')}`;
    await patch(location, '01234');
    const name = digestOf(bytes, ended);
    expect((await finish(location, name, '56789')).status).toBe(201);
    expect(await (await fetch(`${registry.url}/v2/a/blobs/${name}`)).text()).toBe('0123456789');
  }
  expect(await readdir(join(registry.store.path, 'uploads'))).toEqual([]);
});

test('an empty blob is pushed in every way', async () => {
  await using registry = await serve();
  const empty = digestOf(new Uint8Array());
  expect((await putBlob(registry.url, empty, new Uint8Array())).status).toBe(201);
  expect((await finish(await start(registry), empty)).status).toBe(201);
  const response = await fetch(`${registry.url}/v2/a/b/blobs/${empty}`);
  expect([response.status, await response.text()]).toEqual([200, '']);
});

test('an upload that begins when its folder was removed has a new one', async () => {
  await using registry = await serve();
  await rm(join(registry.store.path, 'uploads'), { recursive: true });
  expect((await finish(await start(registry), digest, '0123456789')).status).toBe(201);
});
