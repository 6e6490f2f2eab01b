import { currentOwner, ownerState, UNSEEN_OWNER_MS } from '../../host/owner.ts';
import { hideToken, redactText } from '../../http/redact.ts';
import type { MemoryFile } from './memory-file.ts';
import { CLOCK_SLACK_MS, UPLOAD_LIFE_MS } from './memory-schema.ts';
import type { KeptUpload, UploadKey } from './registry-memory.ts';

/** A longer address of an upload is not kept. */
const MAX_LOCATION = 16_384;

/** Of the uploads of a blob that others left behind so many are looked at. */
const MAX_LEFT = 8;

/** Shorter values of a query say nothing that others may not know. */
const SHORTEST_SECRET = 8;

interface Row {
  readonly owner: string;
  readonly location: string;
  readonly position: number;
  readonly courier: string | null;
  readonly updated_at: number;
}

/** Who keeps uploads, and by which clock. */
export interface KeptUploadsOptions {
  /** This process, as `owner.ts` writes it. Default: as it is. */
  readonly owner?: string | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Hears, once, that an upload could not be written down. */
  readonly onLost: () => void;
}

/** The uploads that are not complete, each of one process, so that no two ever send to the same one. */
export class KeptUploads {
  readonly #file: MemoryFile;
  readonly #options: KeptUploadsOptions;
  #owner: string | undefined;
  #hasLost = false;

  constructor(file: MemoryFile, options: KeptUploadsOptions) {
    this.#file = file;
    this.#options = options;
    this.#owner = options.owner;
  }

  /** `RegistryMemory.claimUpload`: the one that came furthest first. */
  claim(key: UploadKey): KeptUpload | undefined {
    for (const row of this.#ofOthers(key)) {
      if (this.#isHeld(row, row.owner) || this.#isHeld(row, row.courier) || !this.#take(key, row))
        continue;
      const upload = uploadOf(row);
      if (upload !== undefined && this.#isRecent(row)) return upload;
      this.forget(key);
    }
    return undefined;
  }

  /** `RegistryMemory.isCarried`. */
  isCarried(key: UploadKey): boolean {
    return this.#ofOthers(key).some(
      (row) => !this.#isHeld(row, row.owner) && this.#isHeld(row, row.courier),
    );
  }

  /** `RegistryMemory.keepUpload`. */
  keep(key: UploadKey, { location, offset, courier }: KeptUpload): void {
    if (location.length > MAX_LOCATION || holdsLogin(location)) {
      this.forget(key);
      return;
    }
    hideLocation(location);
    const changed = this.#file.run(
      `INSERT OR REPLACE INTO uploads
         (registry, repository, digest, owner, location, position, courier, updated_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[...whereOf(key), this.#self(), location, offset, courier ?? null, this.#options.now()],
    );
    if (changed !== undefined || this.#hasLost) return;
    this.#hasLost = true;
    this.#options.onLost();
  }

  /** `RegistryMemory.forgetUpload`. */
  forget(key: UploadKey): void {
    this.#file.run(
      'DELETE FROM uploads WHERE registry = ? AND repository = ? AND digest = ? AND owner = ?',
      ...whereOf(key),
      this.#self(),
    );
  }

  #self(): string {
    this.#owner ??= currentOwner();
    return this.#owner;
  }

  #ofOthers(key: UploadKey): readonly Row[] {
    return this.#file.all<Row>(
      `SELECT owner, location, position, courier, updated_at FROM uploads
       WHERE registry = ? AND repository = ? AND digest = ? AND owner <> ?
       ORDER BY position DESC LIMIT ?`,
      ...whereOf(key),
      this.#self(),
      MAX_LEFT,
    );
  }

  /** Whether a process that an upload belongs to may live. */
  #isHeld({ updated_at }: Row, process: string | null): boolean {
    const state = process === null ? 'dead' : ownerState(process);
    return state === 'unknown'
      ? this.#options.now() - updated_at <= UNSEEN_OWNER_MS
      : state === 'alive';
  }

  #isRecent({ updated_at }: Row): boolean {
    const age = this.#options.now() - updated_at;
    return age < UPLOAD_LIFE_MS && age > -CLOCK_SLACK_MS;
  }

  /** One statement, of which only one process can be the first. */
  #take(key: UploadKey, { owner, location }: Row): boolean {
    const changed = this.#file.run(
      `UPDATE OR REPLACE uploads SET owner = ?, courier = NULL
       WHERE registry = ? AND repository = ? AND digest = ? AND owner = ? AND location = ?`,
      ...[this.#self(), ...whereOf(key), owner, location],
    );
    return changed === 1;
  }
}

function whereOf({ registry, repository, digest }: UploadKey): readonly [string, string, string] {
  return [registry, repository, digest];
}

/** Whatever the file says is only believed when it can be so; where an upload may be is for others to judge. */
function uploadOf({ location, position }: Row): KeptUpload | undefined {
  const url = location.length > MAX_LOCATION ? null : URL.parse(location);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  if (!Number.isSafeInteger(position) || position < 0) return undefined;
  hideLocation(location);
  return { location, offset: position };
}

/** Whether a careless registry repeats a login in the address, which then is not written down. */
function holdsLogin(location: string): boolean {
  const url = URL.parse(location);
  const parts = [url?.pathname ?? location, ...(url?.searchParams.values() ?? [])];
  return parts.some((part) => redactText(part) !== part);
}

/**
 * From now on no message shows what of the address opens doors: each value with its name, as an address has them.
 * Alone a value may be any word that a registry chose, also the name of an image.
 */
function hideLocation(location: string): void {
  for (const pair of URL.parse(location)?.search.slice(1).split('&') ?? []) {
    const [name = '', value = ''] = pair.split('=', 2);
    if (name !== '' && value.length >= SHORTEST_SECRET) hideToken(pair);
  }
}
