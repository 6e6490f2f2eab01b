import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { memoryContent } from '../../src/content.ts';
import { currentOwner } from '../../src/host/owner.ts';
import { type Descriptor, describe as describeBytes } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import type { StoreContext } from '../../src/store/context.ts';
import type { StoreDatabase } from '../../src/store/database.ts';
import { FolderSync } from '../../src/store/folder-sync.ts';
import type { ImageStore } from '../../src/store/image-store.ts';
import { layoutAt } from '../../src/store/layout.ts';
import { Leases } from '../../src/store/leases.ts';
import { openImageStore } from '../../src/store/open-store.ts';
import { SharedWork } from '../../src/store/shared-work.ts';
import { json } from '../support/images.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** A new store in a folder of its own, with a clock that a test can turn. */
export interface TestStore extends AsyncDisposable {
  readonly path: string;
  readonly store: ImageStore;
  /** Milliseconds since 1970; begins at the machine's time. */
  clock: number;
  /** A second view of the same store, as another process has it. */
  reopen(): Promise<ImageStore>;
}

/** Makes a {@link TestStore}. */
export async function makeTestStore(): Promise<TestStore> {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'store');
  const now = () => new Date(made.clock);
  const made: { clock: number } = { clock: Date.now() };
  const store = await openImageStore(path, { now });
  return Object.assign(made, {
    ...{ path, store },
    reopen: () => openImageStore(path, { now }),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  });
}

/** What the parts of a store work on, for one that is on `database`. */
export function contextOf(
  { path }: Pick<TestStore, 'path'>,
  database: StoreDatabase,
): StoreContext {
  return {
    ...{ layout: layoutAt(path), database, owner: currentOwner(), now: () => new Date() },
    ...{ leases: new Leases(database), folders: new FolderSync(), checks: new SharedWork() },
  };
}

/** The files below a folder of a store, sorted; none when there is no such folder. */
export async function filesIn(path: string, ...folder: readonly string[]): Promise<string[]> {
  const below = join(path, ...folder);
  const entries = await readdir(below, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();
}

/** Writes a manifest whose subject is `subject`, as a signature is. */
export async function writeReferrer(store: ImageStore, subject: Descriptor): Promise<Descriptor> {
  const empty = json({});
  const config = describeBytes(mediaTypes.empty, digestOf(empty), empty);
  const bytes = json({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    ...{ config, layers: [], subject },
  });
  const referrer = describeBytes(mediaTypes.manifest, digestOf(bytes), bytes);
  await store.write(config, memoryContent(empty));
  await store.write(referrer, memoryContent(bytes));
  return referrer;
}
