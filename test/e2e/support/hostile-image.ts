import { describe } from '../../../src/oci/descriptor.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/media-types.ts';
import { layerTar } from '../../support/images.ts';
import { type TarMember, tarFile } from '../../support/tar.ts';

/** Changes the text of a document before it is named by its digest. */
type Edit = (text: string) => string | Uint8Array;

/** What a test changes in an image of one layer that is right otherwise. */
export interface Forgery {
  readonly layout?: Edit;
  readonly index?: Edit;
  readonly manifest?: Edit;
  readonly config?: Edit;
  /** What is stored as the layer; its descriptor stays that of the right one unless `layerType` is given. */
  readonly layer?: Uint8Array;
  /** Describes the given layer as what it is. */
  readonly layerType?: string;
}

const TAR = layerTar('hostile');

/** The members of an OCI archive with one image, `hostile:1`, forged. */
export function forgedLayout(forgery: Forgery): readonly TarMember[] {
  const apply = (value: unknown, edit: Edit | undefined): Uint8Array => {
    const text = JSON.stringify(value);
    const edited = edit?.(text) ?? text;
    return typeof edited === 'string' ? Buffer.from(edited) : edited;
  };
  const right = Bun.gzipSync(Buffer.from(TAR));
  const stored = forgery.layer ?? right;
  const named = forgery.layerType === undefined ? right : stored;
  const layer = describe(forgery.layerType ?? mediaTypes.layerGzip, digestOf(named), named);
  const configBytes = apply(
    { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [digestOf(TAR)] } },
    forgery.config,
  );
  const config = describe(mediaTypes.config, digestOf(configBytes), configBytes);
  const manifest = apply(
    { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [layer] },
    forgery.manifest,
  );
  const root = {
    ...describe(mediaTypes.manifest, digestOf(manifest), manifest),
    annotations: { 'org.opencontainers.image.ref.name': 'hostile:1' },
  };
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [root] };
  const blob = (digest: string, bytes: Uint8Array): TarMember => ({
    name: `blobs/${digest.replace(':', '/')}`,
    bytes,
  });
  return [
    { name: 'oci-layout', bytes: apply({ imageLayoutVersion: '1.0.0' }, forgery.layout) },
    { name: 'index.json', bytes: apply(index, forgery.index) },
    blob(root.digest, manifest),
    blob(config.digest, configBytes),
    blob(layer.digest, stored),
  ];
}

/** {@link forgedLayout} as a tar file. */
export function forgedArchive(forgery: Forgery): Uint8Array {
  return tarFile(forgedLayout(forgery));
}
