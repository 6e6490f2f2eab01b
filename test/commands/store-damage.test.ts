import { describe, expect, test } from 'bun:test';
import {
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { expectError } from '../e2e/support/expectations.ts';
import { filesIn } from '../e2e/support/home-contents.ts';
import type { Finch } from './command-line.ts';
import { app, expectSound, inStore, makePipe, names, other, twoImages } from './damaged-home.ts';

const [layer, config, manifest] = app.order as [Descriptor, Descriptor, Descriptor];

const HINT = 'run: finch store repair, then pull or load the images again';

const blobPath = (place: Finch, { digest }: Descriptor) =>
  inStore(place, 'blobs', digest.replace(':', '/'));

async function flipByte(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[5] = (bytes[5] ?? 0) ^ 1;
  await rm(path);
  await writeFile(path, bytes);
}

/** What may happen to the file of a blob, and what `finch store verify` says of it. */
const DAMAGES: readonly [string, (path: string) => Promise<unknown>, RegExp][] = [
  ['cut short', (path) => truncate(path, 10), / has 10 bytes instead of \d+;/],
  ['empty', (path) => truncate(path, 0), / has 0 bytes instead of \d+;/],
  ['changed in a bit', flipByte, / has other content;/],
  ['gone', (path) => rm(path), / is missing;/],
  [
    'a folder',
    (path) => rm(path).then(() => mkdir(join(path, 'x'), { recursive: true })),
    / is not a file;/,
  ],
  [
    'a link',
    (path) => rename(path, `${path}.2`).then(() => symlink(`${path}.2`, path)),
    / is not a file;/,
  ],
  ['a pipe', makePipe, / is not a file;/],
];

describe.each(DAMAGES)('a blob that is %s', (_, damage, said) => {
  test.each([
    ['layer', layer],
    ['config', config],
    ['manifest', manifest],
  ])('as %s: images are listed, verify names it, load brings it back', async (_, descriptor) => {
    await using place = await twoImages();
    await damage(blobPath(place, descriptor));
    expect(await names(place)).toEqual(['docker.io/library/app:1', 'docker.io/library/other:1']);

    const before = await filesIn(place.home);
    const { status, stdout, stderr } = await place.run('store', 'verify');
    expect(status).toBe(1);
    expectError(stderr, /^finch: 1 of the blobs in .*store are missing or damaged$/, `${HINT}`);
    expect(stdout).toStartWith(descriptor.digest);
    expect(stdout).toMatch(said);
    expect(stdout).toEndWith('; needed by docker.io/library/app:1\n');
    expect(await filesIn(place.home)).toEqual(before);

    await place.load(app, 'app:1');
    await rm(`${blobPath(place, descriptor)}.2`, { force: true });
    await expectSound(place);
  });

  test('can be repaired, and removed', async () => {
    await using place = await twoImages();
    await damage(blobPath(place, layer));
    expect((await place.stdout('store', 'repair')).split('\n').slice(1)).toEqual([
      'pull or load again: docker.io/library/app:1',
      '',
    ]);
    expect(await place.stdout('rmi', 'app:1')).toContain('Untagged: docker.io/library/app:1');
    await rm(`${blobPath(place, layer)}.2`, { force: true });
    await expectSound(place, [other]);
    for (const folder of ['trash', 'ingest'])
      expect(await readdir(inStore(place, folder))).toEqual([]);
  });
});

test('a bit that changed in silence is found by verify, and after a repair load brings the layer back', async () => {
  await using place = await twoImages();
  const path = blobPath(place, layer);
  const before = join(place.home, '../before');
  Bun.spawnSync(['cp', '-p', path, before]);
  const bytes = await readFile(path);
  bytes[20] = (bytes[20] ?? 0) ^ 1;
  await writeFile(path, bytes);
  Bun.spawnSync(['touch', '-r', before, path]);
  await place.load(app, 'app:1');
  expect((await place.run('store', 'verify')).stdout).toContain('has other content');
  expect(await place.stdout('store', 'repair')).toContain(`forgotten: ${layer.digest}`);
  await place.load(app, 'app:1');
  await expectSound(place);
});

test('a home that was copied is verified once more, and nothing in it is lost', async () => {
  await using place = await twoImages();
  Bun.spawnSync(['cp', '-r', place.home, `${place.home}.copy`]);
  await rm(place.home, { recursive: true });
  await rename(`${place.home}.copy`, place.home);
  await place.stdout('tag', 'app:1', 'app:2');
  await place.stdout('rmi', 'app:1');
  expect(await names(place)).toEqual(['docker.io/library/app:2', 'docker.io/library/other:1']);
  await expectSound(place);
});
