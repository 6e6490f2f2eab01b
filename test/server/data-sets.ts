import { type Descriptor, describe } from '../../src/oci/descriptor.ts';
import { type Digest, type DigestAlgorithm, digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { json, layerTar } from '../support/images.ts';
import { bytesOf } from './requests.ts';

/** A document of a {@link DataSet}, and what its push and its referrers must say of it. */
export interface PushedDocument {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  readonly subject?: Descriptor;
}

type Extra = { readonly subject?: Descriptor; readonly [key: string]: unknown };

/** Content of one shape, as a client would push it: blobs, then documents in order, then tags. */
export class DataSet {
  readonly blobs = new Map<Digest, Uint8Array>();
  readonly documents: PushedDocument[] = [];
  readonly tags = new Map<string, Digest>();
  readonly #algorithm: DigestAlgorithm;

  constructor(algorithm: DigestAlgorithm) {
    this.#algorithm = algorithm;
  }

  /** A blob that is pushed; `extra` are further members of its descriptor. */
  blob(mediaType: string, bytes: Uint8Array, extra: Extra = {}): Descriptor {
    const descriptor = this.missing(mediaType, bytes);
    this.blobs.set(descriptor.digest, bytes);
    return { ...descriptor, ...extra };
  }

  /** The descriptor of content that is never pushed. */
  missing(mediaType: string, bytes: Uint8Array): Descriptor {
    return describe(mediaType, digestOf(bytes, this.#algorithm), bytes);
  }

  /** An image of one layer, which tells itself from others by `architecture`. */
  image(architecture = 'amd64', extra: Extra = {}): Descriptor {
    const tar = layerTar(`for ${architecture}`);
    const layer = this.blob(mediaTypes.layerGzip, Bun.gzipSync(Buffer.from(tar)));
    const config = this.blob(mediaTypes.config, imageConfig(architecture, [tar]));
    return this.manifest({ config, layers: [layer], ...extra });
  }

  /** An artifact of one blob. */
  artifact(artifactType: string, extra: Extra = {}): Descriptor {
    const config = this.blob(mediaTypes.empty, bytesOf('{}'));
    const layer = this.blob('application/vnd.example.data', bytesOf(`of ${artifactType}`));
    return this.manifest({ artifactType, config, layers: [layer], ...extra });
  }

  manifest(content: Extra): Descriptor {
    return this.#document(mediaTypes.manifest, content);
  }

  index(manifests: readonly Descriptor[], extra: Extra = {}): Descriptor {
    return this.#document(mediaTypes.index, { manifests, ...extra });
  }

  #document(mediaType: string, { subject, ...content }: Extra): Descriptor {
    const bytes = json({ schemaVersion: 2, mediaType, ...content, ...(subject && { subject }) });
    const descriptor = this.missing(mediaType, bytes);
    this.documents.push({ descriptor, bytes, ...(subject && { subject }) });
    return descriptor;
  }
}

function imageConfig(architecture: string, tars: readonly Uint8Array[], extra: Extra = {}) {
  const diffIds = tars.map((tar) => digestOf(tar));
  return json({ os: 'linux', architecture, rootfs: { diff_ids: diffIds }, ...extra });
}

const SBOM = 'application/vnd.example.sbom';
const SIGNATURE = 'application/vnd.example.signature';

/** Every shape of content that a registry must keep, by what it is. */
export const dataSets: Readonly<Record<string, (set: DataSet) => void>> = {
  'an image'(set) {
    set.tags.set('image', set.image().digest);
  },
  'an image of uncompressed layers'(set) {
    const tars = [layerTar('one'), layerTar('two')];
    const layers = tars.map((tar) => set.blob(mediaTypes.layer, tar));
    const config = set.blob(mediaTypes.config, imageConfig('amd64', tars));
    set.tags.set('plain', set.manifest({ config, layers }).digest);
  },
  'an image with a manifest of almost 4 MiB'(set) {
    const filler = Array.from({ length: 400 }, (_, i) => [`org.example.${i}`, 'x'.repeat(10_000)]);
    const annotations = Object.fromEntries(filler);
    set.tags.set('large', set.image('amd64', { annotations }).digest);
  },
  'an index'(set) {
    set.tags.set('index', set.index([set.image('amd64'), set.image('arm64')]).digest);
  },
  'an index of indexes'(set) {
    const inner = ['amd64', 'arm64'].map((architecture) => set.index([set.image(architecture)]));
    set.tags.set('nested', set.index(inner).digest);
  },
  'an empty index'(set) {
    set.tags.set('empty', set.index([]).digest);
  },
  'an index whose members are elsewhere'(set) {
    const missing = set.missing(mediaTypes.manifest, bytesOf('elsewhere'));
    set.tags.set('sparse', set.index([set.image(), missing]).digest);
  },
  'an index of what nobody knows'(set) {
    const unknown = set.missing('application/vnd.example.unknown+json', bytesOf('{}'));
    set.tags.set('unknown', set.index([unknown]).digest);
  },
  'an artifact'(set) {
    set.tags.set('artifact', set.artifact(SBOM).digest);
  },
  'an artifact without layers of its own'(set) {
    const empty = set.blob(mediaTypes.empty, bytesOf('{}'));
    const content = { artifactType: SBOM, config: empty, layers: [empty] };
    set.tags.set('bare', set.manifest(content).digest);
  },
  'an index of artifacts'(set) {
    const members = [set.artifact(SBOM), set.artifact(SIGNATURE)];
    set.tags.set('artifacts', set.index(members, { artifactType: SBOM }).digest);
  },
  'artifacts with a subject'(set) {
    const subject = set.image();
    const annotations = { 'org.example.note': 'hello' };
    set.tags.set('subject', subject.digest);
    set.image('arm64', { subject });
    set.tags.set('sbom', set.artifact(SBOM, { subject, annotations }).digest);
    set.artifact(SIGNATURE, { subject, annotations });
  },
  'an index with a subject, whose members have it too'(set) {
    const subject = set.index([set.image()]);
    set.tags.set('subject', subject.digest);
    const members = [set.artifact(SBOM, { subject }), set.artifact(SIGNATURE, { subject })];
    set.tags.set('referrer', set.index(members, { artifactType: SBOM, subject }).digest);
    set.index(members, { subject });
  },
  'an artifact whose subject is missing'(set) {
    const subject = set.missing(mediaTypes.manifest, bytesOf('missing'));
    set.tags.set('early', set.artifact(SBOM, { subject }).digest);
  },
  'descriptors with data'(set) {
    const bytes = imageConfig('amd64', []);
    const data = Buffer.from(bytes).toString('base64');
    const config = set.blob(mediaTypes.config, bytes, { data });
    set.tags.set('data', set.manifest({ config, layers: [] }).digest);
  },
  'layers that are not distributed'(set) {
    const away = bytesOf('behind a licence');
    const foreign = ['.tar', '.tar+gzip'].map((form) => ({
      ...set.missing(`application/vnd.oci.image.layer.nondistributable.v1${form}`, away),
      urls: ['https://store.example.com/layer'],
    }));
    const tar = layerTar('ours');
    const config = set.blob(mediaTypes.config, imageConfig('amd64', [away, away, tar]));
    const layers = [...foreign, set.blob(mediaTypes.layer, tar)];
    set.tags.set('foreign', set.manifest({ config, layers }).digest);
  },
  'fields that no specification knows'(set) {
    const custom = { 'org.example.custom': { deep: [1, null, 'x'] } };
    const tar = layerTar('custom');
    const config = set.blob(mediaTypes.config, imageConfig('amd64', [tar], custom));
    const layer = set.blob(mediaTypes.layer, tar, custom);
    const image = set.manifest({ config, layers: [layer], ...custom });
    set.tags.set('custom', set.index([{ ...image, ...custom }], custom).digest);
  },
  'an image without layers'(set) {
    const config = set.blob(mediaTypes.config, imageConfig('amd64', []));
    set.tags.set('no-layers', set.manifest({ config, layers: [] }).digest);
  },
};
