import { expect } from 'bun:test';
import type { CopyEvent } from '../../src/copy/events.ts';
import { pushImages } from '../../src/copy/push-images.ts';
import { MemoryStore } from '../copy/memory-store.ts';
import type { Built } from '../support/images.ts';
import { type Bench, type BenchOptions, startBench } from './sending.ts';

/** What became of an image that was pushed. */
export interface Pushed extends Bench {
  readonly built: Built;
  /** What stopped it. */
  readonly error: unknown;
  readonly events: readonly CopyEvent[];
}

/** How {@link push} pushes. */
export interface PushOptions extends BenchOptions {
  /** Default: `1`. */
  readonly tags?: readonly string[];
  readonly maxUploads?: number;
  readonly verify?: boolean;
  /** Does something before it begins. */
  readonly prepare?: (bench: Bench) => void;
}

/** Pushes an image to a registry with faults. */
export async function push(built: Built, options: PushOptions = {}): Promise<Pushed> {
  const bench = await startBench(options);
  options.prepare?.(bench);
  return pushTo(bench, built, options);
}

/** Pushes an image to a registry that is there. */
export async function pushTo(
  bench: Bench,
  built: Built,
  { tags = ['1'], maxUploads, verify }: PushOptions = {},
): Promise<Pushed> {
  const events: CopyEvent[] = [];
  const [outcome] = await pushImages(
    [{ root: built.root, to: bench.repository, tags }],
    { from: new MemoryStore({ blobs: new Map(built.blobs) }) },
    {
      onEvent: (event) => void events.push(event),
      ...(maxUploads !== undefined && { maxUploads }),
      ...(verify !== undefined && { verify }),
    },
  );
  return { ...bench, built, error: outcome?.error, events };
}

/** Checks that the registry has every document and blob of an image as it is, under its tags. */
export function expectPushed(
  { error, built, registry }: Pushed,
  tags: readonly string[] = ['1'],
): void {
  expect(error).toBeUndefined();
  const { blobs, manifests, tags: kept } = registry.state.repository('app');
  for (const { digest, mediaType } of built.order) {
    const there = blobs.get(digest) ?? manifests.get(digest)?.bytes;
    const own = built.blobs.get(digest) ?? new Uint8Array();
    expect([digest, Buffer.compare(there ?? Buffer.from('missing'), own)]).toEqual([digest, 0]);
    const type = manifests.get(digest)?.mediaType;
    if (type !== undefined) expect(type).toBe(mediaType);
  }
  expect(Object.fromEntries(kept)).toEqual(
    Object.fromEntries(tags.map((tag) => [tag, built.root.digest])),
  );
}
