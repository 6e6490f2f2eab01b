import { describe, expect, test } from 'bun:test';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { buildImage } from '../support/images.ts';
import { DataSet, dataSets, type PushedDocument } from './data-sets.ts';
import { algorithms, bytesOf, expectContent, expectDeleted, located, send } from './requests.ts';
import { outcome, push, putBlob, putDocument, type Served, serve } from './served.ts';

// What the distribution specification asks of a registry, one case each, for both digest algorithms.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md

/** Puts a document by its digest, and gives it its tags. */
async function put({ url }: Served, { tags }: DataSet, document: PushedDocument) {
  const { descriptor, bytes, subject } = document;
  const own = [...tags].filter(([, digest]) => digest === descriptor.digest);
  const query = own.map(([tag]) => `tag=${tag}&tag=${tag}-too`).join('&');
  const path = `${url}/v2/some/repo/manifests/${descriptor.digest}?${query}`;
  const response = await putDocument(path, bytes, descriptor);
  expect(response.status).toBe(201);
  expect(response.headers.get('docker-content-digest')).toBe(descriptor.digest);
  expect(response.headers.get('oci-subject')).toBe(subject?.digest ?? null);
  const given = own.map(([tag]) => `${tag}, ${tag}-too`).join();
  expect(response.headers.get('oci-tag') ?? '').toBe(given);
  await expectContent(located(url, response), descriptor, descriptor.mediaType);
}

interface Referrers {
  readonly schemaVersion: number;
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
}

async function referrers({ url }: Served, subject: Digest, query = ''): Promise<Referrers> {
  const response = await send(`${url}/v2/some/repo/referrers/${subject}${query}`, 'GET');
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe(mediaTypes.index);
  expect(response.headers.get('oci-filters-applied')).toBe(query === '' ? null : 'artifactType');
  const list = (await response.json()) as Referrers;
  expect(list).toMatchObject({ schemaVersion: 2, mediaType: mediaTypes.index });
  return list;
}

/** How a document stands in the list of its subject's referrers. */
function asReferrer({ descriptor, bytes }: PushedDocument): Descriptor {
  const { artifactType, config, annotations } = JSON.parse(new TextDecoder().decode(bytes));
  const type = artifactType ?? config?.mediaType;
  return {
    ...descriptor,
    ...(type && { artifactType: type }),
    ...(annotations && { annotations }),
  };
}

async function expectReferrers(registry: Served, { documents }: DataSet, subject: Digest) {
  const wanted = documents.filter((document) => document.subject?.digest === subject);
  const all = wanted.map(asReferrer);
  expect((await referrers(registry, subject)).manifests.toSorted(byDigest)).toEqual(
    all.toSorted(byDigest),
  );
  for (const type of new Set(all.map(({ artifactType }) => artifactType ?? 'none'))) {
    const some = all.filter(({ artifactType }) => artifactType === type).toSorted(byDigest);
    // Many clients send the `+` of a media type as it is.
    for (const query of [encodeURIComponent(type), type]) {
      const { manifests } = await referrers(registry, subject, `?artifactType=${query}`);
      expect(manifests.toSorted(byDigest)).toEqual(some);
    }
  }
}

function byDigest(a: Descriptor, b: Descriptor): number {
  return a.digest < b.digest ? -1 : 1;
}

describe.each(algorithms)('named by %s', (algorithm) => {
  test.each(Object.keys(dataSets))('%s is pushed, listed, pulled and deleted', async (name) => {
    await using registry = await serve();
    const { url } = registry;
    const set = new DataSet(algorithm);
    dataSets[name]?.(set);
    for (const [digest, bytes] of set.blobs) {
      expect((await putBlob(url, digest, bytes)).status).toBe(201);
    }
    for (const document of set.documents) await put(registry, set, document);

    const repository = `${url}/v2/some/repo`;
    const list = await send(`${repository}/tags/list`, 'GET');
    const tags = [...set.tags.keys()].flatMap((tag) => [tag, `${tag}-too`]).sort();
    expect(await list.json()).toEqual({ name: 'some/repo', tags });
    for (const { descriptor } of set.documents) {
      await expectReferrers(registry, set, descriptor.digest);
    }
    const known = new Map(set.documents.map(({ descriptor }) => [descriptor.digest, descriptor]));
    for (const [tag, digest] of set.tags) {
      const descriptor = known.get(digest);
      if (descriptor === undefined) throw new Error(`${tag} is the tag of nothing`);
      await expectContent(`${repository}/manifests/${tag}`, descriptor, descriptor.mediaType);
    }
    for (const [digest, bytes] of set.blobs) {
      const blob = { mediaType: '', digest, size: bytes.length };
      await expectContent(`${repository}/blobs/${digest}`, blob);
    }

    for (const tag of tags) await expectDeleted(`${repository}/manifests/${tag}`);
    for (const { descriptor } of set.documents.toReversed()) {
      await expectDeleted(`${repository}/manifests/${descriptor.digest}`);
    }
    for (const digest of set.blobs.keys()) await expectDeleted(`${repository}/blobs/${digest}`);
    expect(registry.store.names()).toEqual([]);
  });
});

test('a manifest is put under a tag, or by its digest with as many tags as the client likes', async () => {
  await using registry = await serve();
  const image = buildImage();
  const repository = `${registry.url}/v2/some/repo`;
  await push(registry.url, 'some/repo:tag', image);
  await expectContent(`${repository}/manifests/tag`, image.root);
  const tags = Array.from({ length: 50 }, (_, i) => `tag-${i}`);
  const query = [...tags, 'tag-0'].map((tag) => `tag=${tag}`).join('&');
  const bytes = image.blobs.get(image.root.digest) ?? new Uint8Array();
  const url = `${repository}/manifests/${image.root.digest}?${query}`;
  const response = await putDocument(url, bytes, image.root);
  expect(response.headers.get('oci-tag')).toBe(tags.join(', '));
  for (const tag of tags) await expectContent(`${repository}/manifests/${tag}`, image.root);
});

test('HEAD says of a list what GET does, without the list', async () => {
  await using registry = await serve();
  const { url } = registry;
  const image = buildImage();
  await push(url, 'some/repo:tag', image);
  const lists = ['some/repo/tags/list', `some/repo/referrers/${image.root.digest}`, '_catalog'];
  for (const path of lists) {
    const [got, head] = [
      await send(`${url}/v2/${path}`, 'GET'),
      await send(`${url}/v2/${path}`, 'HEAD'),
    ];
    expect(head.status).toBe(200);
    expect(head.headers.get('content-type')).toBe(got.headers.get('content-type'));
    expect(await head.text()).toBe('');
    expect(await got.text()).not.toBe('');
  }
});

test('every name that the specification allows is a repository', async () => {
  await using registry = await serve();
  const image = buildImage();
  const longest = `${'a'.repeat(100)}/${'b'.repeat(154)}`;
  for (const name of [
    'a',
    'a.b',
    'a_b',
    'a__b',
    'a---b',
    '0/1/2',
    'a.b/c',
    'blobs/manifests',
    longest,
  ]) {
    await push(registry.url, `${name}:tag`, image);
    await expectContent(`${registry.url}/v2/${name}/manifests/tag`, image.root);
  }
});

test('the registry says that it speaks the API', async () => {
  await using registry = await serve();
  for (const method of ['GET', 'HEAD']) {
    expect((await send(`${registry.url}/v2/`, method)).status).toBe(200);
  }
});

test('what was never pushed is not found, and has no referrers', async () => {
  await using registry = await serve();
  const repository = `${registry.url}/v2/never/pushed`;
  const missing = digestOf(bytesOf('missing'));
  for (const path of ['tags/list', 'manifests/tag', `manifests/${missing}`, `blobs/${missing}`]) {
    for (const method of ['GET', 'HEAD']) {
      expect((await send(`${repository}/${path}`, method)).status).toBe(404);
    }
  }
  expect((await referrers(registry, missing)).manifests).toEqual([]);
});

test('a manifest whose digest is another, or no digest, is refused', async () => {
  await using registry = await serve();
  const image = buildImage();
  await push(registry.url, 'some/repo:tag', image);
  const bytes = image.blobs.get(image.root.digest) ?? new Uint8Array();
  const manifests = `${registry.url}/v2/other/manifests`;
  const longer = new Uint8Array([...bytes, 32, 32]);
  const other = await putDocument(`${manifests}/${image.root.digest}`, longer, image.root);
  expect(await outcome(other)).toEqual([400, 'DIGEST_INVALID']);
  const invalid = await putDocument(`${manifests}/sha256:baddigest`, bytes, image.root);
  expect(await outcome(invalid)).toEqual([400, 'DIGEST_INVALID']);
  expect((await send(`${manifests}/sha256:baddigest`, 'GET')).status).toBe(404);
});

test('a list of tags goes on after the last one that the client has', async () => {
  await using registry = await serve();
  for (const tag of ['a', 'b', 'c', 'd'])
    await push(registry.url, `some/repo:${tag}`, buildImage());
  const list = `${registry.url}/v2/some/repo/tags/list`;
  const tagsOf = async (url: string) => (await (await send(url, 'GET')).json()) as unknown;
  expect(await tagsOf(`${list}?last=b`)).toEqual({ name: 'some/repo', tags: ['c', 'd'] });
  expect(await tagsOf(`${list}?n=99999999999999999999`)).toMatchObject({
    tags: ['a', 'b', 'c', 'd'],
  });
});
