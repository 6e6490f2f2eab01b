import type { Digest } from '../oci/digest.ts';
import type { StoreContext } from './context.ts';
import type { LayerRecord } from './image-store.ts';
import { statBlob } from './presence.ts';

const SELECT = `
  SELECT digest, size, layers.media_type AS mediaType, diff_id AS diffId, diff_size AS diffSize
  FROM layers JOIN blobs USING (digest)`;

/** As `ImageStore.layersByDiffId`. Whether one is intact, `has` finds out. */
export function findLayersByDiffId(store: StoreContext, diffId: Digest): readonly LayerRecord[] {
  const rows = store.database.all<LayerRecord>(
    `${SELECT} WHERE diff_id = ? ORDER BY size, digest`,
    diffId,
  );
  return rows.filter(({ digest }) => statBlob(store, digest) !== undefined);
}

/** As `ImageStore.layer`. */
export function findLayer(store: StoreContext, digest: Digest): LayerRecord | undefined {
  return store.database.get<LayerRecord>(`${SELECT} WHERE digest = ?`, digest);
}

/** As `ImageStore.recordLayer`. */
export function recordLayer({ database }: StoreContext, layer: LayerRecord): void {
  const { digest, mediaType, diffId, diffSize } = layer;
  database.transaction(() =>
    database.run(
      `INSERT INTO layers SELECT digest, ?2, ?3, ?4 FROM blobs WHERE digest = ?1
       ON CONFLICT DO UPDATE SET
         media_type = excluded.media_type, diff_id = excluded.diff_id, diff_size = excluded.diff_size`,
      digest,
      mediaType,
      diffId,
      diffSize,
    ),
  );
}
