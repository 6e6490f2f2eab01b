import type { RepositoryApi } from '../api.ts';
import type { RegistryMemory, UploadKey, UploadWay } from '../memory/registry-memory.ts';
import { keptLocation } from './location.ts';
import type { Session } from './session.ts';

/** More sessions than this that others left of one blob are not tried. */
const MAX_CLAIMS = 8;

/** What is written down of one upload, so that the next process can go on where this one ended. */
export class Journal {
  readonly #api: RepositoryApi;
  readonly #memory: RegistryMemory;
  readonly #key: UploadKey;
  #claims = 0;

  constructor(api: RepositoryApi, key: UploadKey, memory: RegistryMemory) {
    this.#api = api;
    this.#key = key;
    this.#memory = memory;
  }

  /** An upload that another process has left, of which only the registry can tell how far it came. */
  claim(): Session | undefined {
    while (this.#claims < MAX_CLAIMS) {
      this.#claims += 1;
      const kept = this.#memory.claimUpload(this.#key);
      if (kept === undefined) break;
      const location = keptLocation(this.#api, kept.location);
      if (location !== undefined) return { location, offset: 0, minChunkBytes: 0, isKept: true };
      this.forget();
    }
    this.#claims = MAX_CLAIMS;
    return undefined;
  }

  /** Where an upload elsewhere is stays in memory: whoever knows it needs no login. */
  keep({ location, offset }: Session, way: UploadWay): void {
    if (!this.#api.endpoint.owns(location)) return;
    this.#memory.keepUpload(this.#key, { location: location.href, offset, way });
  }

  forget(): void {
    this.#memory.forgetUpload(this.#key);
  }
}
