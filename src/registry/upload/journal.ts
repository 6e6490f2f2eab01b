import type { AbortOptions } from '../../content.ts';
import { pause } from '../../http/retry.ts';
import type { RepositoryApi } from '../api.ts';
import type { RegistryMemory, UploadKey } from '../memory/registry-memory.ts';
import { keptLocation } from './location.ts';
import type { Session } from './session.ts';

/** Shorter blobs are sent again as fast as somebody asks how much of them is there: 1 MiB. */
export const WORTH_KEEPING = 1024 * 1024;

/** More sessions than this that others left of one blob are not tried. */
const MAX_CLAIMS = 8;

/** How long what a courier has at hand is waited for, and how often it is looked at, in milliseconds. */
const CARRIED_MS = 30_000;
const POLL_MS = 20;

/** What is written down of one upload, so that the next process can go on where this one ended. */
export class Journal {
  readonly #api: RepositoryApi;
  readonly #memory: RegistryMemory;
  readonly #key: UploadKey;
  #claims = 0;
  #courier: string | undefined;

  constructor(api: RepositoryApi, key: UploadKey, memory: RegistryMemory) {
    this.#api = api;
    this.#key = key;
    this.#memory = memory;
  }

  /** Whether the upload at this address may be written down: whoever knows one elsewhere needs no login. */
  keeps({ location }: Session): boolean {
    return this.#api.endpoint.owns(location);
  }

  /**
   * Waits for the courier of a process that is gone, which is still at work on the blob, but not for ever.
   * @returns whether there was one
   * @throws FinchError `CANCELLED`
   */
  async whileCarried(options: AbortOptions): Promise<boolean> {
    const until = performance.now() + CARRIED_MS;
    let isCarried = false;
    while (this.#memory.isCarried(this.#key) && performance.now() < until) {
      isCarried = true;
      await pause(POLL_MS, options);
    }
    return isCarried;
  }

  /** From now on the process `courier` sends for this one. */
  carriedBy(courier: string, session: Session): void {
    if (courier === this.#courier) return;
    this.#courier = courier;
    this.keep(session);
  }

  /** What a request tells the courier of its upload. */
  get key(): UploadKey {
    return this.#key;
  }

  /** An upload that another process has left: how far it came the registry tells, or it came at least as far as said. */
  claim(): Session | undefined {
    while (this.#claims < MAX_CLAIMS) {
      this.#claims += 1;
      const kept = this.#memory.claimUpload(this.#key);
      if (kept === undefined) break;
      const location = keptLocation(this.#api, kept.location);
      const { offset } = kept;
      if (location !== undefined) return { location, offset, minChunkBytes: 0, isKept: true };
      this.forget();
    }
    this.#claims = MAX_CLAIMS;
    return undefined;
  }

  /** Does nothing for an upload that it does not keep. */
  keep(session: Session): void {
    if (!this.keeps(session)) return;
    const { location, offset } = session;
    const courier = this.#courier;
    this.#memory.keepUpload(this.#key, { location: location.href, offset, courier });
  }

  forget(): void {
    this.#memory.forgetUpload(this.#key);
  }
}
