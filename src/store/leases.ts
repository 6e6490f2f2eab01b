import { hasCode } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import type { StoreDatabase } from './database.ts';
import type { Lease } from './image-store.ts';

interface LeaseHolder {
  /** The process, as `owner.ts` writes it. */
  readonly owner: string;
  now(): Date;
}

interface Held extends LeaseHolder {
  /** What the lease protects already. */
  readonly digests: Set<Digest>;
  /** What of it was touched since the lease last expired. */
  readonly touched: Set<Digest>;
}

/**
 * The leases of one open store. The rule that makes collecting safe beside any number of writers is
 * *lease before look*: a digest is put under the lease first, and only then looked for.
 */
export class Leases {
  readonly #database: StoreDatabase;
  /** The living leases. */
  readonly #active = new Map<string, Held>();

  constructor(database: StoreDatabase) {
    this.#database = database;
  }

  /** A new lease. In a read-only store nothing is collected, so there it is only a token. */
  create({ owner, now }: LeaseHolder): Lease {
    const id = crypto.randomUUID();
    if (this.#database.writable) {
      this.#database.transaction(() => this.#insert(id, { owner, now }));
      this.#active.set(id, { owner, now, digests: new Set(), touched: new Set() });
    }
    return {
      id,
      release: (root) => this.#release(id, root),
      expire: () => this.#expire(id),
      [Symbol.asyncDispose]: async () => {
        if (this.#active.delete(id)) this.#drop(id);
      },
    };
  }

  /** Puts a digest under every lease of this store, to be called before it is looked for. */
  protect(digest: Digest): void {
    const leases = this.#unprotected(digest);
    if (leases.length > 0) this.#database.transaction(() => this.protectWithin(digest));
    for (const [, { digests }] of leases) digests.add(digest);
    for (const { touched } of this.#active.values()) touched.add(digest);
  }

  /** As {@link protect}, inside a transaction of the caller. */
  protectWithin(digest: Digest): void {
    for (const [id, held] of this.#unprotected(digest)) {
      const missing = this.#insert(id, held) ? [...held.digests, digest] : [digest];
      for (const each of missing) {
        this.#database.run('INSERT OR IGNORE INTO lease_blobs VALUES (?, ?)', id, each);
      }
    }
  }

  /** Writes a lease down that is not there; whether it was not. Another process may take one for left behind. */
  #insert(id: string, { owner, now }: LeaseHolder): boolean {
    const time = now().getTime();
    return this.#database.run('INSERT OR IGNORE INTO leases VALUES (?, ?, ?)', id, owner, time) > 0;
  }

  #release(id: string, root: Digest): void {
    const digests = this.#active.get(id)?.digests;
    if (digests === undefined) return;
    const released = this.#database.transaction(() =>
      this.#database.all<{ digest: Digest }>(
        `WITH RECURSIVE kept (digest) AS (
           SELECT ?2 UNION SELECT held FROM edges JOIN kept ON holder = kept.digest
         )
         DELETE FROM lease_blobs WHERE lease = ?1 AND digest IN kept RETURNING digest`,
        id,
        root,
      ),
    );
    for (const { digest } of released) digests.delete(digest);
  }

  #expire(id: string): void {
    const held = this.#active.get(id);
    if (held === undefined) return;
    const idle = [...held.digests].filter((digest) => !held.touched.has(digest));
    this.#database.transaction(() => {
      for (const digest of idle) {
        this.#database.run('DELETE FROM lease_blobs WHERE lease = ? AND digest = ?', id, digest);
      }
    });
    for (const digest of idle) held.digests.delete(digest);
    held.touched.clear();
  }

  /** Ends every lease of this store. */
  release(): void {
    for (const id of this.#active.keys()) this.#drop(id);
    this.#active.clear();
  }

  #unprotected(digest: Digest): (readonly [string, Held])[] {
    return [...this.#active].filter(([, { digests }]) => !digests.has(digest));
  }

  #drop(id: string): void {
    try {
      this.#database.transaction(() => this.#database.run('DELETE FROM leases WHERE id = ?', id));
    } catch (error) {
      // On a full disk. What cannot be ended now ends with the process.
      if (!hasCode(error, 'IO')) throw error;
    }
  }
}
