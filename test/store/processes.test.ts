import { expect, test } from 'bun:test';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageStore } from '../../src/store/image-store.ts';
import { openImageStore } from '../../src/store/open-store.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { filesIn } from './store-under-test.ts';

const WORKERS = 5;

function startWorkers(path: string, rounds: number) {
  const script = join(import.meta.dir, 'store-worker.ts');
  return Array.from({ length: WORKERS }, (_, worker) =>
    Bun.spawn([process.execPath, script, path, `${worker}`, `${rounds}`], {
      stdout: 'pipe',
      stderr: 'pipe',
    }),
  );
}

/** Takes all names away and checks that nothing at all is left. */
async function expectToEmpty(store: ImageStore): Promise<void> {
  await store.changeNames({ remove: store.names().map(({ name }) => name) });
  await store.collect();
  for (const part of ['blobs', 'ingest', 'trash']) {
    expect(await filesIn(store.path, part)).toEqual([]);
  }
}

test('processes that make, fill, name and collect one store at once never lose what a name reaches', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'store');
  const ends = await Promise.all(
    startWorkers(path, 20).map(async (worker) => [
      await new Response(worker.stderr).text(),
      await worker.exited,
    ]),
  );
  expect(ends).toEqual(Array.from({ length: WORKERS }, () => ['', 0]));

  await using store = await openImageStore(path);
  const names = store.names();
  expect(names).toHaveLength(WORKERS);
  for (const { target } of names) expect(await store.has(target)).toBe(true);
  const index = JSON.parse(await readFile(join(path, 'index.json'), 'utf8'));
  expect(index.manifests).toHaveLength(WORKERS);
  await expectToEmpty(store);
}, 60_000);

test('processes that are killed leave whole images and nothing that cannot be collected', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'store');
  const workers = startWorkers(path, 1_000_000);
  for (const worker of workers) {
    await worker.stdout.getReader().read();
    worker.kill('SIGKILL');
    await worker.exited;
  }
  // What a killed process renamed but did not write down counts as another program's for an hour.
  const now = () => new Date(Date.now() + 2 * 60 * 60 * 1000);
  await using store = await openImageStore(path, { now });
  for (const { target } of store.names()) expect(await store.has(target)).toBe(true);
  await expectToEmpty(store);
}, 60_000);
