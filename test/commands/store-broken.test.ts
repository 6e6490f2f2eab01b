import { describe, expect, test } from 'bun:test';
import { mkdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expectError } from '../e2e/support/expectations.ts';
import { buildImage, layerTar } from '../support/images.ts';
import {
  app,
  expectSound,
  fails,
  inStore,
  makePipe,
  names,
  other,
  twoImages,
} from './damaged-home.ts';

/** What may happen to `meta.db` so that it cannot be used. */
const BROKEN: readonly [string, (path: string) => Promise<unknown>][] = [
  ['cut in the middle', (path) => truncate(path, 20_000)],
  ['garbage', (path) => writeFile(path, 'this is no database')],
  ['zeros', async (path) => writeFile(path, new Uint8Array((await stat(path)).size))],
  ['a folder', (path) => rm(path).then(() => mkdir(path))],
  ['a pipe', makePipe],
];

describe.each(BROKEN)('a meta.db that is %s', (_, damage) => {
  test('makes every command fail, until repair builds it again from index.json and the blobs', async () => {
    await using place = await twoImages();
    const listed = await place.stdout('images', '--format', '{{.Name}} {{.ID}} {{.Size}}');
    await damage(inStore(place, 'meta.db'));
    for (const argv of [['images'], ['tag', 'app:1', 'x'], ['rmi', 'app:1'], ['store', 'verify']]) {
      const { status, stdout, stderr } = await place.run(...argv);
      expect([status, stdout]).toEqual([1, '']);
      expectError(stderr, /meta\.db is damaged$/, 'run: finch store repair');
    }
    expect(await place.stdout('store', 'repair')).toMatch(
      /^set aside and made again: .*meta\.db\.damaged-2026\d+T\d+Z\n$/,
    );
    const sorted = (text: string) => text.split('\n').toSorted();
    expect(sorted(await place.stdout('images', '--format', '{{.Name}} {{.ID}} {{.Size}}'))).toEqual(
      sorted(listed),
    );
    await expectSound(place);
    expect(await place.stdout('store', 'repair')).toEndWith(': nothing to repair\n');
  });
});

test.each([
  ['removed', (path: string) => rm(path)],
  ['emptied', (path: string) => truncate(path, 0)],
])('a meta.db that was %s comes back from index.json', async (_, damage) => {
  await using place = await twoImages();
  await damage(inStore(place, 'meta.db'));
  expect(await names(place)).toEqual(['docker.io/library/app:1', 'docker.io/library/other:1']);
  await expectSound(place);
});

test('names that only the damaged meta.db still has come back from there', async () => {
  await using place = await twoImages();
  const path = inStore(place, 'meta.db');
  const bytes = await readFile(path);
  // Pages that the names are not on: what is not read is not missed.
  const { Database } = await import('bun:sqlite');
  using database = new Database(path, { readonly: true });
  const { rootpage } = database
    .query<{ rootpage: number }, []>("SELECT rootpage FROM sqlite_schema WHERE name = 'edges'")
    .get() ?? { rootpage: 1 };
  bytes.fill(0xff, (rootpage - 1) * 4096, rootpage * 4096);
  await writeFile(path, bytes);
  await rm(inStore(place, 'index.json'));
  expect(await place.stdout('store', 'repair')).toEndWith(
    'named: docker.io/library/app:1\nnamed: docker.io/library/other:1\n',
  );
  expect(await names(place)).toEqual(['docker.io/library/app:1', 'docker.io/library/other:1']);
  await expectSound(place);
});

test('images whose names are lost everywhere are kept as recovered ones', async () => {
  await using place = await twoImages();
  await writeFile(inStore(place, 'meta.db'), 'garbage');
  await writeFile(inStore(place, 'index.json'), 'garbage');
  await place.stdout('store', 'repair');
  const digests = [app, other].map(({ root }) => root.digest).toSorted();
  expect(await names(place)).toEqual(
    digests.map((digest) => `docker.io/library/recovered@${digest}`),
  );
  await place.stdout('tag', app.root.digest.slice(7, 20), 'app:1');
  await expectSound(place, [app, other, app]);
});

test('a meta.db of a newer finch is not repaired', async () => {
  await using place = await twoImages();
  // The empty file that it locks stays.
  await place.stdout('store', 'repair');
  const { Database } = await import('bun:sqlite');
  {
    using database = new Database(inStore(place, 'meta.db'));
    database.run('PRAGMA user_version = 7');
  }
  expect(await fails(place, 'images')).toContain('was made by a newer finch (format 7, this one');
  expect(await fails(place, 'store', 'repair')).toContain('was made by a newer finch');
});

/** What other programs may make of `index.json`. */
const INDEXES: readonly [string, (path: string) => Promise<unknown>][] = [
  ['gone', (path) => rm(path)],
  ['empty', (path) => truncate(path, 0)],
  ['half a file', (path) => truncate(path, 60)],
  ['no JSON', (path) => writeFile(path, '\u001b[31mhello')],
  ['another document', (path) => writeFile(path, '[1, 2, 3]')],
  ['full of entries that are none', (path) => writeFile(path, hostileIndex())],
  ['larger than anything sensible', (path) => truncate(path, 2 ** 36)],
  ['a folder', (path) => rm(path).then(() => mkdir(join(path, 'x'), { recursive: true }))],
  ['a pipe', makePipe],
];

function hostileIndex(): string {
  const digest = `sha256:${'0'.repeat(64)}`;
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const named = (name: unknown) => ({
    ...{ mediaType, digest, size: 1 },
    annotations: { 'org.opencontainers.image.ref.name': name },
  });
  const odd = ['../../x', '\u001b[2J', 'a'.repeat(10_000), '', 7, null].map(named);
  const broken = [
    { digest: 'sha256:../../../etc/passwd', size: -1 },
    null,
    'x',
    [],
    { size: 1e300 },
  ];
  const missing = Array.from({ length: 20_000 }, (_, i) => named(`registry.example/a:${i}`));
  return JSON.stringify({ manifests: [...odd, ...broken, ...missing] });
}

test.each(INDEXES)(
  'an index.json that is %s changes no name, and is written again by the next change',
  async (_, damage) => {
    await using place = await twoImages();
    const path = inStore(place, 'index.json');
    await damage(path);
    expect(await names(place)).toEqual(['docker.io/library/app:1', 'docker.io/library/other:1']);
    await place.stdout('tag', 'app:1', 'app:2');
    await place.stdout('rmi', 'app:1');
    if ((await stat(path)).isDirectory()) await place.stdout('store', 'repair');
    const { manifests } = JSON.parse(await readFile(path, 'utf8')) as { manifests: object[] };
    expect(manifests.slice(0, 2)).toMatchObject([
      { annotations: { 'io.containerd.image.name': 'docker.io/library/app:2' } },
      { annotations: { 'io.containerd.image.name': 'docker.io/library/other:1' } },
    ]);
    await expectSound(place);
  },
);

test.each([['oci-layout'], ['ingest'], ['trash'], ['reserve'], ['blobs/sha512'], ['index.json']])(
  'the store goes on without its %s, which comes back',
  async (name) => {
    await using place = await twoImages();
    await rm(inStore(place, name), { recursive: true });
    await place.load(buildImage({ layers: [layerTar('third')] }), 'third:1');
    await place.stdout('rmi', 'third:1');
    await expectSound(place);
    if (name !== 'blobs/sha512') expect((await stat(inStore(place, name))).size).toBeGreaterThan(0);
  },
);

test('without its blobs the store lists its names, and load brings them back', async () => {
  await using place = await twoImages();
  await rm(inStore(place, 'blobs'), { recursive: true });
  expect(await names(place)).toHaveLength(2);
  expect((await place.run('store', 'verify')).stdout.trimEnd().split('\n')).toHaveLength(6);
  for (const [built, name] of [
    [app, 'app:1'],
    [other, 'other:1'],
  ] as const) {
    await place.load(built, name);
  }
  await expectSound(place);
});

describe('a clock that jumps', () => {
  test.each([
    ['back to 1970', 0, 'Less than a second ago'],
    ['far ahead', Date.UTC(2999, 0), '973 years ago'],
  ])('%s: images are listed, given names, loaded and removed', async (_, now, age) => {
    await using place = await twoImages();
    place.now = now;
    expect(await place.stdout('images', '--format', '{{.CreatedSince}}')).toBe(`${age}\n${age}\n`);
    await place.stdout('tag', 'app:1', 'app:2');
    await place.load(buildImage({ layers: [layerTar('third')] }), 'third:1');
    await place.stdout('rmi', 'third:1', 'app:1');
    await expectSound(place);
  });
});

test('tag frees the image that had the name, when it has no other', async () => {
  await using place = await twoImages();
  await place.stdout('tag', 'other:1', 'app:1');
  expect(await place.stdout('store', 'verify')).toStartWith('2 names, 3 blobs, ');
});
