import type { App } from '../app.ts';
import { pushImages } from '../copy/push-images.ts';
import type { PushOptions } from '../copy/push-target.ts';
import { hasCode } from '../errors.ts';
import type { Repository } from '../registry/repository.ts';
import type { ImageStore } from '../store/image-store.ts';
import { suggestingNear } from './near-repository.ts';
import { createRepository } from './push-creating.ts';
import type { PushItem } from './push-items.ts';

/** How the push of one name ended. */
export interface ItemOutcome {
  readonly item: PushItem;
  /** Whether all of it was checked at the registry afterwards. */
  readonly verified: boolean;
  /** Undefined when all of it is there. */
  readonly error?: unknown;
}

/**
 * Pushes all items. Repositories that turn out to be missing are made where that is wanted, and pushed to once more;
 * else the error names one that is called almost the same.
 * @returns how each ended, in their order; what the signal stopped with its reason
 */
export async function pushOutcomes(
  items: readonly PushItem[],
  { app, store }: { readonly app: App; readonly store: ImageStore },
  options: PushOptions,
): Promise<readonly ItemOutcome[]> {
  const push = async (some: readonly PushItem[]): Promise<readonly ItemOutcome[]> => {
    const targets = some.map(({ target }) => target);
    const outcomes = await pushImages(targets, { from: store }, options);
    return some.map((item, i) => {
      const { verified = false, error } = outcomes[i] ?? {};
      return { item, verified, error };
    });
  };
  const first = await push(items);
  const made = await makeMissing(first, app, options);
  const isMade = ({ item, error }: ItemOutcome) =>
    error !== undefined && made.get(item.target.to) === 'made';
  const again = first.filter(isMade).map(({ item }) => item);
  const second = again.length === 0 ? [] : await push(again);
  const outcomes = first.map((one) => second.find(({ item }) => item === one.item) ?? one);
  return Promise.all(outcomes.map((outcome) => explained(outcome, { app, made, ...options })));
}

/** The repositories that were missing and are made now, each with what went wrong when it could not be. */
type Made = ReadonlyMap<Repository, 'made' | { readonly error: unknown }>;

async function makeMissing(
  outcomes: readonly ItemOutcome[],
  app: App,
  { signal }: PushOptions,
): Promise<Made> {
  const made = new Map<Repository, 'made' | { readonly error: unknown }>();
  for (const { item, error } of outcomes) {
    const { missing, target } = item;
    if (signal?.aborted) break;
    if (missing === undefined || !hasCode(error, 'REMOTE_NOT_FOUND') || made.has(target.to))
      continue;
    const result = await createRepository(app, missing, { signal }).then(
      () => 'made' as const,
      (cause: unknown) => ({ error: cause }),
    );
    made.set(target.to, result);
  }
  return made;
}

async function explained(
  outcome: ItemOutcome,
  { app, made, signal }: PushOptions & { readonly app: App; readonly made: Made },
): Promise<ItemOutcome> {
  const { error } = outcome;
  const { reference, missing, target } = outcome.item;
  const making = made.get(target.to);
  if (making !== undefined && making !== 'made') return { ...outcome, error: making.error };
  if (missing !== undefined || !hasCode(error, 'REMOTE_NOT_FOUND')) return outcome;
  const suggestion = { reference, signal, otherwise: 'push with --create-repo' };
  const better = suggestingNear(() => Promise.reject(error), app, suggestion);
  return { ...outcome, error: await better.catch((shown: unknown) => shown) };
}
