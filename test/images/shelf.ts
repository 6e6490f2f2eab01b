import { join } from 'node:path';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { digestParts } from '../../src/oci/digest.ts';
import type { Platform } from '../../src/oci/platform.ts';
import { formatReference, parseReference } from '../../src/oci/reference.ts';
import type { ImageRecord, ImageStore } from '../../src/store/image-store.ts';
import { openImageStore } from '../../src/store/open-store.ts';
import { Graph } from '../copy/graph.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** What the machine of these tests runs. */
export const HOST: Platform = { os: 'linux', architecture: 'amd64' };

/** A store with images of a graph, whose clock goes on by a second with each name. */
export interface Shelf extends AsyncDisposable {
  readonly graph: Graph;
  readonly store: ImageStore;
  /** Puts an image into the store under names, each a second after the one before. */
  put(root: Descriptor, names: readonly string[], without?: readonly string[]): Promise<void>;
  /** Overwrites a blob with other bytes, as many as it has. */
  damage(name: string): Promise<void>;
  /** Takes the file of a blob away. */
  lose(name: string): Promise<void>;
  /** The record of a name that is there. */
  record(name: string): ImageRecord;
}

export async function shelf(): Promise<Shelf> {
  const folder = await temporaryFolder();
  let now = Date.UTC(2026, 0, 1);
  const store = await openImageStore(join(folder.path, 'store'), { now: () => new Date(now) });
  const graph = new Graph();
  const fileOf = (name: string) => {
    const digest = [...graph.blobs.keys()].find((one) => graph.nameOf({ digest: one }) === name);
    if (digest === undefined) throw new Error(`the graph has no ${name}`);
    const { algorithm, hex } = digestParts(digest);
    return Bun.file(join(store.path, 'blobs', algorithm, hex));
  };
  return {
    graph,
    store,
    async put(root, names, without = []) {
      const { mediaType, digest, size } = root;
      await graph.writeTo(store, root, { without });
      for (const name of names) {
        now += 1000;
        const target = { mediaType, digest, size };
        await store.changeNames({ set: [{ name: formatReference(parseReference(name)), target }] });
      }
    },
    async damage(name) {
      const file = fileOf(name);
      const { size } = file;
      await file.delete();
      await file.write(new Uint8Array(size).fill(0x20));
    },
    async lose(name) {
      await fileOf(name).delete();
    },
    record(name) {
      const record = store.name(formatReference(parseReference(name)));
      if (record === undefined) throw new Error(`the store has no ${name}`);
      return record;
    },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
