import { hasCode } from '../errors.ts';
import { UNSEEN_OWNER_MS } from '../host/owner.ts';
import type { Digest } from '../oci/digest.ts';
import type { StoreDatabase } from './database.ts';
import type { Lease } from './image-store.ts';

/** How old the row of a lease that is in use may be. Others may not see that this process lives. */
const RENEW_MS = UNSEEN_OWNER_MS / 4;

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
  /** When its row was written, in milliseconds since 1970. */
  renewed: number;
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
      const held = {
        owner,
        now,
        digests: new Set<Digest>(),
        touched: new Set<Digest>(),
        renewed: 0,
      };
      this.#database.transaction(() => this.#renew(id, held));
      this.#active.set(id, held);
    }
    return {
      id,
      release: (root, { except = () => false } = {}) => this.#release(id, root, except),
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
    for (const [id, held] of this.#active) {
      held.touched.add(digest);
      const age = held.now().getTime() - held.renewed;
      if (Math.abs(age) > RENEW_MS) this.#database.transaction(() => this.#renew(id, held));
    }
  }

  /** As {@link protect}, inside a transaction of the caller. */
  protectWithin(digest: Digest): void {
    for (const [id, held] of this.#unprotected(digest)) {
      // Another process may have taken the lease for left behind.
      if (this.#database.get('SELECT 1 FROM leases WHERE id = ?', id) === undefined) {
        this.#renew(id, held);
      }
      this.#database.run('INSERT OR IGNORE INTO lease_blobs VALUES (?, ?)', id, digest);
    }
  }

  /** Writes a lease down as it is now, and that it lives. Inside a transaction of the caller. */
  #renew(id: string, held: Held): void {
    const time = held.now().getTime();
    this.#database.run(
      `INSERT INTO leases VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET created_at = excluded.created_at`,
      id,
      held.owner,
      time,
    );
    for (const digest of held.digests) {
      this.#database.run('INSERT OR IGNORE INTO lease_blobs VALUES (?, ?)', id, digest);
    }
    held.renewed = time;
  }

  #release(id: string, root: Digest, isProtected: (digest: Digest) => boolean): void {
    const digests = this.#active.get(id)?.digests;
    if (digests === undefined) return;
    const released = this.#database.transaction(() => {
      const reached = this.#database.all<{ digest: Digest }>(
        `WITH RECURSIVE kept (digest) AS (
           SELECT ?2 UNION SELECT held FROM edges JOIN kept ON holder = kept.digest
         )
         SELECT digest FROM lease_blobs WHERE lease = ?1 AND digest IN kept`,
        id,
        root,
      );
      const free = reached.map(({ digest }) => digest).filter((digest) => !isProtected(digest));
      for (const digest of free) this.#unprotect(id, digest);
      return free;
    });
    for (const digest of released) digests.delete(digest);
  }

  #expire(id: string): void {
    const held = this.#active.get(id);
    if (held === undefined) return;
    const idle = [...held.digests].filter((digest) => !held.touched.has(digest));
    this.#database.transaction(() => {
      this.#renew(id, held);
      for (const digest of idle) this.#unprotect(id, digest);
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

  #unprotect(id: string, digest: Digest): void {
    this.#database.run('DELETE FROM lease_blobs WHERE lease = ? AND digest = ?', id, digest);
  }

  #drop(id: string): void {
    try {
      this.#database.transaction(() => this.#database.run('DELETE FROM leases WHERE id = ?', id));
    } catch (error) {
      // On a full disk, or in a store that was replaced. What cannot be ended now ends with the process.
      if (!hasCode(error, 'IO', 'STORE_UNUSABLE')) throw error;
    }
  }
}
