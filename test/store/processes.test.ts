import { expect, test } from 'bun:test';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openImageStore } from '../../src/store/open-store.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { filesIn } from './store-under-test.ts';

const WORKERS = 5;
const ROUNDS = 12;

test('processes that make, fill, name and collect one store at once never lose what a name reaches', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'store');
  const workers = Array.from({ length: WORKERS }, (_, worker) =>
    Bun.spawn(
      [process.execPath, join(import.meta.dir, 'store-worker.ts'), path, `${worker}`, `${ROUNDS}`],
      { stderr: 'pipe' },
    ),
  );
  const ends = await Promise.all(
    workers.map(async (worker) => [await worker.exited, await new Response(worker.stderr).text()]),
  );
  expect(ends).toEqual(Array.from({ length: WORKERS }, () => [0, '']));

  await using store = await openImageStore(path);
  const names = store.names();
  expect(names).toHaveLength(WORKERS);
  for (const { target } of names) expect(await store.has(target)).toBe(true);
  const index = JSON.parse(await readFile(join(path, 'index.json'), 'utf8'));
  expect(index.manifests).toHaveLength(WORKERS);
  await store.changeNames({ remove: names.map(({ name }) => name) });
  await store.collect();
  for (const part of ['blobs', 'ingest', 'trash']) expect(await filesIn(path, part)).toEqual([]);
}, 60_000);
