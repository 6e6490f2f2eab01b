import type { ImageStore } from '../store/image-store.ts';

/**
 * Runs `task` while everything it touches in the store is protected. When it fails, what it wrote and
 * nothing else reaches is freed again, so that the store is as it was.
 */
export async function underLease<T>(store: ImageStore, task: () => Promise<T>): Promise<T> {
  const lease = await store.lease();
  let result: T;
  try {
    result = await task();
  } catch (error) {
    await lease[Symbol.asyncDispose]();
    await store.collect();
    throw error;
  }
  await lease[Symbol.asyncDispose]();
  return result;
}
