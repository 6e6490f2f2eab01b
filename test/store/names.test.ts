import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { memoryContent } from '../../src/content.ts';
import { describe as describeBytes } from '../../src/oci/descriptor.ts';
import { digestOf, digestParts } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { layerOf, writeAll } from '../support/content-store-contract.ts';
import { buildImage, buildIndex, json } from '../support/images.ts';
import { makeTestStore, writeReferrer } from './store-under-test.ts';

const image = buildImage();
const other = buildImage({ labels: { other: 'yes' } });

test('names() lists newest first, and names of one moment in alphabetical order', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  made.clock = 1_000;
  const target = image.root;
  await made.store.changeNames({
    set: ['docker.io/library/b:1', 'docker.io/library/a:1'].map((name) => ({ name, target })),
  });
  made.clock = 2_000;
  await made.store.changeNames({ set: [{ name: 'docker.io/library/z:1', target }] });
  expect(made.store.names()).toEqual([
    { name: 'docker.io/library/z:1', target, createdAt: new Date(2_000) },
    { name: 'docker.io/library/a:1', target, createdAt: new Date(1_000) },
    { name: 'docker.io/library/b:1', target, createdAt: new Date(1_000) },
  ]);
});

test('changeNames() moves a name that exists, and makes it new', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  await writeAll(made.store, other);
  const name = 'ghcr.io/me/app:1';
  made.clock = 1_000;
  await made.store.changeNames({ set: [{ name, target: image.root }] });
  made.clock = 2_000;
  await made.store.changeNames({ set: [{ name, target: other.root }] });
  expect(made.store.name(name)).toEqual({ name, target: other.root, createdAt: new Date(2_000) });
  await made.store.changeNames({ remove: [name, 'ghcr.io/me/app:none'] });
  expect(made.store.name(name)).toBeUndefined();
});

test('changeNames() changes nothing when one target is not here', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  const kept = { name: 'docker.io/library/a:1', target: image.root };
  await made.store.changeNames({ set: [kept] });
  const changes = {
    remove: [kept.name],
    set: [
      { name: 'docker.io/library/b:1', target: image.root },
      { name: 'docker.io/library/c:1', target: other.root },
    ],
  };
  await expect(made.store.changeNames(changes)).rejects.toMatchObject({ code: 'CONTENT_MISSING' });
  expect(made.store.names().map(({ name }) => name)).toEqual([kept.name]);
});

test('changeNames() gives no name to a manifest that lost a layer', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  const [layer] = image.order;
  if (layer === undefined) throw new Error('no layer');
  await made.store.remove(layer.digest);
  const set = [{ name: 'docker.io/library/a:1', target: image.root }];
  await expect(made.store.changeNames({ set })).rejects.toMatchObject({ code: 'CONTENT_MISSING' });
});

test('a name that one process gives is seen by another', async () => {
  await using made = await makeTestStore();
  await using second = await made.reopen();
  await writeAll(made.store, image);
  await made.store.changeNames({ set: [{ name: 'docker.io/library/a:1', target: image.root }] });
  expect(second.names()).toHaveLength(1);
  expect(await second.has(image.root)).toBe(true);
});

test('targetsByPrefix() gives every name of each target, newest first', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  await writeAll(made.store, other);
  made.clock = 1_000;
  await made.store.changeNames({
    set: [
      { name: 'docker.io/library/old:1', target: image.root },
      { name: 'docker.io/library/other:1', target: other.root },
    ],
  });
  made.clock = 2_000;
  await made.store.changeNames({
    set: [{ name: 'docker.io/library/new:1', target: image.root }],
  });
  const { hex } = digestParts(image.root.digest);
  const found = (prefix: string) => made.store.targetsByPrefix(prefix).map(({ name }) => name);
  const both = ['docker.io/library/new:1', 'docker.io/library/old:1'];
  expect(found(hex)).toEqual(both);
  expect(found(hex.slice(0, 12))).toEqual(both);
  expect(found('')).toEqual([...both, 'docker.io/library/other:1']);
  for (const none of [`${hex}0`, 'g', "' OR 1", hex.toUpperCase()]) expect(found(none)).toEqual([]);
});

test('reaches() follows an index down to the layers, for the names with the prefix alone', async () => {
  await using made = await makeTestStore();
  const index = buildIndex([{ image }]);
  await writeAll(made.store, index);
  await writeAll(made.store, other);
  await made.store.changeNames({
    set: [
      { name: 'ghcr.io/me/app:1', target: index.root },
      { name: 'ghcr.io/me/apple:1', target: other.root },
    ],
  });
  for (const { digest } of index.order) {
    expect(made.store.reaches('ghcr.io/me/app:', digest)).toBe(true);
    expect(made.store.reaches('ghcr.io/me/ap:', digest)).toBe(false);
  }
  expect(made.store.reaches('ghcr.io/me/app:', other.root.digest)).toBe(false);
  expect(made.store.reaches('ghcr.io/me/app', other.root.digest)).toBe(true);
  expect(made.store.reaches('', layerOf(1).descriptor.digest)).toBe(false);
});

test('referrers() describes the manifests whose subject it is', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  const empty = json({});
  const config = describeBytes(mediaTypes.empty, digestOf(empty), empty);
  const bytes = json({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: 'application/spdx+json',
    config,
    layers: [],
    subject: image.root,
    annotations: { by: 'a test' },
  });
  const referrer = describeBytes(mediaTypes.manifest, digestOf(bytes), bytes);
  await made.store.write(config, memoryContent(empty));
  await made.store.write(referrer, memoryContent(bytes));
  expect([...made.store.referrers(image.root.digest)]).toEqual([
    { ...referrer, artifactType: 'application/spdx+json', annotations: { by: 'a test' } },
  ]);
  expect([...made.store.referrers(referrer.digest)]).toEqual([]);
});

test('referrers() leaves out what breaks the rules of documents, as an older finch may have kept it', async () => {
  await using made = await makeTestStore();
  await writeAll(made.store, image);
  const sound = await writeReferrer(made.store, image.root);
  const text = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.manifest });
  const bytes = new TextEncoder().encode(text.replace('{', '{"config":1,"config":2,'));
  const broken = describeBytes('application/octet-stream', digestOf(bytes), bytes);
  await made.store.write(broken, memoryContent(bytes));
  using database = new Database(join(made.path, 'meta.db'));
  database.run('UPDATE blobs SET media_type = ? WHERE digest = ?', [
    sound.mediaType,
    broken.digest,
  ]);
  database.run("INSERT INTO edges VALUES (?, ?, 'referrer')", [image.root.digest, broken.digest]);
  const found = [...made.store.referrers(image.root.digest)].map(({ digest }) => digest);
  expect(found).toEqual([sound.digest]);
});
