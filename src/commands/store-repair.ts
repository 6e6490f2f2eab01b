import type { AbortOptions } from '../content.ts';
import { recordLayers } from '../copy/layer-check.ts';
import { FinchError } from '../errors.ts';
import type { Platform } from '../oci/platform.ts';
import type { ImageStore } from '../store/image-store.ts';
import type { Command } from './command.ts';
import { damageLine } from './store-verify.ts';

/** `finch store repair`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about:
    'Makes a damaged store usable again. A damaged meta.db is set aside and made again from what can be read of it, index.json and the blobs; damaged content is removed, so that the next pull or load brings it back. Intact images stay as they are; one that lost its name is named recovered@DIGEST.',
  flags: [],
  examples: [{ line: 'finch store repair', what: 'mend the store, and see what to pull again' }],
  async run(app, { signal }) {
    const { storePath, host } = app;
    const { repairStore } = await import('../store/repair-store.ts');
    const { setAside, restored, inspection } = await repairStore(storePath, {
      now: host.now,
      signal,
    });
    await measureLayers(await app.store(), { platform: host.platform, signal });
    const { names, blobs, bytes, damages } = inspection;
    const hit = [...new Set(damages.flatMap((damage) => damage.names))].toSorted();
    const done = [
      ...setAside.map((path) => `set aside and made again: ${path}`),
      ...restored.map((name) => `named: ${name}`),
      ...damages.map((damage) => `forgotten: ${damageLine(damage)}`),
      ...hit.map((name) => `pull or load again: ${name}`),
    ];
    const kept = `${names} names, ${blobs} blobs, ${bytes} bytes`;
    const lines = done.length === 0 ? [`${kept}: nothing to repair`] : done;
    return { kind: 'lines', lines };
  },
};

/** Finds out again what layers are uncompressed, which the database knew, for the images that this machine runs. */
async function measureLayers(
  store: ImageStore,
  { platform, signal }: AbortOptions & { readonly platform: Platform },
): Promise<void> {
  for (const { target } of store.names()) {
    try {
      await recordLayers(target, { store, platform, signal });
    } catch (error) {
      // What is damaged or lies about its layers has no size to show, as when it was loaded.
      if (!(error instanceof FinchError)) throw error;
    }
  }
}
