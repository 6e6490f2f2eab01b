import type { StoreContext } from './context.ts';
import type { Damage } from './image-store.ts';
import { problemOf } from './inspect.ts';
import { fileState } from './layout.ts';
import { freeBlobs } from './trash.ts';

/** As `ImageStore.forget`. */
export async function forgetDamaged(
  store: StoreContext,
  damages: readonly Damage[],
): Promise<void> {
  const { database, layout } = store;
  for (const { digest } of damages) {
    const row = database.get<{ size: number }>('SELECT size FROM blobs WHERE digest = ?', digest);
    if (row === undefined) continue;
    const stamp = fileState(layout.blob(digest))?.stamp;
    if ((await problemOf(store, { digest, size: row.size })) === undefined) continue;
    const isSame = () => fileState(layout.blob(digest))?.stamp === stamp;
    await freeBlobs(store, { digests: [digest], isFree: isSame });
  }
}
