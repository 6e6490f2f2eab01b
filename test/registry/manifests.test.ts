import { expect, test } from 'bun:test';
import { memoryContent } from '../../src/content.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { readStream } from '../support/content-store-contract.ts';
import {
  type FakeRegistry,
  registryErrorBody,
  type Script,
  startFakeRegistry,
} from '../support/fake-registry.ts';
import { buildImage, json } from '../support/images.ts';
import { openTestRepository } from '../support/open-test-repository.ts';

const image = buildImage();
const { root } = image;
const bytes = new Uint8Array(image.blobs.get(root.digest) ?? []);

/** A registry that has `app:v1`. */
function registryWithImage(script: Script = () => undefined): FakeRegistry {
  const registry = startFakeRegistry({ script });
  for (const key of ['app:v1', `app@${root.digest}`]) {
    registry.manifests.set(key, { mediaType: root.mediaType, bytes });
  }
  return registry;
}

test('resolve() costs one HEAD and gives the descriptor', async () => {
  await using registry = registryWithImage();
  const repository = openTestRepository(registry.host);
  expect(await repository.resolve('v1')).toEqual(root);
  expect(await repository.resolve(root.digest)).toEqual(root);
  expect(await repository.resolve('v2')).toBeUndefined();
  expect(registry.lines()).toEqual([
    'HEAD /v2/app/manifests/v1',
    `HEAD /v2/app/manifests/${root.digest}`,
    'HEAD /v2/app/manifests/v2',
  ]);
  expect(registry.requests[0]?.headers.get('accept')).toBe(
    [mediaTypes.index, mediaTypes.dockerList, mediaTypes.manifest, mediaTypes.dockerManifest].join(
      ', ',
    ),
  );
});

test('resolve() to pull asks once for what is missing, whatever else the registry would say', async () => {
  await using registry = registryWithImage(({ method }) =>
    method === 'GET' ? new Response(null, { status: 503 }) : undefined,
  );
  const repository = openTestRepository(registry.host, { access: 'pull' });
  expect(await repository.resolve('v2')).toBeUndefined();
  expect(registry.lines()).toEqual(['HEAD /v2/app/manifests/v2']);
});

test.each([
  ['is busy', () => new Response(null, { status: 503 })],
  ['breaks off', () => Promise.reject(new Error('broken'))],
  ['finds the repository', () => registryErrorBody(404, 'MANIFEST_UNKNOWN', 'not here')],
])(
  'resolve() to pull asks Amazon ECR once why something is missing, also when it %s',
  async (_, get) => {
    const methods: string[] = [];
    const repository = openTestRepository('123456789012.dkr.ecr.us-east-1.amazonaws.com', {
      access: 'pull',
      transport: async ({ method }) => {
        methods.push(method);
        return method === 'HEAD' ? new Response(null, { status: 404 }) : get();
      },
    });
    expect(await repository.resolve('v2')).toBeUndefined();
    expect(methods).toEqual(['HEAD', 'GET']);
  },
);

test('resolve() and has() to push take what may not be looked at as missing', async () => {
  await using registry = registryWithImage(() => registryErrorBody(403, 'DENIED', 'not yours'));
  const repository = openTestRepository(registry.host);
  expect(await repository.resolve('v1')).toBeUndefined();
  expect(await repository.has(root)).toBe(false);
  const pulling = openTestRepository(registry.host, { access: 'pull' });
  await expect(pulling.resolve('v1')).rejects.toMatchObject({ code: 'DENIED' });
});

test('resolve() to push fails when the login has ended', async () => {
  const said = 'Your authorization token has expired. Reauthenticate and try again.';
  await using registry = registryWithImage(() => registryErrorBody(403, 'DENIED', said));
  const resolving = openTestRepository(registry.host).resolve('v1');
  await expect(resolving).rejects.toMatchObject({ code: 'DENIED' });
});

test.each([
  ['no digest', { 'content-type': root.mediaType, 'content-length': '400' }],
  [
    'a broken digest',
    {
      ...{ 'content-type': root.mediaType, 'content-length': '400' },
      'docker-content-digest': 'sha256:x',
    },
  ],
  [
    'no type of a document',
    { 'content-type': 'application/json', 'docker-content-digest': root.digest },
  ],
])('resolve() asks with GET when HEAD gives %s', async (_, headers) => {
  await using registry = registryWithImage(({ method }) =>
    method === 'HEAD' ? new Response(null, { headers }) : undefined,
  );
  const repository = openTestRepository(registry.host, { access: 'pull' });
  expect(await repository.resolve('v1')).toEqual(root);
  expect(registry.lines()).toEqual(['HEAD /v2/app/manifests/v1', 'GET /v2/app/manifests/v1']);
});

test('resolve() asks with GET where HEAD is not allowed', async () => {
  await using registry = registryWithImage(({ method }) =>
    method === 'HEAD' ? new Response(null, { status: 405 }) : undefined,
  );
  expect(await openTestRepository(registry.host).resolve('v1')).toEqual(root);
});

test('resolve() leaves parameters of the content type out', async () => {
  await using registry = registryWithImage();
  registry.manifests.set('app:v1', { mediaType: `${root.mediaType}; charset=utf-8`, bytes });
  expect(await openTestRepository(registry.host).resolve('v1')).toEqual(root);
});

test('open() of a document gives its exact bytes', async () => {
  await using registry = registryWithImage();
  const content = await openTestRepository(registry.host).open(root);
  expect(await readStream(content.stream())).toEqual(Buffer.from(bytes));
});

test('open() refuses other bytes than the digest names, whatever the header says', async () => {
  const other = json({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [] });
  await using registry = registryWithImage(({ method }) =>
    method === 'GET'
      ? new Response(new Uint8Array(other), {
          headers: { 'content-type': root.mediaType, 'docker-content-digest': root.digest },
        })
      : undefined,
  );
  const opening = openTestRepository(registry.host).open(root);
  await expect(opening).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' });
});

test('open() reads no document above 4 MiB', async () => {
  await using registry = registryWithImage(() => new Response(new Uint8Array(5 * 1024 * 1024)));
  const opening = openTestRepository(registry.host).open(root);
  await expect(opening).rejects.toMatchObject({ code: 'REGISTRY' });
});

test('resolve() for a push says what a tag names, also when it is nothing that finch reads', async () => {
  const old = new Uint8Array(json({ schemaVersion: 1, fsLayers: [] }));
  const digest = digestOf(old);
  const mediaType = mediaTypes.dockerSchema1Signed;
  for (const header of [{ 'docker-content-digest': digest }, {}]) {
    const headers = { 'content-type': mediaType, 'content-length': String(old.length), ...header };
    await using registry = registryWithImage(
      ({ method }) => new Response(method === 'HEAD' ? null : old, { headers }),
    );
    const named = await openTestRepository(registry.host, { access: 'push' }).resolve('v1');
    expect(named).toEqual({ mediaType, digest, size: old.length });
  }
});

test('resolve() refuses a Docker schema 1 manifest with a hint', async () => {
  const old = new Uint8Array(json({ schemaVersion: 1, fsLayers: [] }));
  const headers = { 'content-type': mediaTypes.dockerSchema1Signed };
  await using registry = registryWithImage(() => new Response(old, { headers }));
  const repository = openTestRepository(registry.host, { access: 'pull' });
  await expect(repository.resolve('v1')).rejects.toMatchObject({
    code: 'DOCUMENT_INVALID',
    hint: 'pull and push the image again with a current tool to convert it',
  });
});

test('write() and tag() send the exact bytes with their media type', async () => {
  await using registry = startFakeRegistry();
  const repository = openTestRepository(registry.host);
  await repository.write(root, memoryContent(bytes));
  await repository.tag(['v1'], root, bytes);
  expect(registry.lines()).toEqual([
    `PUT /v2/app/manifests/${root.digest}`,
    'PUT /v2/app/manifests/v1',
  ]);
  expect(registry.requests.map(({ headers }) => headers.get('content-type'))).toEqual([
    root.mediaType,
    root.mediaType,
  ]);
  expect(registry.manifests.get('app:v1')?.bytes).toEqual(bytes);
});

test('tag() sends nothing when the bytes are not those of the descriptor', async () => {
  await using registry = startFakeRegistry();
  const tagging = openTestRepository(registry.host).tag(['v1'], root, json({}));
  await expect(tagging).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' });
  expect(registry.requests).toEqual([]);
});

test('tag() is a CONTENT_MISMATCH when the registry kept something else', async () => {
  const kept = digestOf(json({}));
  await using registry = startFakeRegistry({
    script: () => new Response(null, { status: 201, headers: { 'docker-content-digest': kept } }),
  });
  await expect(openTestRepository(registry.host).tag(['v1'], root, bytes)).rejects.toMatchObject({
    code: 'CONTENT_MISMATCH',
    message: `registry ${registry.host} kept ${kept} for ${root.digest}`,
  });
});

test('tag() goes through although the registry is busy at first', async () => {
  let requests = 0;
  await using registry = startFakeRegistry({
    script: () => (requests++ < 2 ? new Response(null, { status: 503 }) : undefined),
  });
  await openTestRepository(registry.host).tag(['v1'], root, bytes);
  expect(registry.manifests.has('app:v1')).toBe(true);
});

test('tag() is sent once more when the registry mistook a blob that another client was sending', async () => {
  let puts = 0;
  await using registry = registryWithImage(({ method }) =>
    method === 'PUT' && ++puts === 1
      ? registryErrorBody(400, 'DIGEST_INVALID', 'provided digest did not match')
      : undefined,
  );
  for (const [digest, blob] of image.blobs) registry.blobs.set(digest, new Uint8Array(blob));
  const repository = openTestRepository(registry.host);
  await repository.tag(['v2'], root, bytes);
  expect(puts).toBe(2);
  registry.blobs.clear();
  puts = 0;
  await expect(repository.tag(['v3'], root, bytes)).rejects.toMatchObject({ code: 'REGISTRY' });
  expect(puts).toBe(1);
});
