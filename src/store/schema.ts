/** What `user_version` of `meta.db` says: how many of {@link MIGRATIONS} it has seen. */
export const SCHEMA_VERSION = 1;

/**
 * The steps from an empty database to the one that finch uses, each run once and never changed again.
 *
 * `blobs` says which files are verified, and in which state they were then. `edges` says what keeps what from being collected: as long as
 * `holder` is kept, so is `held`. `kind` says why: a manifest cannot be here without its `required`
 * parts, but without its `optional` ones (members of an index, non-distributable layers); a `referrer`
 * names the holder as its subject. `index_file` holds one row about the export of the names.
 * `foreign_entries` are what other programs put into `index.json` without a name that finch could keep.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE blobs (
    digest     TEXT PRIMARY KEY,
    size       INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    stamp      TEXT NOT NULL -- state of the file when it was verified
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE edges (
    holder TEXT NOT NULL,
    held   TEXT NOT NULL,
    kind   TEXT NOT NULL CHECK (kind IN ('required', 'optional', 'referrer')),
    PRIMARY KEY (holder, held, kind)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX edges_by_held ON edges (held, holder);

  CREATE TABLE names (
    name       TEXT PRIMARY KEY,
    digest     TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size       INTEGER NOT NULL,
    created_at INTEGER NOT NULL, -- milliseconds since 1970
    entry      TEXT NOT NULL     -- its JSON in index.json, made once because every change writes them all
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX names_by_age ON names (created_at DESC, name);
  CREATE INDEX names_by_digest ON names (digest);

  CREATE TABLE index_file (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL, -- how often names changed
    exported   INTEGER NOT NULL, -- the generation that index.json shows
    stamp      TEXT,             -- identity of the index.json that finch wrote or read last
    pending    TEXT              -- identity of the file that finch is about to give that name
  ) STRICT;
  INSERT INTO index_file VALUES (1, 0, -1, NULL, NULL);

  CREATE TABLE foreign_entries (
    digest TEXT NOT NULL,
    entry  TEXT NOT NULL, -- its JSON in index.json
    PRIMARY KEY (digest, entry)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE leases (
    id         TEXT PRIMARY KEY,
    owner      TEXT NOT NULL, -- the process, as owner.ts writes it
    created_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE lease_blobs (
    lease  TEXT NOT NULL REFERENCES leases (id) ON DELETE CASCADE,
    digest TEXT NOT NULL,
    PRIMARY KEY (lease, digest)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX lease_blobs_by_digest ON lease_blobs (digest);

  CREATE TABLE layers (
    digest     TEXT PRIMARY KEY REFERENCES blobs (digest) ON DELETE CASCADE,
    media_type TEXT NOT NULL,
    diff_id    TEXT NOT NULL,
    diff_size  INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX layers_by_diff_id ON layers (diff_id);
  `,
];
