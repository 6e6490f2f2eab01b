import { expect, test } from 'bun:test';
import { digestOf } from '../../src/oci/digest.ts';
import { buildImage, buildIndex, buildMultiPlatform, json } from '../support/images.ts';
import { namesOf, outcome, push, putDocument, serve } from './served.ts';

const amd64 = buildImage();
const arm64 = buildImage({ platform: { os: 'linux', architecture: 'arm64' } });
const both = buildIndex([{ image: amd64 }, { image: arm64 }]);

function remove(url: string, path: string): Promise<Response> {
  return fetch(`${url}/v2/${path}`, { method: 'DELETE' });
}

test('a path is a name on Docker Hub, or of the registry that it begins with', async () => {
  await using registry = await serve();
  await push(registry.url, 'hello-finch:1', amd64);
  await push(registry.url, 'me/app:1', amd64);
  await push(registry.url, '111222333444.dkr.ecr.eu-west-1.amazonaws.com/hello-finch:1', amd64);
  expect(namesOf(registry.store)).toEqual([
    '111222333444.dkr.ecr.eu-west-1.amazonaws.com/hello-finch:1',
    'docker.io/library/hello-finch:1',
    'docker.io/me/app:1',
  ]);
  const { url } = registry;
  const catalog = await fetch(`${url}/v2/_catalog`);
  expect(await catalog.json()).toEqual({
    repositories: [
      '111222333444.dkr.ecr.eu-west-1.amazonaws.com/hello-finch',
      'hello-finch',
      'me/app',
    ],
  });
  expect((await fetch(`${url}/v2/library/hello-finch/manifests/1`)).status).toBe(200);
});

test('what the store knows already can be pulled', async () => {
  await using registry = await serve();
  await push(registry.url, 'hello:1', amd64);
  await registry.store.changeNames({
    set: [{ name: 'ghcr.io/me/app:2', target: amd64.root }],
    remove: ['docker.io/library/hello:1'],
  });
  expect((await fetch(`${registry.url}/v2/ghcr.io/me/app/manifests/2`)).status).toBe(200);
  expect((await fetch(`${registry.url}/v2/hello/manifests/1`)).status).toBe(404);
});

test('a repository name that the store cannot keep is invalid', async () => {
  await using registry = await serve();
  for (const name of ['A', 'a//b', 'a_', '-a', 'a'.repeat(300), '0'.repeat(64), 'a/_b', 'a%00']) {
    const response = await fetch(`${registry.url}/v2/${name}/tags/list`);
    expect([name, ...(await outcome(response))]).toEqual([name, 400, 'NAME_INVALID']);
  }
});

test('a pushed image of two platforms ends as one name', async () => {
  await using registry = await serve();
  await push(registry.url, 'hello:1', both);
  expect(namesOf(registry.store)).toEqual(['docker.io/library/hello:1']);
  for (const { root } of [amd64, arm64, both]) {
    expect((await fetch(`${registry.url}/v2/hello/manifests/${root.digest}`)).status).toBe(200);
    expect((await fetch(`${registry.url}/v2/other/manifests/${root.digest}`)).status).toBe(404);
  }
});

test('a document pushed by digest alone is kept and seen by its digest', async () => {
  await using registry = await serve();
  await push(registry.url, 'hello:1', amd64);
  const bytes = amd64.blobs.get(amd64.root.digest) ?? new Uint8Array();
  const url = `${registry.url}/v2/other/manifests/${amd64.root.digest}`;
  expect((await putDocument(url, bytes, amd64.root)).status).toBe(201);
  expect((await fetch(url)).status).toBe(200);
  expect(namesOf(registry.store)).toEqual([
    'docker.io/library/hello:1',
    `docker.io/library/other@${amd64.root.digest}`,
  ]);
  const tags = await fetch(`${registry.url}/v2/other/tags/list`);
  expect(await tags.json()).toEqual({ name: 'other', tags: [] });
});

test('a document that a tag reaches gets no second name when it is pushed by digest', async () => {
  await using registry = await serve();
  await push(registry.url, 'hello:1', both);
  const bytes = amd64.blobs.get(amd64.root.digest) ?? new Uint8Array();
  await putDocument(`${registry.url}/v2/hello/manifests/${amd64.root.digest}`, bytes, amd64.root);
  expect(namesOf(registry.store)).toEqual(['docker.io/library/hello:1']);
});

test('what a tag named before it was moved stays, by its digest', async () => {
  await using registry = await serve();
  await push(registry.url, 'hello:1', amd64);
  await push(registry.url, 'hello:1', arm64);
  expect(namesOf(registry.store)).toEqual([
    'docker.io/library/hello:1',
    `docker.io/library/hello@${amd64.root.digest}`,
  ]);
  await push(registry.url, 'hello:1', both);
  expect(namesOf(registry.store)).toEqual(['docker.io/library/hello:1']);
});

test('what a tag named before it was moved needs no name when another tag reaches it', async () => {
  await using registry = await serve();
  await push(registry.url, 'hello:1', amd64);
  await push(registry.url, 'hello:same', amd64);
  await push(registry.url, 'hello:1', arm64);
  await push(registry.url, 'hello:all', both);
  await push(registry.url, 'hello:same', buildImage({ labels: { new: 'yes' } }));
  expect(namesOf(registry.store)).toEqual([
    'docker.io/library/hello:1',
    'docker.io/library/hello:all',
    'docker.io/library/hello:same',
  ]);
});

test('one tag whose name begins with another does not stand in for it', async () => {
  await using registry = await serve();
  await push(registry.url, 'hello:1', amd64);
  await push(registry.url, 'hello:10', arm64);
  await push(registry.url, 'hello-more:1', amd64);
  await push(registry.url, 'hello:1', arm64);
  expect(namesOf(registry.store)).toEqual([
    'docker.io/library/hello-more:1',
    'docker.io/library/hello:1',
    'docker.io/library/hello:10',
    `docker.io/library/hello@${amd64.root.digest}`,
  ]);
});

test('DELETE of a tag leaves the document', async () => {
  await using registry = await serve();
  const { url, store } = registry;
  await push(url, 'hello:1', both);
  expect(await outcome(await remove(url, 'hello/manifests/1'))).toEqual([202]);
  expect(await outcome(await remove(url, 'hello/manifests/1'))).toEqual([404, 'MANIFEST_UNKNOWN']);
  expect((await fetch(`${url}/v2/hello/manifests/1`)).status).toBe(404);
  expect((await fetch(`${url}/v2/hello/manifests/${amd64.root.digest}`)).status).toBe(200);
  expect(namesOf(store)).toEqual([`docker.io/library/hello@${both.root.digest}`]);
});

test('DELETE by digest takes the document with its tags and its members', async () => {
  await using registry = await serve();
  const { url, store } = registry;
  await push(url, 'hello:1', both);
  await push(url, 'hello:2', both);
  await push(url, 'other:1', both);
  expect(await outcome(await remove(url, `hello/manifests/${both.root.digest}`))).toEqual([202]);
  expect(namesOf(store)).toEqual(['docker.io/library/other:1']);
  for (const reference of ['1', '2', both.root.digest, amd64.root.digest]) {
    expect((await fetch(`${url}/v2/hello/manifests/${reference}`)).status).toBe(404);
  }
  expect(await outcome(await remove(url, `hello/manifests/${both.root.digest}`))).toEqual([
    404,
    'MANIFEST_UNKNOWN',
  ]);
});

test('DELETE of a member of an index that stays is refused', async () => {
  await using registry = await serve();
  const { url } = registry;
  await push(url, 'hello:1', both);
  await push(url, 'hello:amd64', amd64);
  const member = `hello/manifests/${amd64.root.digest}`;
  expect(await outcome(await remove(url, member))).toEqual([405, 'UNSUPPORTED']);
  expect((await fetch(`${url}/v2/hello/manifests/amd64`)).status).toBe(200);
});

test('DELETE of a manifest never takes a layer or a config', async () => {
  await using registry = await serve();
  const { url } = registry;
  await push(url, 'hello:1', amd64);
  for (const { digest } of amd64.order.filter(({ digest }) => digest !== amd64.root.digest)) {
    const refused = await remove(url, `hello/manifests/${digest}`);
    expect(await outcome(refused)).toEqual([404, 'MANIFEST_UNKNOWN']);
    expect((await fetch(`${url}/v2/hello/blobs/${digest}`)).status).toBe(200);
  }
});

test('DELETE of a document that another repository needs is refused', async () => {
  await using registry = await serve();
  const { url, store } = registry;
  await push(url, 'hello:1', amd64);
  const bytes = json({
    ...JSON.parse(new TextDecoder().decode(amd64.blobs.get(amd64.root.digest))),
    subject: amd64.root,
  });
  for (const repository of ['hello', 'other']) {
    const path = `${url}/v2/${repository}/manifests/${digestOf(bytes)}`;
    expect((await putDocument(path, bytes, amd64.root)).status).toBe(201);
  }
  const referrer = `hello/manifests/${digestOf(bytes)}`;
  expect(await outcome(await remove(url, referrer))).toEqual([405, 'UNSUPPORTED']);
  expect(namesOf(store)).toContain(`docker.io/library/other@${digestOf(bytes)}`);
});

test('images that are pushed at the same time end with exactly their names', async () => {
  await using registry = await serve();
  const images = [...'abcdefgh'].map((letter) => ({
    tag: letter,
    image: buildIndex([
      { image: buildImage({ labels: { letter } }) },
      { image: buildMultiPlatform('linux/amd64', 'linux/arm64') },
    ]),
  }));
  await Promise.all(images.map(({ tag, image }) => push(registry.url, `hello:${tag}`, image)));
  expect(namesOf(registry.store)).toEqual(
    images.map(({ tag }) => `docker.io/library/hello:${tag}`),
  );
});
