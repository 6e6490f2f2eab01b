import { describe, expect, test } from 'bun:test';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Built, buildImage, buildMultiPlatform, layerTar } from '../support/images.ts';
import { writeOciArchive } from './support/archives.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { startFinchRegistry } from './support/finch-registry.ts';
import { blobsIn, namesIn } from './support/home-contents.ts';
import { areHere } from './support/program.ts';
import { pullVerified } from './support/skopeo.ts';
import { registryBench, type Workbench, workbench } from './support/workbench.ts';

const letters = ['a', 'b', 'c', 'd', 'e', 'f'] as const;

/** An image that shares its first layer with the others. */
function image(letter: string): Built {
  return buildImage({ layers: [layerTar('shared', 'shared'), layerTar(letter, letter)] });
}

/** Writes an archive of `app-LETTER:1` for each letter. */
async function writeArchives(bench: Workbench): Promise<void> {
  for (const letter of letters) {
    await writeOciArchive(bench.path(`${letter}.tar`), `app-${letter}:1`, image(letter));
  }
}

function digestsOf(images: readonly Built[]): readonly string[] {
  return [...new Set(images.flatMap(({ blobs }) => [...blobs.keys()]))].toSorted();
}

describe('finch processes that run at the same time', () => {
  test('load into one store, new as it is, without losing anything', async () => {
    await using bench = await workbench();
    await writeArchives(bench);
    await Promise.all(letters.map((letter) => bench.ok(`load -q -i ${letter}.tar`)));
    expect(Object.keys(await namesIn(bench.home)).toSorted()).toEqual(
      letters.map((letter) => `app-${letter}:1`),
    );
    expect(await blobsIn(bench.home)).toEqual(digestsOf(letters.map(image)));
  });

  test('load, tag and remove images that share a layer, and each is whole or gone', async () => {
    await using bench = await workbench();
    await writeArchives(bench);
    for (const letter of ['a', 'b', 'c']) await bench.ok(`load -q -i ${letter}.tar`);
    await Promise.all([
      ...['d', 'e', 'f'].map((letter) => bench.ok(`load -q -i ${letter}.tar`)),
      ...['a', 'b'].map((letter) => bench.ok(`rmi app-${letter}:1`)),
      bench.ok('tag app-c:1 kept:1'),
      bench.ok('images'),
    ]);
    expect(Object.keys(await namesIn(bench.home)).toSorted()).toEqual([
      'app-c:1',
      'app-d:1',
      'app-e:1',
      'app-f:1',
      'kept:1',
    ]);
    expect(await blobsIn(bench.home)).toEqual(digestsOf(['c', 'd', 'e', 'f'].map(image)));
  });

  test.skipIf(!areHere('docker-registry', 'skopeo'))(
    'push to one repository and pull from it, and everything is whole',
    async () => {
      await using bench = await registryBench();
      const { host } = bench.registry;
      await writeArchives(bench);
      for (const letter of letters) {
        await bench.ok(`load -q -i ${letter}.tar`);
        await bench.ok(`tag app-${letter}:1 ${host}/app:${letter}`);
      }
      // The shared layer goes first: docker-registry loses its link for a moment when two send it at once.
      await bench.ok(`push -q ${host}/app:a`);
      await Promise.all(letters.map((letter) => bench.ok(`push -q ${host}/app:${letter}`)));
      const home = await bench.newHome();
      await Promise.all([
        ...letters.map((letter) =>
          bench.ok(`pull -q --platform linux/amd64 ${host}/app:${letter}`, { home }),
        ),
        pullVerified(bench.registry, { name: 'app:a', to: bench.path('pulled') }),
      ]);
      expect(await blobsIn(home)).toEqual(digestsOf(letters.map(image)));
      expect(Object.keys(await namesIn(home))).toHaveLength(letters.length);
    },
  );

  test('remove from the store of a registry that others pull from, and each pull is whole or fails', async () => {
    await using bench = await workbench();
    const registryHome = await bench.newHome();
    const built = buildMultiPlatform('linux/amd64', 'linux/arm64', 'linux/s390x');
    await writeOciArchive(bench.path('app.tar'), 'app:1', built);
    await bench.ok('load -q -i app.tar', { home: registryHome });
    await using registry = await startFinchRegistry(registryHome);
    const homes = await Promise.all(letters.map(() => bench.newHome()));
    const pulls = homes.map((home) =>
      bench.run(`pull -q --all-platforms ${registry.host}/app:1`, { home }),
    );
    await bench.ok('rmi app:1', { home: registryHome });
    for (const [i, { exitCode }] of (await Promise.all(pulls)).entries()) {
      const home = homes[i] ?? '';
      expect(await blobsIn(home)).toEqual(exitCode === 0 ? digestsOf([built]) : []);
    }
    expect(await blobsIn(registryHome)).toEqual([]);
  });
});

test('a finch that is killed while it loads leaves a store that works and can be emptied', async () => {
  await using bench = await workbench();
  await writeArchives(bench);
  await bench.ok('load -q -i a.tar');
  const child = Bun.spawn([finchBinary, 'load'], {
    env: finchEnvironment(bench.home),
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'ignore',
  });
  const archive = await Bun.file(bench.path('b.tar')).bytes();
  for (let sent = 0; sent < 1024 * 1024; sent += archive.length) {
    child.stdin.write(archive);
    await child.stdin.flush();
  }
  child.kill('SIGKILL');
  await child.exited;
  await bench.ok('load -q -i b.tar');
  expect(await bench.ok('images -q')).toMatch(/^(?:[0-9a-f]{12}\n){2}$/);
  await bench.ok('rmi app-a:1 app-b:1');
  expect(await blobsIn(bench.home)).toEqual([]);
  for (const folder of ['ingest', 'trash']) {
    expect(await readdir(join(bench.home, 'store', folder))).toEqual([]);
  }
});
