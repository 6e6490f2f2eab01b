import { expect, test } from 'bun:test';
import { bridgeNaming } from '../../src/server/naming.ts';
import { buildImage, layerTar } from '../support/images.ts';
import { namesOf, outcome, push, serve } from './served.ts';

const login = { user: 'finch', password: 'a-token' };
const authorization = `Basic ${btoa('finch:a-token')}`;

test('a registry with a login answers nobody without it', async () => {
  await using registry = await serve({ login });
  const ask = async (headers: Record<string, string>, path = '/v2/') =>
    outcome(await fetch(registry.url + path, { headers }));
  const wrong = ['Basic', `basic ${btoa('finch:a-tokem')}`, `Basic ${btoa('Finch:a-token')}`];
  for (const given of [{}, ...wrong.map((text) => ({ authorization: text }))]) {
    expect(await ask(given)).toEqual([401, 'UNAUTHORIZED']);
    expect(await ask(given, '/elsewhere')).toEqual([401, 'UNAUTHORIZED']);
  }
  expect(await ask({ authorization })).toEqual([200]);
  expect(await ask({ authorization: authorization.replace('Basic', 'basic') })).toEqual([200]);
});

test('at the bridge the first part of a path is the host of a registry', async () => {
  await using registry = await serve({ naming: bridgeNaming });
  const built = buildImage();
  await push(registry.url, 'docker.io/library/app:1', built);
  await push(registry.url, 'registry.example__5000/team/app:1', built);
  expect(namesOf(registry.store)).toEqual([
    'docker.io/library/app:1',
    'registry.example:5000/team/app:1',
  ]);
  const catalog = await fetch(`${registry.url}/v2/_catalog`);
  expect(await catalog.json()).toEqual({
    repositories: ['docker.io/library/app', 'registry.example__5000/team/app'],
  });
  for (const path of ['app', 'library/app', 'team/app']) {
    const answer = await fetch(`${registry.url}/v2/${path}/manifests/1`);
    expect(await outcome(answer)).toEqual([400, 'NAME_INVALID']);
  }
});

test('a client that says which registry it means gets the images of that', async () => {
  await using registry = await serve({ naming: bridgeNaming });
  const built = buildImage();
  await push(registry.url, 'docker.io/library/app:1', built);
  const status = async (path: string, upstream: string) =>
    (await fetch(`${registry.url}/v2/${path}/manifests/1?ns=${encodeURIComponent(upstream)}`))
      .status;
  for (const hub of ['docker.io', 'index.docker.io', 'registry-1.docker.io']) {
    expect(await status('library/app', hub)).toBe(200);
  }
  expect(await status('library/app', 'other.example')).toBe(404);
  for (const upstream of ['', 'library', '../x', 'a b', 'docker.io/library', 'docker.io?x']) {
    expect(await status('library/app', upstream)).toBe(400);
  }
});

test('what a client is told to go on with needs no more words than the path', async () => {
  await using registry = await serve({ naming: bridgeNaming });
  const uploads = `${registry.url}/v2/library/app/blobs/uploads/?ns=docker.io`;
  const started = await fetch(uploads, { method: 'POST' });
  const location = started.headers.get('location') ?? '';
  expect(location).toStartWith('/v2/docker.io/library/app/blobs/uploads/');
  expect((await fetch(registry.url + location)).status).toBe(204);
  // As containerd asks whether a blob need not be sent, without the host.
  const mounting = `${registry.url}/v2/docker.io/library/app/blobs/uploads/?from=library/other&mount=sha256:${'0'.repeat(64)}`;
  expect((await fetch(mounting, { method: 'POST' })).status).toBe(202);
});

test('pages of tags go on at the same registry', async () => {
  await using registry = await serve({ naming: bridgeNaming });
  const built = buildImage();
  for (const tag of ['1', '2']) await push(registry.url, `docker.io/library/app:${tag}`, built);
  const first = await fetch(`${registry.url}/v2/library/app/tags/list?n=1&ns=docker.io`);
  const [, next = ''] = /^<(.*)>/.exec(first.headers.get('link') ?? '') ?? [];
  expect(await (await fetch(registry.url + next)).json()).toMatchObject({ tags: ['2'] });
});

test('at the bridge a tag that is moved lets go of what it named', async () => {
  await using registry = await serve({ naming: bridgeNaming });
  const [before, after] = ['before', 'after'].map((text) =>
    buildImage({ layers: [layerTar(text)] }),
  );
  if (before === undefined || after === undefined) throw new Error('two are built');
  await push(registry.url, 'docker.io/library/app:1', before);
  await push(registry.url, 'docker.io/library/app:1', after);
  expect(namesOf(registry.store)).toEqual(['docker.io/library/app:1']);
  while (registry.store.stat(before.root.digest) !== undefined) await Bun.sleep(10);
  expect(registry.store.stat(after.root.digest)).toBeDefined();
});
