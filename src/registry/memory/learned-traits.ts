import type { MemoryFile } from './memory-file.ts';
import { CLOCK_SLACK_MS, TRAIT_LIFE_MS } from './memory-schema.ts';
import type { LearnedTraits } from './registry-memory.ts';

/** A longer challenge is not remembered. */
const MAX_CHALLENGE = 4096;

/** What a value of each trait is; any other is one that another finch means. */
const CHECKS: { readonly [Trait in keyof LearnedTraits]-?: (value: unknown) => boolean } = {
  chunkBytes: isLength,
  maxBodyBytes: isLength,
  way: (value) => value === 'whole' || value === 'chunks',
  noMount: (value) => typeof value === 'boolean',
  noFile: (value) => typeof value === 'boolean',
  tls: (value) => typeof value === 'boolean',
  noStatus: (value) => typeof value === 'boolean',
  noMultiTag: (value) => typeof value === 'boolean',
  brittle: (value) => typeof value === 'boolean',
  challenge: (value) => typeof value === 'string' && value.length <= MAX_CHALLENGE,
};

/** What the file says of a host that is not too old. */
export function learnedTraits(file: MemoryFile, host: string, now: number): LearnedTraits {
  const rows = file.all<{ trait: string; value: string }>(
    'SELECT trait, value FROM traits WHERE host = ? AND learned_at BETWEEN ? AND ?',
    ...[host, now - TRAIT_LIFE_MS, now + CLOCK_SLACK_MS],
  );
  const traits: Record<string, unknown> = {};
  for (const { trait, value } of rows) {
    const parsed = parse(value);
    if (isTrait(trait) && CHECKS[trait](parsed)) traits[trait] = parsed;
  }
  return traits;
}

/** The rows of what was learned of a host; what cannot be is left out. */
export function traitRows(
  host: string,
  traits: LearnedTraits,
  now: number,
): readonly (readonly [string, string, string, number])[] {
  return Object.entries(traits)
    .filter(([trait, value]) => isTrait(trait) && CHECKS[trait](value))
    .map(([trait, value]) => [host, trait, JSON.stringify(value), now]);
}

function isTrait(name: string): name is keyof LearnedTraits {
  return Object.hasOwn(CHECKS, name);
}

function isLength(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
