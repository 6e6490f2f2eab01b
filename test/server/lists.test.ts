import { expect, test } from 'bun:test';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { buildImage, json } from '../support/images.ts';
import { outcome, push, putBlob, putDocument, type Served, serve } from './served.ts';

const image = buildImage();

async function list({ url }: Served, path: string) {
  const response = await fetch(`${url}${path}`);
  const { tags, repositories } = (await response.json()) as Record<string, unknown>;
  return { items: tags ?? repositories, link: response.headers.get('link') };
}

async function artifact(
  { url }: Served,
  { type, subject = image.root, note = '' }: { type: string; subject?: unknown; note?: string },
) {
  const empty = new TextEncoder().encode('{}');
  await putBlob(url, digestOf(empty), empty);
  const config = { mediaType: mediaTypes.empty, digest: digestOf(empty), size: 2 };
  const bytes = json({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: type,
    config,
    layers: [config],
    subject,
    annotations: { note },
  });
  const { manifest: mediaType } = mediaTypes;
  const path = `/v2/hello/manifests/${digestOf(bytes)}`;
  const response = await putDocument(`${url}${path}`, bytes, { mediaType });
  expect(response.status).toBe(201);
  const descriptor = {
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
    artifactType: type,
    annotations: { note },
  };
  return { descriptor, subject: response.headers.get('oci-subject'), url: `${url}${path}` };
}

test('tags are listed in lexical order, without regard to case', async () => {
  await using registry = await serve();
  for (const tag of ['b', 'C', 'a', '1', '_x']) await push(registry.url, `hello:${tag}`, image);
  await push(registry.url, 'hello-more:z', image);
  const response = await fetch(`${registry.url}/v2/hello/tags/list`);
  expect(await response.json()).toEqual({ name: 'hello', tags: ['1', '_x', 'a', 'b', 'C'] });
});

test('a name that is no tag is not listed as one', async () => {
  await using registry = await serve();
  await push(registry.url, 'hello:1', image);
  const set = [{ name: `docker.io/library/hello:2@${image.root.digest}`, target: image.root }];
  await registry.store.changeNames({ set });
  const response = await fetch(`${registry.url}/v2/hello/tags/list`);
  expect(await response.json()).toEqual({ name: 'hello', tags: ['1'] });
});

test('tags are listed in pages that lead to each other', async () => {
  await using registry = await serve();
  for (const tag of ['a', 'b', 'c', 'd', 'e']) await push(registry.url, `hello:${tag}`, image);
  const path = '/v2/hello/tags/list';
  const first = await list(registry, `${path}?n=2`);
  expect(first).toEqual({ items: ['a', 'b'], link: `<${path}?n=2&last=b>; rel="next"` });
  expect(await list(registry, `${path}?n=2&last=b`)).toMatchObject({ items: ['c', 'd'] });
  expect(await list(registry, `${path}?n=2&last=d`)).toEqual({ items: ['e'], link: null });
  expect(await list(registry, `${path}?n=5`)).toMatchObject({ link: null });
  expect(await list(registry, `${path}?n=0`)).toEqual({ items: [], link: null });
  expect(await list(registry, `${path}?last=cc`)).toMatchObject({ items: ['d', 'e'] });
  expect(await list(registry, '/v2/_catalog?n=1')).toEqual({ items: ['hello'], link: null });
  const bad = await fetch(`${registry.url}${path}?n=two`);
  expect(await outcome(bad)).toEqual([400, 'PAGINATION_NUMBER_INVALID']);
});

test('a repository that is not here has no list', async () => {
  await using registry = await serve();
  const response = await fetch(`${registry.url}/v2/hello/tags/list`);
  expect(await outcome(response)).toEqual([404, 'NAME_UNKNOWN']);
});

test('referrers of a digest are listed, and by their artifact type when asked', async () => {
  await using registry = await serve();
  await push(registry.url, 'hello:1', image);
  const sbom = await artifact(registry, { type: 'application/sbom', note: 'a' });
  const signature = await artifact(registry, { type: 'application/signature', note: 'b' });
  expect(sbom.subject).toBe(image.root.digest);
  const url = `${registry.url}/v2/hello/referrers/${image.root.digest}`;
  const all = await fetch(url);
  expect(all.headers.get('content-type')).toBe(mediaTypes.index);
  expect(all.headers.get('oci-filters-applied')).toBeNull();
  const index = (await all.json()) as { manifests: unknown };
  expect(index).toMatchObject({ schemaVersion: 2, mediaType: mediaTypes.index });
  expect(index.manifests).toHaveLength(2);
  expect(index.manifests).toContainEqual(sbom.descriptor);
  expect(index.manifests).toContainEqual(signature.descriptor);
  const some = await fetch(`${url}?artifactType=application/sbom`);
  expect(some.headers.get('oci-filters-applied')).toBe('artifactType');
  expect(await some.json()).toMatchObject({ manifests: [sbom.descriptor] });
});

test('an artifact without a type of its own has that of its config', async () => {
  await using registry = await serve();
  await push(registry.url, 'hello:1', image);
  const bytes = image.blobs.get(image.root.digest) ?? new Uint8Array();
  const manifest = JSON.parse(new TextDecoder().decode(bytes));
  const referrer = json({ ...manifest, subject: image.root });
  const put = `${registry.url}/v2/hello/manifests/${digestOf(referrer)}`;
  expect((await putDocument(put, referrer, image.root)).status).toBe(201);
  const response = await fetch(`${registry.url}/v2/hello/referrers/${image.root.digest}`);
  expect(await response.json()).toMatchObject({ manifests: [{ artifactType: mediaTypes.config }] });
});

test('a digest without referrers, here or not, has an empty list', async () => {
  await using registry = await serve();
  await push(registry.url, 'hello:1', image);
  for (const path of [
    `hello/referrers/${image.root.digest}`,
    `none/referrers/${image.root.digest}`,
  ]) {
    const response = await fetch(`${registry.url}/v2/${path}`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ manifests: [] });
  }
  const bad = await fetch(`${registry.url}/v2/hello/referrers/latest`);
  expect(await outcome(bad)).toEqual([400, 'DIGEST_INVALID']);
});

test('an artifact may come before its subject, and be deleted again', async () => {
  await using registry = await serve();
  const early = await artifact(registry, { type: 'application/sbom' });
  const url = `${registry.url}/v2/hello/referrers/${image.root.digest}`;
  expect(await (await fetch(url)).json()).toMatchObject({ manifests: [early.descriptor] });
  await push(registry.url, 'hello:1', image);
  expect(await (await fetch(url)).json()).toMatchObject({ manifests: [early.descriptor] });
  expect(await outcome(await fetch(early.url, { method: 'DELETE' }))).toEqual([202]);
  expect((await fetch(early.url)).status).toBe(404);
  expect(await (await fetch(url)).json()).toMatchObject({ manifests: [] });
  expect((await fetch(`${registry.url}/v2/hello/manifests/1`)).status).toBe(200);
});

test('referrers that are too many for one answer come in pages that lead to each other', async () => {
  await using registry = await serve();
  const made: Awaited<ReturnType<typeof artifact>>['descriptor'][] = [];
  for (const type of ['a', 'b', 'a', 'b', 'a']) {
    const note = crypto.randomUUID().padEnd(900_000, 'x');
    made.push((await artifact(registry, { type: `application/${type}+json`, note })).descriptor);
  }
  const pages = async (query: string) => {
    const found = [];
    let path: string | undefined = `/v2/hello/referrers/${image.root.digest}${query}`;
    while (path !== undefined) {
      const response: Response = await fetch(`${registry.url}${path}`);
      const { manifests } = (await response.json()) as { manifests: typeof made };
      found.push(manifests);
      path = /^<(.+)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1];
    }
    return found;
  };
  const inOrder = made.toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
  const all = await pages('');
  expect(all.map((page) => page.length)).toEqual([2, 2, 1]);
  expect(all.flat()).toEqual(inOrder);
  const some = await pages('?artifactType=application/a%2Bjson');
  expect(some.map((page) => page.length)).toEqual([2, 1]);
  expect(some.flat()).toEqual(inOrder.filter(({ artifactType }) => artifactType.includes('a+')));
});
