import { recordLayers } from '../copy/layer-check.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Platform } from '../oci/platform.ts';
import type { ImageStore } from '../store/image-store.ts';
import type { Claims } from './claims.ts';
import type { Registry } from './registry.ts';

/**
 * Finds out in the background what the layers of pushed images are uncompressed, one image after the
 * other, so that `finch images` can show their size. A client need not wait for it, and an image that
 * cannot be decompressed is still what the client pushed.
 */
export class LayerChecks implements AsyncDisposable {
  readonly #store: ImageStore;
  readonly #claims: Claims;
  readonly #platform: Platform | undefined;
  readonly #stop = new AbortController();
  #last: Promise<void> = Promise.resolve();

  /** @param platform whose images are looked at; of no platform when left out */
  constructor(
    { store, claims }: Pick<Registry, 'store' | 'claims'>,
    platform: Platform | undefined,
  ) {
    this.#store = store;
    this.#claims = claims;
    this.#platform = platform;
  }

  /** Puts an image that a name keeps in the queue. */
  add(root: Descriptor): void {
    const platform = this.#platform;
    if (platform === undefined) return;
    this.#last = this.#last.then(() => this.#check(root, platform)).catch(() => {});
  }

  async #check(root: Descriptor, platform: Platform): Promise<void> {
    const { signal } = this.#stop;
    try {
      await recordLayers(root, { store: this.#store, platform, signal });
    } finally {
      // To look at content is to put it under the lease, which lasts as long as the server.
      this.#claims.release(root.digest);
    }
  }

  /** Stops at once, and settles when nothing reads the store any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#last;
  }
}
