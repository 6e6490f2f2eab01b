import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { loadArchive } from '../../../src/archives/load-archive.ts';
import type { ImageRecord, ImageStore } from '../../../src/store/image-store.ts';
import { openImageStore } from '../../../src/store/open-store.ts';
import { tarOf } from '../../archives/archive-files.ts';
import { buildImage, layerTar, layoutFiles } from '../../support/images.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { mutateImage, mutateImageAndTar } from '../mutate-archive.ts';
import { compressed, mutateTar } from '../mutate-tar.ts';
import { promise } from '../promises.ts';
import { archiveSeeds } from '../seeds/archives.ts';
import { documentWords } from '../seeds/documents.ts';
import { contentsOf, promiseSound, promiseUnchanged } from '../store-contents.ts';
import type { Target } from '../target.ts';

/** The image of the store, of which other archives have a layer. */
const KEPT = 'kept.example/base:1';
const keptImage = buildImage({ layers: [layerTar('one')] });

const platform = { os: 'linux', architecture: 'amd64' };

/** Whole archives into a store, which is sound after each and as before when it could not be loaded. */
export const archive: Target = {
  name: 'archive',
  share: 22,
  maxBytes: 128 * 1024,
  words: documentWords,
  mutators: [mutateImage, mutateImage, mutateImageAndTar, mutateTar].map(compressed),
  async open() {
    await using resources = new AsyncDisposableStack();
    const folder = resources.use(await temporaryFolder());
    const store = resources.use(await openImageStore(join(folder.path, 'store')));
    const file = join(folder.path, 'archive');
    const seeds = archiveSeeds();
    const load = async (input: Uint8Array) => {
      await rm(file, { force: true });
      await Bun.write(file, input);
      // Of each length one way: from the file, or as it comes through a pipe.
      const source = input.length % 3 === 0 ? { stream: Bun.file(file).stream() } : { path: file };
      return loadArchive(source, { store, platform, now: new Date(0) });
    };
    // One image stays, so that others can share content with it.
    const kept = tarOf(layoutFiles(keptImage, { 'io.containerd.image.name': KEPT }));
    await load(kept);
    const before = await contentsOf(store);
    const owned = resources.move();
    return {
      seeds,
      async run(input) {
        try {
          const loaded = await load(input);
          promise(loaded.length > 0, 'nothing was loaded');
        } catch (error) {
          await promiseUnchanged(store, before);
          throw error;
        }
        await promiseSound(store, before);
        await removeOthers(store);
        // The archive may have taken the name.
        if (store.names().length === 0) await load(kept);
        await promiseUnchanged(store, before);
      },
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  },
};

async function removeOthers(store: ImageStore): Promise<void> {
  const isKept = ({ name, target }: ImageRecord) =>
    name === KEPT && target.digest === keptImage.root.digest;
  const remove = store.names().flatMap((record) => (isKept(record) ? [] : [record.name]));
  await store.changeNames({ remove });
  await store.collect();
}
