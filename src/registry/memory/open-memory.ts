import type { SQLQueryBindings } from 'bun:sqlite';
import { KeptUploads } from './kept-uploads.ts';
import { learnedTraits, traitRows } from './learned-traits.ts';
import { MemoryFile } from './memory-file.ts';
import { PLACE_LIFE_MS } from './memory-schema.ts';
import {
  emptyMemory,
  type LearnedTraits,
  MAX_PLACES,
  type RegistryMemory,
} from './registry-memory.ts';

/** So many places are written together. */
const BATCH = 64;

/** Where the memory is, and who hears of what is wrong with it. */
export interface OpenMemoryOptions {
  /** The file, for example `~/.finch/registries.db`. */
  readonly path: string;
  /** This process, as `owner.ts` writes it. Default: as it is. */
  readonly owner?: string;
  /** Milliseconds since 1970. Default: the clock. */
  readonly now?: () => number;
  /** One line for `--debug`. */
  readonly trace?: (line: string) => void;
  /** One line for the user. */
  readonly report?: (line: string) => void;
}

/**
 * The memory in a file, which is opened when it is first asked. Where the file cannot be used, it lasts as long
 * as this process, and says so once.
 */
export function openRegistryMemory(options: OpenMemoryOptions): RegistryMemory {
  const { path, owner, now = Date.now, trace = () => {}, report = () => {} } = options;
  const file = new MemoryFile({ path, now, onTrouble: trace });
  const onLost = () =>
    report(`warning: cannot write ${path}; if this is interrupted, uploads begin anew next time`);
  const uploads = new KeptUploads(file, { owner, now, onLost });
  // What this process has seen counts before what the file says, and without it.
  const seen = emptyMemory();
  const known = new Map<string, LearnedTraits>();
  let unwritten: (readonly SQLQueryBindings[])[] = [];

  const writePlaces = () => {
    file.runEach('INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?)', unwritten);
    unwritten = [];
  };

  return {
    claimUpload: (key) => uploads.claim(key),
    isCarried: (key) => uploads.isCarried(key),
    keepUpload: (key, upload) => uploads.keep(key, upload),
    forgetUpload: (key) => uploads.forget(key),

    placesOf(registry, digest, except) {
      const rows = file.all<{ repository: string }>(
        `SELECT repository FROM places
         WHERE registry = ? AND digest = ? AND repository <> ? AND seen_at > ?
         ORDER BY seen_at DESC LIMIT ?`,
        ...[registry, digest, except, now() - PLACE_LIFE_MS, MAX_PLACES],
      );
      const latest = seen.placesOf(registry, digest, except);
      const all = new Set([...latest, ...rows.map(({ repository }) => repository)]);
      return [...all].slice(0, MAX_PLACES);
    },
    rememberPlace(registry, repository, digest) {
      seen.rememberPlace(registry, repository, digest);
      unwritten.push([registry, digest, repository, now()]);
      if (unwritten.length >= BATCH) writePlaces();
    },
    forgetPlace(registry, repository, digest) {
      seen.forgetPlace(registry, repository, digest);
      writePlaces();
      file.run(
        'DELETE FROM places WHERE registry = ? AND digest = ? AND repository = ?',
        ...[registry, digest, repository],
      );
    },

    traits(host) {
      const kept = known.get(host) ?? learnedTraits(file, host, now());
      known.set(host, kept);
      return { ...kept, ...seen.traits(host) };
    },
    learn(host, traits) {
      seen.learn(host, traits);
      file.runEach(
        'INSERT OR REPLACE INTO traits VALUES (?, ?, ?, ?)',
        traitRows(host, traits, now()),
      );
    },

    [Symbol.dispose]() {
      writePlaces();
      file[Symbol.dispose]();
    },
  };
}
