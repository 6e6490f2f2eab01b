import type { AbortOptions } from '../content.ts';
import type { ImageStore } from '../store/image-store.ts';

/**
 * Runs `task` while everything it touches in the store is protected. When it fails, what it wrote and
 * nothing else reaches is freed again, so that the store is as it was; what is thrown is the task's own
 * error, also when freeing fails.
 */
export async function underLease<T>(
  store: ImageStore,
  task: () => Promise<T>,
  { collect = true } = {},
): Promise<T> {
  const lease = await store.lease();
  let result: T;
  try {
    result = await task();
  } catch (error) {
    await quietly(() => lease[Symbol.asyncDispose]());
    if (collect) await freeUnreached(store);
    throw error;
  }
  await lease[Symbol.asyncDispose]();
  return result;
}

/** Frees what no name reaches any more. When that fails or is interrupted, nothing is lost: the next time frees it too. */
export async function freeUnreached(store: ImageStore, abort: AbortOptions = {}): Promise<void> {
  await quietly(() => store.collect(abort));
}

async function quietly(work: () => PromiseLike<unknown>): Promise<void> {
  try {
    await work();
  } catch {
    // What failed before is what the user must see.
  }
}
