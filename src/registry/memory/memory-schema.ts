/** What `user_version` of `registries.db` says. Any other that is lower is made anew: it is only a memory. */
export const MEMORY_VERSION = 2;

/** The tables of {@link MEMORY_VERSION}. Times are milliseconds since 1970. */
export const MEMORY_TABLES = `
  DROP TABLE IF EXISTS uploads;
  DROP TABLE IF EXISTS places;
  DROP TABLE IF EXISTS traits;

  CREATE TABLE uploads (
    registry   TEXT NOT NULL,
    repository TEXT NOT NULL,
    digest     TEXT NOT NULL,
    owner      TEXT NOT NULL, -- the process, as host/owner.ts writes it
    location   TEXT NOT NULL, -- a secret
    position   INTEGER NOT NULL,
    courier    TEXT, -- the process that sends for the owner, and may outlive it
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (registry, repository, digest, owner)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE places (
    registry   TEXT NOT NULL,
    digest     TEXT NOT NULL,
    repository TEXT NOT NULL,
    seen_at    INTEGER NOT NULL,
    PRIMARY KEY (registry, digest, repository)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX places_by_age ON places (seen_at);

  CREATE TABLE traits (
    host       TEXT NOT NULL,
    trait      TEXT NOT NULL,
    value      TEXT NOT NULL, -- JSON
    learned_at INTEGER NOT NULL,
    PRIMARY KEY (host, trait)
  ) STRICT, WITHOUT ROWID;
`;

/** How long an upload is kept: registries drop them after a week. */
export const UPLOAD_LIFE_MS = 7 * 86_400_000;

/** How long what a host has shown counts. */
export const TRAIT_LIFE_MS = 30 * 86_400_000;

/** How long a place counts. */
export const PLACE_LIFE_MS = 90 * 86_400_000;

/** Of more places the oldest are forgotten. */
export const MOST_PLACES = 100_000;

/** How far ahead of this machine's clock a time may be that was written down. */
export const CLOCK_SLACK_MS = 86_400_000;
