import { expect, test } from 'bun:test';
import { digestOf } from '../../src/oci/digest.ts';
import { openImageStore } from '../../src/store/open-store.ts';
import { buildImage, layerTar } from '../support/images.ts';
import { outcome, push, putBlob, serve } from './served.ts';

const bytes = new TextEncoder().encode('0123456789');
const digest = digestOf(bytes);

test('a blob is sent whole with its digest, its length, and leave to keep it for ever', async () => {
  await using registry = await serve();
  await putBlob(registry.url, digest, bytes);
  const response = await fetch(`${registry.url}/v2/x/blobs/${digest}`);
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'docker-content-digest': digest,
    'docker-distribution-api-version': 'registry/2.0',
    'content-type': 'application/octet-stream',
    'content-length': '10',
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=31536000, immutable',
    etag: `"${digest}"`,
  });
  expect(await response.text()).toBe('0123456789');
});

test('HEAD of a blob says the same without the bytes', async () => {
  await using registry = await serve();
  await putBlob(registry.url, digest, bytes);
  const response = await fetch(`${registry.url}/v2/x/blobs/${digest}`, { method: 'HEAD' });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-length')).toBe('10');
  expect(response.headers.get('docker-content-digest')).toBe(digest);
  expect(await response.text()).toBe('');
});

test('an empty blob can be put and got', async () => {
  await using registry = await serve();
  const empty = digestOf(new Uint8Array());
  expect((await putBlob(registry.url, empty, new Uint8Array())).status).toBe(201);
  const response = await fetch(`${registry.url}/v2/x/blobs/${empty}`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-length')).toBe('0');
  expect(await response.text()).toBe('');
});

test('one range of a blob is sent as such, and a range outside of it refused', async () => {
  await using registry = await serve();
  await putBlob(registry.url, digest, bytes);
  const get = (headers: Record<string, string>) =>
    fetch(`${registry.url}/v2/x/blobs/${digest}`, { headers });
  const part = await get({ range: 'bytes=2-5' });
  expect(part.status).toBe(206);
  expect(part.headers.get('content-range')).toBe('bytes 2-5/10');
  expect(part.headers.get('content-length')).toBe('4');
  expect(await part.text()).toBe('2345');
  const outside = await get({ range: 'bytes=10-' });
  expect(outside.headers.get('content-range')).toBe('bytes */10');
  expect(await outcome(outside)).toEqual([416, 'RANGE_INVALID']);
  expect(await (await get({ range: 'bytes=0-1,3-4' })).text()).toBe('0123456789');
  expect((await get({ range: 'bytes=2-5', 'if-range': `"${digest}"` })).status).toBe(206);
  expect((await get({ range: 'bytes=2-5', 'if-range': '"other"' })).status).toBe(200);
});

test('a client that has the blob is told so', async () => {
  await using registry = await serve();
  await putBlob(registry.url, digest, bytes);
  const headers = { 'if-none-match': `"${digest}"` };
  const response = await fetch(`${registry.url}/v2/x/blobs/${digest}`, { headers });
  expect(response.status).toBe(304);
});

test('a blob that is not here is unknown, and what is no digest is invalid', async () => {
  await using registry = await serve();
  const missing = digestOf(new TextEncoder().encode('missing'));
  for (const method of ['GET', 'HEAD', 'DELETE']) {
    const response = await fetch(`${registry.url}/v2/x/blobs/${missing}`, { method });
    expect(await outcome(response)).toEqual([404, ...(method === 'HEAD' ? [] : ['BLOB_UNKNOWN'])]);
  }
  for (const reference of ['latest', 'sha256:abc', 'sha256:..%2f..%2fetc', 'md5:00']) {
    const response = await fetch(`${registry.url}/v2/x/blobs/${reference}`);
    expect(await outcome(response)).toEqual(
      reference.includes('etc') ? [404, 'UNSUPPORTED'] : [400, 'DIGEST_INVALID'],
    );
  }
});

test('DELETE of a blob frees it', async () => {
  await using registry = await serve();
  await putBlob(registry.url, digest, bytes, 'x');
  const url = `${registry.url}/v2/x/blobs/${digest}`;
  expect(await outcome(await fetch(url, { method: 'DELETE' }))).toEqual([202]);
  expect((await fetch(url)).status).toBe(404);
});

test('DELETE of a blob that an image needs is refused, and not known in other repositories', async () => {
  await using registry = await serve();
  const image = buildImage();
  await push(registry.url, 'hello:1', image);
  const layer = image.order[0]?.digest;
  const url = `${registry.url}/v2/hello/blobs/${layer}`;
  expect(await outcome(await fetch(url, { method: 'DELETE' }))).toEqual([405, 'UNSUPPORTED']);
  const other = `${registry.url}/v2/other/blobs/${layer}`;
  expect(await outcome(await fetch(other, { method: 'DELETE' }))).toEqual([404, 'BLOB_UNKNOWN']);
  expect((await fetch(url)).status).toBe(200);
});

test('DELETE of a blob that another process is using keeps it for that process alone', async () => {
  await using registry = await serve();
  await putBlob(registry.url, digest, bytes, 'x');
  const url = `${registry.url}/v2/x/blobs/${digest}`;
  await using other = await openImageStore(registry.store.path);
  const lease = await other.lease();
  await other.has({ mediaType: 'application/octet-stream', digest, size: bytes.length });
  expect((await fetch(url, { method: 'DELETE' })).status).toBe(202);
  expect((await fetch(url)).status).toBe(404);
  expect(registry.store.stat(digest)).toBeDefined();
  await lease[Symbol.asyncDispose]();
  await registry.store.collect();
  expect(registry.store.stat(digest)).toBeUndefined();
});

test('a blob of many pieces arrives and leaves as it is', async () => {
  await using registry = await serve();
  const large = layerTar('finch '.repeat(1_000_000));
  const name = digestOf(large);
  expect((await putBlob(registry.url, name, large)).status).toBe(201);
  const response = await fetch(`${registry.url}/v2/x/blobs/${name}`);
  expect(digestOf(await response.bytes())).toBe(name);
});
