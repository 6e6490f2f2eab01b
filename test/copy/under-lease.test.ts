import { describe, expect, test } from 'bun:test';
import { memoryContent } from '../../src/content.ts';
import { underLease } from '../../src/copy/under-lease.ts';
import { FinchError } from '../../src/errors.ts';
import type { ImageStore } from '../../src/store/image-store.ts';
import { openImageStore } from '../../src/store/open-store.ts';
import { workplace } from '../archives/archive-files.ts';
import { layerOf } from '../support/content-store-contract.ts';

const layer = layerOf(1000);
const put = (store: ImageStore) => store.write(layer.descriptor, memoryContent(layer.bytes));

describe('underLease()', () => {
  test('gives what the task gives, and keeps from another process what the task writes', async () => {
    await using place = await workplace();
    await using other = await openImageStore(place.store.path);
    const result = await underLease(place.store, async () => {
      await put(place.store);
      await other.collect();
      return place.store.has(layer.descriptor);
    });
    expect(result).toBe(true);
  });

  test('protects it no longer afterwards, but frees nothing by itself', async () => {
    await using place = await workplace();
    await underLease(place.store, () => put(place.store));
    expect(await place.store.has(layer.descriptor)).toBe(true);
    expect((await place.store.collect()).digests).toEqual([layer.descriptor.digest]);
  });

  test('throws what the task throws, and frees what it wrote', async () => {
    await using place = await workplace();
    const broken = new FinchError('NETWORK', 'broken');
    const failing = underLease(place.store, async () => {
      await put(place.store);
      throw broken;
    });
    expect(await failing.catch((error: unknown) => error)).toBe(broken);
    expect(await place.store.has(layer.descriptor)).toBe(false);
  });

  test('throws what the task throws also when nothing can be freed', async () => {
    await using place = await workplace();
    const broken = new FinchError('NETWORK', 'broken');
    const stuck: ImageStore = Object.create(place.store, {
      lease: { value: () => place.store.lease() },
      collect: { value: () => Promise.reject(new FinchError('IO', 'the disk is full')) },
    });
    const failing = underLease(stuck, () => Promise.reject(broken));
    expect(await failing.catch((error: unknown) => error)).toBe(broken);
  });
});
