import { join } from 'node:path';
import { memoryContent } from '../../../src/content.ts';
import type { ImageStore } from '../../../src/store/image-store.ts';
import { openImageStore } from '../../../src/store/open-store.ts';
import { buildImage, json, layoutFiles } from '../../support/images.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { mutateJson } from '../mutate-json.ts';
import { promise } from '../promises.ts';
import { documentWords } from '../seeds/documents.ts';
import { contentsOf, promiseSound } from '../store-contents.ts';
import type { Target } from '../target.ts';

const image = buildImage();
const other = buildImage({ platform: { os: 'linux', architecture: 'arm64' } });
const KEPT = 'kept.example/base:1';

/** `index.json` as other programs leave it in the store. */
export const storeIndex: Target = {
  name: 'store-index',
  share: 10,
  words: [...documentWords, KEPT, image.root.digest, other.root.digest],
  mutators: [mutateJson, mutateJson],
  async open() {
    await using resources = new AsyncDisposableStack();
    const folder = resources.use(await temporaryFolder());
    const path = join(folder.path, 'store');
    const keeper = resources.use(await openImageStore(path));
    resources.use(await keeper.lease());
    for (const { blobs, order } of [image, other]) {
      for (const descriptor of order) {
        await keeper.write(
          descriptor,
          memoryContent(blobs.get(descriptor.digest) ?? new Uint8Array()),
        );
      }
    }
    const set = [{ name: KEPT, target: image.root }];
    await keeper.changeNames({ set });
    const before = await contentsOf(keeper);
    const owned = resources.move();
    return {
      seeds: seeds(),
      async run(input) {
        await Bun.write(join(path, 'index.json'), input);
        await using store = await openImageStore(path);
        promise(store.name(KEPT) !== undefined, 'a name that was left out of index.json is lost');
        await promiseSound(store, before);
        await restore(store);
        const written = await Bun.file(join(path, 'index.json')).json();
        promise(Array.isArray(written.manifests), 'index.json is not what it should be');
        promise(JSON.stringify(written).includes(KEPT), 'index.json lacks a name');
      },
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };

    async function restore(store: ImageStore) {
      const remove = store.names().flatMap(({ name }) => (name === KEPT ? [] : [name]));
      await store.changeNames({ set, remove });
    }
  },
};

function seeds(): readonly Uint8Array[] {
  const entry = (name: string, { root } = image) => ({
    ...root,
    annotations: { 'org.opencontainers.image.ref.name': name },
  });
  const index = (...manifests: readonly unknown[]) => json({ schemaVersion: 2, manifests });
  return [
    layoutFiles(image, { 'io.containerd.image.name': KEPT }).get('index.json') ?? new Uint8Array(),
    index(entry('alpine:3'), entry('ghcr.io/me/app:1', other)),
    index(entry('latest', other), { ...other.root, digest: `sha256:${'0'.repeat(64)}` }),
    index({ mediaType: 'text/plain', digest: image.root.digest, size: 1 }, null, 3),
    index(),
    new Uint8Array(),
  ];
}
