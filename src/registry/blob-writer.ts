import type { AbortOptions, Content, WriteOptions } from '../content.ts';
import type { RetryOptions } from '../http/retry.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { type RepositoryApi, repositoryUrl } from './api.ts';
import { hasBlob } from './blobs.ts';
import type { Courier } from './courier/courier.ts';
import type { RegistryMemory } from './memory/registry-memory.ts';
import type { WritePlan } from './repository.ts';
import { hostTraits } from './upload/host-traits.ts';

/** Whether a blob is there is not asked of shorter ones that nobody has asked of: 64 KiB. */
const WORTH_ASKING = 64 * 1024;

/** Options of {@link BlobWriter}. */
export interface BlobWriterOptions {
  readonly retry: RetryOptions;
  readonly memory: RegistryMemory;
  /** Whether an upload that is interrupted is kept for the next process. */
  readonly resume: boolean;
  /** Carries chunks to registries that are brittle. */
  readonly courier?: Courier | undefined;
}

/** The blobs of one repository, and what this process knows of them: each is sent once. */
export class BlobWriter {
  readonly #api: RepositoryApi;
  readonly #options: BlobWriterOptions;
  readonly #present = new Set<Digest>();
  readonly #absent = new Set<Digest>();
  /** Repositories whose blobs this one does not get. */
  readonly #unwilling = new Set<string>();
  readonly #running = new Map<Digest, Promise<void>>();
  /** The code that uploads, loaded when it is first needed. */
  #uploading: Promise<typeof import('./upload/upload-blob.ts')> | undefined;

  constructor(api: RepositoryApi, options: BlobWriterOptions) {
    this.#api = api;
    this.#options = options;
  }

  /** Whether the repository has the blob. */
  async has(descriptor: Descriptor, abort?: AbortOptions): Promise<boolean> {
    const { digest } = descriptor;
    const isHere = await hasBlob(this.#api, descriptor, abort);
    if (isHere) this.#isThere(digest);
    else {
      this.#present.delete(digest);
      this.#absent.add(digest);
    }
    return isHere;
  }

  /**
   * What it would take to write the blob.
   * @param source another repository of the registry that will have it by then
   */
  async wouldWrite(descriptor: Descriptor, source?: string): Promise<WritePlan> {
    const looks = this.#isWorthAsking(descriptor) ? 1 : 0;
    const from = this.#sourceOf(descriptor, source);
    if (from !== undefined) return { from, requests: looks + 1 };
    const { uploadRequests } = await import('./upload/upload-requests.ts');
    const { memory } = this.#options;
    const location = repositoryUrl(this.#api, 'blobs/uploads/');
    return { requests: looks + 1 + uploadRequests(descriptor.size, { location, memory }) };
  }

  /** The repository that the blob would be taken from. */
  #sourceOf({ digest }: Descriptor, source: string | undefined): string | undefined {
    const { memory } = this.#options;
    const { registry, name, endpoint } = this.#api;
    if (!hostTraits(endpoint.host, memory.traits(endpoint.host)).mounts) return undefined;
    const known = memory.placesOf(registry, digest, name);
    const places = source === undefined || source === name ? known : [...known, source];
    return places.find((from) => !this.#unwilling.has(from));
  }

  /** Whether it is asked for before it is sent. */
  #isWorthAsking({ digest, size }: Descriptor): boolean {
    return size > WORTH_ASKING && !this.#absent.has(digest);
  }

  /** Writes the blob, unless it is there. While it is being written, whoever else writes it waits for that. */
  async write(descriptor: Descriptor, content: Content, options: WriteOptions): Promise<void> {
    const { digest } = descriptor;
    for (;;) {
      options.signal?.throwIfAborted();
      if (this.#present.has(digest)) return;
      const running = this.#running.get(digest);
      if (running === undefined) break;
      // What stopped the other need not stop this one.
      await running.catch(() => {});
    }
    const writing = this.#write(descriptor, content, options);
    this.#running.set(digest, writing);
    try {
      await writing;
    } finally {
      this.#running.delete(digest);
    }
  }

  async #write(descriptor: Descriptor, content: Content, options: WriteOptions): Promise<void> {
    const { digest } = descriptor;
    if (this.#isWorthAsking(descriptor) && (await this.has(descriptor, options))) return;
    this.#absent.delete(digest);
    this.#uploading ??= import('./upload/upload-blob.ts');
    const { uploadBlob } = await this.#uploading;
    const unwilling = this.#unwilling;
    await uploadBlob(
      this.#api,
      { descriptor, content },
      { ...options, ...this.#options, unwilling },
    );
    this.#isThere(digest);
  }

  #isThere(digest: Digest): void {
    this.#present.add(digest);
    this.#options.memory.rememberPlace(this.#api.registry, this.#api.name, digest);
  }
}
