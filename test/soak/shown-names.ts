import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tally } from './tally.ts';

/** What a name in `index.json` must show from now on. */
export interface Settled {
  readonly digest: string;
}

/** The names in a store's `index.json`, with the digests they name. Throws when it cannot be parsed. */
export async function readShown(home: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(join(home, 'store/index.json'), 'utf8');
  const { manifests } = JSON.parse(text) as {
    manifests: { digest: string; annotations: Record<string, string> }[];
  };
  return new Map(
    manifests.map(({ digest, annotations }) => [
      annotations['org.opencontainers.image.ref.name'] ?? '',
      digest,
    ]),
  );
}

/**
 * Reads `index.json` again and again until `isOver`. It must be whole every time, and show every name that
 * nobody changed while it was read.
 * @param settled the names that nobody is changing at this moment
 */
export async function watchShown(
  home: string,
  {
    settled,
    tally,
    isOver,
  }: {
    readonly settled: ReadonlyMap<string, Settled>;
    readonly tally: Tally;
    readonly isOver: () => boolean;
  },
): Promise<void> {
  while (!isOver()) {
    const before = [...settled];
    try {
      const shown = await readShown(home);
      tally.count('index.json read');
      for (const [name, entry] of before) {
        // Only when it is the same entry still has nobody changed the name in between.
        if (settled.get(name) !== entry || shown.get(name) === entry.digest) continue;
        tally.fault(`index.json lost ${name}: ${shown.get(name)} instead of ${entry.digest}`);
      }
    } catch (error) {
      tally.fault(`index.json cannot be read: ${error}`);
    }
    await Bun.sleep(20);
  }
}
