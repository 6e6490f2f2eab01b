import type { AbortOptions, ByteStream, Content, WriteOptions } from '../content.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { changeNames } from './change-names.ts';
import { collect } from './collect.ts';
import type { StoreContext } from './context.ts';
import { forgetDamaged } from './forget.ts';
import { isNeeded, isReachedFrom } from './graph.ts';
import { hasBlob } from './has.ts';
import type {
  Collected,
  Damage,
  ImageRecord,
  ImageStore,
  Inspection,
  LayerRecord,
  Lease,
  NameChanges,
} from './image-store.ts';
import { inspectStore } from './inspect.ts';
import { findLayer, findLayersByDiffId, recordLayer } from './layers.ts';
import { findName, findTargets, listNames } from './names.ts';
import { type BlobRecord, statBlob } from './presence.ts';
import { openBlob, readReferrers } from './read.ts';
import { keepReserve } from './reserve.ts';
import { freeBlobs } from './trash.ts';
import { ingestBlob, keepFile, writeBlob } from './write.ts';

/** An {@link ImageStore} in a folder. It only hands on: each part is a file of its own beside this one. */
export class DiskStore implements ImageStore {
  readonly path: string;
  readonly #store: StoreContext;

  constructor(store: StoreContext) {
    this.#store = store;
    this.path = store.layout.root;
  }

  has(descriptor: Descriptor, options?: AbortOptions): Promise<boolean> {
    return hasBlob(this.#store, descriptor, options);
  }

  open(descriptor: Descriptor, options?: AbortOptions): Promise<Content> {
    return openBlob(this.#store, descriptor, options);
  }

  write(descriptor: Descriptor, content: Content, options?: WriteOptions): Promise<void> {
    return writeBlob(this.#store, descriptor, { ...options, content });
  }

  ingest(
    stream: ByteStream,
    options: AbortOptions & { mediaType: string; expect?: Digest },
  ): Promise<Descriptor> {
    return ingestBlob(this.#store, stream, options);
  }

  keepFile(path: string, descriptor: Descriptor): Promise<void> {
    return keepFile(this.#store, path, descriptor);
  }

  async lease(): Promise<Lease> {
    return this.#store.leases.create(this.#store);
  }

  wasReplaced(): boolean {
    return this.#store.database.wasReplaced();
  }

  names(): readonly ImageRecord[] {
    return listNames(this.#store.database);
  }

  name(name: string): ImageRecord | undefined {
    return findName(this.#store.database, name);
  }

  targetsByPrefix(prefix: string): readonly ImageRecord[] {
    return findTargets(this.#store.database, prefix);
  }

  changeNames(changes: NameChanges): Promise<void> {
    return changeNames(this.#store, changes);
  }

  collect(options?: AbortOptions): Promise<Collected> {
    return collect(this.#store, options);
  }

  async remove(
    digest: Digest,
    { except }: { readonly except?: Lease | undefined } = {},
  ): Promise<boolean> {
    const { database } = this.#store;
    const isFree = () => !isNeeded(database, digest, { except: except?.id });
    const freed = await freeBlobs(this.#store, { digests: [digest], isFree });
    return freed.length > 0;
  }

  stat(digest: Digest): BlobRecord | undefined {
    return statBlob(this.#store, digest);
  }

  reaches(namePrefix: string, digest: Digest): boolean {
    return isReachedFrom(this.#store.database, namePrefix, digest);
  }

  referrers(digest: Digest, options?: { readonly after?: string }): Iterable<Descriptor> {
    return readReferrers(this.#store, digest, options);
  }

  layersByDiffId(diffId: Digest): readonly LayerRecord[] {
    return findLayersByDiffId(this.#store, diffId);
  }

  layer(digest: Digest): LayerRecord | undefined {
    return findLayer(this.#store, digest);
  }

  inspect(options?: AbortOptions): Promise<Inspection> {
    return inspectStore(this.#store, options);
  }

  forget(damages: readonly Damage[]): Promise<void> {
    return forgetDamaged(this.#store, damages);
  }

  recordLayer(layer: LayerRecord): void {
    recordLayer(this.#store, layer);
  }

  /** Ends the leases of this object and closes the database. Content that is open can still be read. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { leases, database, layout } = this.#store;
    leases.release();
    database[Symbol.dispose]();
    if (database.writable) keepReserve(layout.root);
  }
}
