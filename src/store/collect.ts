import type { AbortOptions } from '../content.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import type { StoreContext } from './context.ts';
import { refreshIndex, takeForeignNames } from './foreign-names.ts';
import { isReached, unreached } from './graph.ts';
import type { Collected } from './image-store.ts';
import { ALGORITHMS, fileSize, isOlder, listFolder } from './layout.ts';
import { removeLeftovers } from './leftovers.ts';
import { freeBlobs } from './trash.ts';

/** How many blobs are freed under one lock, which then lasts about a millisecond. */
const BATCH = 64;
/** How long a file of another program is left alone: it may be about to name it in `index.json`. */
const FOREIGN_GRACE_MS = 60 * 60 * 1000;

/**
 * As `ImageStore.collect`. Stays: what a name or a living lease names, and from there down what a kept
 * document names, and every document whose `subject` is kept, as registries do with referrers.
 *
 * What is kept is found without a lock, and each blob is looked at again under the lock that frees it.
 * Writers put a digest under their lease before they look for it, so either they are seen here, or they
 * see that the blob is gone and write it again. Documents go before what they name, so that a manifest
 * that is here is whole at every moment.
 */
export async function collect(
  store: StoreContext,
  { signal }: AbortOptions = {},
): Promise<Collected> {
  const { database, layout } = store;
  await takeForeignNames(store);
  await refreshIndex(store);
  await removeLeftovers(store);
  const digests: Digest[] = [];
  let bytes = 0;
  const free = async (candidates: readonly Sized[], isFree: (digest: Digest) => boolean) => {
    for (let start = 0; start < candidates.length; start += BATCH) {
      signal?.throwIfAborted();
      const batch = candidates.slice(start, start + BATCH);
      const sizes = new Map(batch.map(({ digest, size }) => [digest, size]));
      for (const digest of await freeBlobs(store, { digests: [...sizes.keys()], isFree })) {
        digests.push(digest);
        bytes += sizes.get(digest) ?? 0;
      }
    }
  };
  const isUnreached = (digest: Digest) => !isReached(database, digest);
  await free(unreached(database), isUnreached);
  const isLeftAlone = (digest: Digest) => {
    const now = store.now().getTime();
    return !isOlder(layout.blob(digest), { age: FOREIGN_GRACE_MS, now });
  };
  await free(
    foreignFiles(store).filter(({ digest }) => !isLeftAlone(digest)),
    (digest) => isUnreached(digest) && !isKnown(store, digest) && !isLeftAlone(digest),
  );
  // On a full disk there was no space for the file before.
  await refreshIndex(store);
  return { digests, bytes };
}

interface Sized {
  readonly digest: Digest;
  readonly size: number;
}

/** Files among the blobs that have a digest's name and that nobody wrote down. */
function foreignFiles(store: StoreContext): readonly Sized[] {
  const { database, layout } = store;
  const known = new Set(
    database.all<{ digest: string }>('SELECT digest FROM blobs').map(({ digest }) => digest),
  );
  return ALGORITHMS.flatMap((algorithm) =>
    listFolder(layout.folder(algorithm)).flatMap((hex) => {
      const digest = `${algorithm}:${hex}`;
      if (!isDigest(digest) || known.has(digest)) return [];
      const size = fileSize(layout.blob(digest));
      return size === undefined ? [] : [{ digest, size }];
    }),
  );
}

function isKnown({ database }: StoreContext, digest: Digest): boolean {
  return database.get('SELECT 1 FROM blobs WHERE digest = ?', digest) !== undefined;
}
