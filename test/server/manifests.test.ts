import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { buildImage, buildIndex, buildMultiPlatform, json } from '../support/images.ts';
import { namesOf, outcome, push, putBlob, putDocument, type Served, serve } from './served.ts';

test('a manifest comes back exactly as it was put, by tag and by digest', async () => {
  await using registry = await serve();
  const image = buildImage({ docker: true });
  await push(registry.url, 'hello:1', image);
  for (const reference of ['1', image.root.digest]) {
    const url = `${registry.url}/v2/hello/manifests/${reference}`;
    const response = await fetch(url);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(mediaTypes.dockerManifest);
    expect(response.headers.get('docker-content-digest')).toBe(image.root.digest);
    expect(await response.bytes()).toEqual(
      new Uint8Array(image.blobs.get(image.root.digest) ?? []),
    );
    const head = await fetch(url, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(`${image.root.size}`);
    expect(head.headers.get('content-type')).toBe(mediaTypes.dockerManifest);
  }
});

test('what a repository does not have is unknown in it', async () => {
  await using registry = await serve();
  const image = buildImage();
  await push(registry.url, 'hello:1', image);
  const config = image.order.find(({ mediaType }) => mediaType === mediaTypes.config)?.digest;
  for (const path of [
    'hello/manifests/2',
    `hello/manifests/${config}`,
    'hello/manifests/sha256:bad',
    'hello/manifests/.not-a-tag',
    `other/manifests/${image.root.digest}`,
    'other/manifests/1',
  ]) {
    const response = await fetch(`${registry.url}/v2/${path}`);
    expect([path, ...(await outcome(response))]).toEqual([path, 404, 'MANIFEST_UNKNOWN']);
  }
});

test('PUT of a manifest says where it is', async () => {
  await using registry = await serve();
  const image = buildImage();
  await push(registry.url, 'hello:1', image);
  const bytes = image.blobs.get(image.root.digest) ?? new Uint8Array();
  const again = await putDocument(`${registry.url}/v2/a/b/manifests/x`, bytes, image.root);
  expect(again.status).toBe(201);
  expect(again.headers.get('location')).toBe(`/v2/a/b/manifests/${image.root.digest}`);
  expect(again.headers.get('docker-content-digest')).toBe(image.root.digest);
});

test('PUT by digest gives all the tags of the query', async () => {
  await using registry = await serve();
  const image = buildImage();
  await push(registry.url, 'first:1', image);
  const bytes = image.blobs.get(image.root.digest) ?? new Uint8Array();
  const url = `${registry.url}/v2/hello/manifests/${image.root.digest}`;
  const response = await putDocument(`${url}?tag=a&tag=b`, bytes, image.root);
  expect(response.status).toBe(201);
  expect(response.headers.get('oci-tag')).toBe('a, b');
  expect(namesOf(registry.store)).toEqual([
    'docker.io/library/first:1',
    'docker.io/library/hello:a',
    'docker.io/library/hello:b',
  ]);
  const bad = await putDocument(`${url}?tag=.a`, bytes, image.root);
  expect(await outcome(bad)).toEqual([400, 'MANIFEST_INVALID']);
});

test('a manifest may be named by sha512', async () => {
  await using registry = await serve();
  const image = buildImage();
  await push(registry.url, 'hello:1', image);
  const bytes = image.blobs.get(image.root.digest) ?? new Uint8Array();
  const url = `${registry.url}/v2/hello/manifests/${digestOf(bytes, 'sha512')}`;
  expect((await putDocument(url, bytes, image.root)).status).toBe(201);
  expect(digestOf(await (await fetch(url)).bytes())).toBe(image.root.digest);
});

test('a document that is not what it is called is refused', async () => {
  await using registry = await serve();
  const image = buildImage();
  await push(registry.url, 'hello:1', image);
  const bytes = image.blobs.get(image.root.digest) ?? new Uint8Array();
  const put = async (
    body: Uint8Array,
    { reference = 'x', mediaType = mediaTypes.manifest as string } = {},
  ) =>
    outcome(
      await putDocument(`${registry.url}/v2/hello/manifests/${reference}`, body, { mediaType }),
    );
  const bad = [400, 'MANIFEST_INVALID'];
  expect(await put(bytes, { mediaType: mediaTypes.index })).toEqual(bad);
  expect(await put(bytes, { mediaType: 'application/json' })).toEqual(bad);
  expect(await put(bytes, { mediaType: `${mediaTypes.manifest}; charset=utf-8` })).toEqual([201]);
  expect(await put(json({ schemaVersion: 1, fsLayers: [] }))).toEqual(bad);
  expect(await put(json([]))).toEqual(bad);
  expect(await put(new TextEncoder().encode('{'))).toEqual(bad);
  expect(await put(new Uint8Array())).toEqual(bad);
  expect(await put(bytes, { reference: digestOf(json(1)) })).toEqual([400, 'DIGEST_INVALID']);
  expect(await put(bytes, { reference: 'sha256:bad' })).toEqual([400, 'DIGEST_INVALID']);
  expect(await put(bytes, { reference: '-x' })).toEqual(bad);
});

test('a document of 4 MiB is kept and a larger one refused', async () => {
  await using registry = await serve();
  const empty = new TextEncoder().encode('{}');
  await putBlob(registry.url, digestOf(empty), empty);
  const config = { mediaType: mediaTypes.empty, digest: digestOf(empty), size: 2 };
  const sized = (size: number) => {
    const rest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [] };
    const short = json({ ...rest, annotations: { filler: '' } });
    return json({ ...rest, annotations: { filler: 'x'.repeat(size - short.length) } });
  };
  const put = (body: Uint8Array | ReadableStream) =>
    fetch(`${registry.url}/v2/hello/manifests/x`, {
      method: 'PUT',
      body,
      headers: { 'content-type': mediaTypes.manifest },
    });
  expect(await outcome(await put(sized(4 * 1024 * 1024)))).toEqual([201]);
  const large = sized(4 * 1024 * 1024 + 1);
  expect(await outcome(await put(large))).toEqual([413, 'SIZE_INVALID']);
  expect(await outcome(await put(new Blob([large]).stream()))).toEqual([413, 'SIZE_INVALID']);
});

test('what a manifest names must be here, with the size that it says', async () => {
  await using registry = await serve();
  const image = buildImage();
  const manifest = image.blobs.get(image.root.digest) ?? new Uint8Array();
  const put = (bytes: Uint8Array) =>
    putDocument(`${registry.url}/v2/hello/manifests/x`, bytes, image.root);
  const missing = await put(manifest);
  expect(missing.status).toBe(400);
  expect(await missing.json()).toMatchObject({
    errors: [{ code: 'MANIFEST_BLOB_UNKNOWN', detail: { digest: expect.any(String) } }],
  });
  await push(registry.url, 'hello:1', image);
  const parsed = JSON.parse(new TextDecoder().decode(manifest));
  parsed.layers[0].size += 1;
  expect(await outcome(await put(json(parsed)))).toEqual([400, 'MANIFEST_INVALID']);
  parsed.layers[0] = {
    mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
    digest: digestOf(json('elsewhere')),
    size: 5,
  };
  expect(await outcome(await put(json(parsed)))).toEqual([201]);
});

test('members of an index may be missing', async () => {
  await using registry = await serve();
  const index = buildMultiPlatform('linux/amd64', 'linux/arm64');
  const bytes = index.blobs.get(index.root.digest) ?? new Uint8Array();
  const response = await putDocument(`${registry.url}/v2/x/manifests/1`, bytes, index.root);
  expect(response.status).toBe(201);
  expect((await fetch(`${registry.url}/v2/x/manifests/1`)).status).toBe(200);
  const member = index.order.find(({ mediaType }) => mediaType === mediaTypes.manifest);
  expect((await fetch(`${registry.url}/v2/x/manifests/${member?.digest}`)).status).toBe(404);
});

test('an index of indexes can be pushed and pulled', async () => {
  await using registry = await serve();
  const inner = buildMultiPlatform('linux/amd64', 'linux/arm64');
  const outer = buildIndex([{ image: inner }]);
  await push(registry.url, 'nested:1', outer);
  for (const { digest, mediaType } of outer.order) {
    const kind = mediaType.includes('manifest') || mediaType.includes('index');
    const url = `${registry.url}/v2/nested/${kind ? 'manifests' : 'blobs'}/${digest}`;
    expect(digestOf(await (await fetch(url)).bytes())).toBe(digest);
  }
  expect(namesOf(registry.store)).toEqual(['docker.io/library/nested:1']);
});

/** What the registry protects although no name does. */
function kept({ store }: Served): readonly unknown[] {
  using database = new Database(join(store.path, 'meta.db'), { readonly: true });
  return database.query('SELECT digest FROM lease_blobs').all();
}

test('a manifest that is refused keeps nothing from being freed', async () => {
  await using registry = await serve();
  const image = buildImage();
  await push(registry.url, 'hello:1', image);
  const before = kept(registry);
  const manifest = JSON.parse(
    new TextDecoder().decode(image.blobs.get(image.root.digest) ?? new Uint8Array()),
  );
  const away = { ...manifest.layers[0], digest: digestOf(json('away')) };
  const bytes = json({ ...manifest, layers: [...manifest.layers, away] });
  const refused = await putDocument(`${registry.url}/v2/hello/manifests/2`, bytes, image.root);
  expect(await outcome(refused)).toEqual([400, 'MANIFEST_BLOB_UNKNOWN']);
  expect(kept(registry)).toEqual(before);
});

test('an index of 10,000 members is kept and deleted, and one of more refused', async () => {
  await using registry = await serve();
  const url = `${registry.url}/v2/hello/manifests/many`;
  const put = async (members: number) => {
    const manifests = Array.from({ length: members }, (_, i) => ({
      mediaType: mediaTypes.index,
      digest: digestOf(json(i)),
      size: 1,
    }));
    const index = json({ schemaVersion: 2, mediaType: mediaTypes.index, manifests });
    return outcome(await putDocument(url, index, { mediaType: mediaTypes.index }));
  };
  expect(await put(10_001)).toEqual([400, 'MANIFEST_INVALID']);
  expect(await put(10_000)).toEqual([201]);
  expect((await fetch(url, { method: 'DELETE' })).status).toBe(202);
  expect(kept(registry)).toEqual([]);
});

test('a manifest of 10,000 annotations is kept, and one of more refused', async () => {
  await using registry = await serve();
  const image = buildImage();
  await push(registry.url, 'hello:1', image);
  const manifest = JSON.parse(
    new TextDecoder().decode(image.blobs.get(image.root.digest) ?? new Uint8Array()),
  );
  const put = async (count: number) => {
    const annotations = Object.fromEntries(Array.from({ length: count }, (_, i) => [`a${i}`, '']));
    const url = `${registry.url}/v2/hello/manifests/2`;
    return outcome(await putDocument(url, json({ ...manifest, annotations }), image.root));
  };
  expect(await put(10_001)).toEqual([400, 'MANIFEST_INVALID']);
  expect(await put(10_000)).toEqual([201]);
});

test('what is asked for and is no reference is not repeated in the answer', async () => {
  await using registry = await serve();
  const response = await fetch(`${registry.url}/v2/a/manifests/${'late'.repeat(3000)}`);
  expect(response.status).toBe(404);
  expect((await response.text()).length).toBeLessThan(200);
});
