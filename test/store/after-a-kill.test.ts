import { Database } from 'bun:sqlite';
import { expect, test } from 'bun:test';
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { stageFile } from '../../src/host/atomic-file.ts';
import { currentOwner, ingestName } from '../../src/host/owner.ts';
import { digestOf, parseDigest } from '../../src/oci/digest.ts';
import { writeAll } from '../support/content-store-contract.ts';
import { buildImage } from '../support/images.ts';
import { makeTestStore } from './store-under-test.ts';

const nothing = new Uint8Array();

/** What a process that has ended would have written down about itself. */
function deadOwner(): string {
  const path = join(import.meta.dir, '../../src/host/owner.ts');
  const script = `
    import { currentOwner } from ${JSON.stringify(path)};
    process.stdout.write(currentOwner());`;
  return Bun.spawnSync([process.execPath, '--eval', script]).stdout.toString();
}

test('an index.json that a killed process had not published is removed at once, that of a living one is not', async () => {
  await using made = await makeTestStore();
  const index = join(made.path, 'index.json');
  const dead = await stageFile(index, nothing, { owner: deadOwner() });
  await using alive = await stageFile(index, nothing, { owner: currentOwner() });
  await using _second = await made.reopen();
  const files = (await readdir(made.path)).map((name) => join(made.path, name));
  expect(files).not.toContain(dead.temporaryPath);
  expect(files).toContain(alive.temporaryPath);
});

test('names that a killed process changed and did not show are in index.json when the store is opened next', async () => {
  await using made = await makeTestStore();
  const image = buildImage();
  await writeAll(made.store, image);
  const names = ['docker.io/library/a:1', 'docker.io/library/b:1'];
  await made.store.changeNames({ set: names.map((name) => ({ name, target: image.root })) });
  using database = new Database(join(made.path, 'meta.db'));
  database.run('DELETE FROM names WHERE name = ?', [names[0] ?? '']);
  database.run('UPDATE index_file SET generation = generation + 1');
  await using _second = await made.reopen();
  const { manifests } = await Bun.file(join(made.path, 'index.json')).json();
  expect(manifests).toHaveLength(1);
});

test('a blob that a killed process had not noted as freed is put back, and what it had noted is removed', async () => {
  await using made = await makeTestStore();
  const image = buildImage();
  await writeAll(made.store, image);
  await made.store.changeNames({ set: [{ name: 'docker.io/library/a:1', target: image.root }] });
  const blob = (digest: string) => join(made.path, 'blobs', digest.replace(':', '/'));
  const trashed = (digest: string) => {
    const name = `${ingestName(deadOwner())}.${digest.replace(':', '.')}`;
    return join(made.path, 'trash', name);
  };
  const layer = image.order[0]?.digest ?? '';
  await rename(blob(layer), trashed(layer));
  const freed = digestOf(new TextEncoder().encode('freed'));
  await Bun.write(trashed(freed), 'freed');
  await using second = await made.reopen();
  expect(digestOf(await Bun.file(blob(layer)).bytes())).toBe(parseDigest(layer));
  expect(await second.has(image.root)).toBe(true);
  expect(await Bun.file(blob(freed)).exists()).toBe(false);
  expect(await readdir(join(made.path, 'trash'))).toEqual([]);
});
