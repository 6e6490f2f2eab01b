import { FinchError, hasCode } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { StoreContext } from './context.ts';
import { refreshIndex, takeForeignNames } from './foreign-names.ts';
import { hasBlob } from './has.ts';
import type { NameChanges } from './image-store.ts';
import { countGeneration, removeName, setName } from './names.ts';
import { isHere } from './presence.ts';

/** As `ImageStore.changeNames`. Names are taken first, then given; the change survives a power cut. */
export async function changeNames(
  store: StoreContext,
  { set = [], remove = [] }: NameChanges,
): Promise<void> {
  const { database } = store;
  await takeForeignNames(store);
  for (const { target } of set) await hasBlob(store, target);
  const createdAt = store.now().getTime();
  const change = () => {
    let changed = 0;
    for (const name of remove) changed += removeName(database, name);
    for (const { name, target } of set) {
      requireTarget(store, name, target);
      changed += setName(database, { name, target, createdAt });
    }
    if (changed > 0) countGeneration(database);
    return changed > 0;
  };
  if (!database.transaction(change, { durable: true })) return;
  try {
    await refreshIndex(store);
  } catch (error) {
    // The names are changed. That the database cannot be read any more shows with its next use.
    if (!hasCode(error, 'STORE_UNUSABLE')) throw error;
  }
}

function requireTarget(store: StoreContext, name: string, target: Descriptor): void {
  if (isHere(store, target)) return;
  throw new FinchError(
    'CONTENT_MISSING',
    `${name} cannot name ${target.digest}: the store does not have all of it`,
    { hint: 'pull or load the image again' },
  );
}
