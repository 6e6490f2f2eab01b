import { expect, test } from 'bun:test';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { clearFetched, whileExpected, whileFetching } from '../../src/bridge/fetching.ts';
import { isPassing } from '../../src/oci/bridge-repository.ts';
import { bridgeNaming } from '../../src/server/naming.ts';
import { openImageStore } from '../../src/store/open-store.ts';
import { machineFolder } from '../../src/vm/machine-folder.ts';
import { writeAll } from '../support/content-store-contract.ts';
import { buildImage } from '../support/images.ts';
import { temporaryFolder } from '../support/temporary.ts';

const OPTIONS = { patienceMs: 1000, signal: undefined };

/** A home with a store, and what gives names in it. */
async function storeBench() {
  const folder = await temporaryFolder();
  const machine = machineFolder(folder.path);
  await mkdir(machine.path);
  const store = await openImageStore(join(folder.path, 'store'));
  const built = buildImage();
  const naming = whileExpected(machine, bridgeNaming);
  return {
    ...{ home: folder.path, machine, store },
    isOpen: (path: string) => naming.find(path, undefined) !== undefined,
    async name(name: string) {
      await writeAll(store, built);
      await store.changeNames({ set: [{ name, target: built.root }] });
    },
    names: () => store.names().map(({ name }) => name),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test('the bridge takes images on their way only while one fetches, and only from that one', async () => {
  await using bench = await storeBench();
  const { home, store, isOpen } = bench;
  let first = '';
  await whileFetching(home, store, {
    ...OPTIONS,
    async work(path) {
      first = `${path}/team/app`;
      expect(isPassing(`${first}:1`)).toBe(true);
      expect(isOpen(first)).toBe(true);
      expect(isOpen(`engine.invalid/${'0'.repeat(32)}/team/app`)).toBe(false);
    },
  });
  expect(isOpen(first)).toBe(false);
  await whileFetching(home, store, {
    ...OPTIONS,
    async work() {
      expect(isOpen(first)).toBe(false);
    },
  });
  expect(isOpen('registry.example/team/app')).toBe(true);
  expect(isOpen('engine.invalid/team/app')).toBe(true);
});

test('what a killed fetch left goes when nobody fetches, and what a user named so stays', async () => {
  await using bench = await storeBench();
  const { home, machine, store } = bench;
  await bench.name('engine.invalid/mine:1');
  const id = 'f'.repeat(32);
  const leave = async () => {
    await Bun.write(join(machine.path, 'fetch.id'), id);
    await bench.name(`engine.invalid/${id}/team/app:1`);
  };
  await leave();
  expect(bench.isOpen(`engine.invalid/${id}/team/app`)).toBe(false);
  await clearFetched(machine, store);
  expect(bench.names()).toEqual(['engine.invalid/mine:1']);
  await leave();
  await whileFetching(home, store, {
    ...OPTIONS,
    async work(path) {
      expect(bench.names()).toEqual(['engine.invalid/mine:1']);
      await bench.name(`${path}/team/app:1`);
      await clearFetched(machine, store);
      expect(bench.names()).toHaveLength(2);
    },
  });
  expect(bench.names()).toEqual(['engine.invalid/mine:1']);
  for (const half of ['', 'f'.repeat(31), '../../x']) {
    await Bun.write(join(machine.path, 'fetch.id'), half);
    await clearFetched(machine, store);
  }
  expect(bench.names()).toEqual(['engine.invalid/mine:1']);
  expect(await readdir(machine.path)).toEqual(['fetch.lock']);
});
