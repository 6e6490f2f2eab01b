import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { childrenOf, type Document } from '../oci/document.ts';
import { isNonDistributable } from '../oci/media-types.ts';
import type { StoreDatabase } from './database.ts';

/** What a document cannot be here without: a manifest's config and layers. */
export function requiredParts(document: Document): readonly Descriptor[] {
  if (document.kind === 'index') return [];
  return childrenOf(document).filter((child) => !isNonDistributable(child.mediaType));
}

/** Remembers what the document `digest` names. Inside a transaction of the caller. */
export function recordEdges(database: StoreDatabase, digest: Digest, document: Document): void {
  forgetEdges(database, digest);
  const add = (holder: Digest, held: Digest, kind: 'required' | 'optional' | 'referrer') =>
    database.run('INSERT OR IGNORE INTO edges VALUES (?, ?, ?)', holder, held, kind);
  const required = new Set(requiredParts(document));
  for (const child of childrenOf(document)) {
    add(digest, child.digest, required.has(child) ? 'required' : 'optional');
  }
  if (document.subject !== undefined) add(document.subject.digest, digest, 'referrer');
}

/** Forgets what the document `digest` names. Inside a transaction of the caller. */
export function forgetEdges(database: StoreDatabase, digest: Digest): void {
  database.run(
    `DELETE FROM edges WHERE (holder = ?1 AND kind <> 'referrer')
                          OR (held = ?1 AND kind = 'referrer')`,
    digest,
  );
}

/** Every blob that neither a name, a foreign entry of `index.json` nor a lease reaches, with its size; documents before what they name. */
export function unreached(
  database: StoreDatabase,
): readonly { readonly digest: Digest; readonly size: number }[] {
  return database.all(
    `WITH RECURSIVE kept (digest) AS (
       SELECT digest FROM names
       UNION SELECT digest FROM foreign_entries
       UNION SELECT digest FROM lease_blobs
       UNION SELECT held FROM edges JOIN kept ON holder = kept.digest
     )
     SELECT digest, size FROM blobs WHERE digest NOT IN kept
     ORDER BY media_type NOT LIKE '%.index.v1+json' AND media_type NOT LIKE '%.list.v2+json',
              media_type NOT LIKE '%manifest.v%+json',
              digest`,
  );
}

/** Whether a name, a foreign entry of `index.json` or a lease reaches the digest now. */
export function isReached(database: StoreDatabase, digest: Digest): boolean {
  const row = database.get(
    `WITH RECURSIVE above (digest) AS (
       SELECT ?1 UNION SELECT holder FROM edges JOIN above ON held = above.digest
     )
     SELECT 1 FROM above
     WHERE EXISTS (SELECT 1 FROM names WHERE names.digest = above.digest)
        OR EXISTS (SELECT 1 FROM foreign_entries WHERE foreign_entries.digest = above.digest)
        OR EXISTS (SELECT 1 FROM lease_blobs WHERE lease_blobs.digest = above.digest)
     LIMIT 1`,
    digest,
  );
  return row !== undefined;
}

/**
 * As {@link isReached}, but a referrer is not needed for its subject's sake, and what the lease `except`
 * protects is not needed for that.
 */
export function isNeeded(
  database: StoreDatabase,
  digest: Digest,
  { except }: { readonly except?: string | undefined } = {},
): boolean {
  const row = database.get(
    `WITH RECURSIVE above (digest) AS (
       SELECT ?1
       UNION SELECT holder FROM edges JOIN above ON held = above.digest
       WHERE NOT (held = ?1 AND kind = 'referrer')
     )
     SELECT 1 FROM above
     WHERE EXISTS (SELECT 1 FROM names WHERE names.digest = above.digest)
        OR EXISTS (SELECT 1 FROM foreign_entries WHERE foreign_entries.digest = above.digest)
        OR EXISTS (SELECT 1 FROM lease_blobs WHERE lease_blobs.digest = above.digest
                                               AND lease_blobs.lease <> ?2)
     LIMIT 1`,
    digest,
    except ?? '',
  );
  return row !== undefined;
}

/** The names that reach the digest from above, sorted. To be the referrer of something named is no need. */
export function namesAbove(database: StoreDatabase, digest: Digest): readonly string[] {
  const rows = database.all<{ name: string }>(
    `WITH RECURSIVE above (digest) AS (
       SELECT ?1 UNION SELECT holder FROM edges JOIN above ON held = above.digest
                       WHERE kind <> 'referrer'
     )
     SELECT name FROM names WHERE digest IN above ORDER BY name`,
    digest,
  );
  return rows.map(({ name }) => name);
}

/** Whether one of the names that begin with `prefix` reaches the digest. */
export function isReachedFrom(database: StoreDatabase, prefix: string, digest: Digest): boolean {
  const row = database.get(
    `WITH RECURSIVE above (digest) AS (
       SELECT ?1 UNION SELECT holder FROM edges JOIN above ON held = above.digest
     )
     SELECT 1 FROM above CROSS JOIN names ON names.digest = above.digest
     WHERE names.name >= ?2 AND names.name < ?3
     LIMIT 1`,
    digest,
    prefix,
    `${prefix}\u{10ffff}`,
  );
  return row !== undefined;
}

/** The documents here whose subject is `digest` and whose own digest comes behind `after`. */
export function referrersOf(
  database: StoreDatabase,
  digest: Digest,
  { after }: { readonly after: string },
): readonly { readonly digest: Digest; readonly mediaType: string; readonly size: number }[] {
  return database.all(
    `SELECT blobs.digest, media_type AS mediaType, size
     FROM edges JOIN blobs ON blobs.digest = held
     WHERE holder = ? AND kind = 'referrer' AND held > ? ORDER BY held`,
    digest,
    after,
  );
}
