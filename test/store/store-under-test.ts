import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageStore } from '../../src/store/image-store.ts';
import { openImageStore } from '../../src/store/open-store.ts';
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

/** The files below a folder of a store, sorted; none when there is no such folder. */
export async function filesIn(path: string, ...folder: readonly string[]): Promise<string[]> {
  const below = join(path, ...folder);
  const entries = await readdir(below, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();
}
