import { type ContentStore, memoryContent } from '../../src/content.ts';
import { type Descriptor, describe } from '../../src/oci/descriptor.ts';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { childrenOf, parseDocument } from '../../src/oci/document.ts';
import { isDocumentType, mediaTypes } from '../../src/oci/media-types.ts';
import type { Platform } from '../../src/oci/platform.ts';
import { json, layerTar } from '../support/images.ts';

/** What {@link Graph.image} makes beside its defaults. */
interface ImageParts {
  /** Default: one layer tar that holds the name of the image. */
  readonly layers?: readonly Descriptor[];
  readonly docker?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  /** Whether the descriptor says the platform, as an index has it. Default: true. */
  readonly declared?: boolean;
}

/** Content that a test puts together piece by piece, each piece under a name that assertions use. */
export class Graph {
  readonly blobs = new Map<Digest, Uint8Array>();
  readonly #names = new Map<Digest, string>();
  readonly #diffIds = new Map<Digest, Digest>();

  add(name: string, mediaType: string, bytes: Uint8Array): Descriptor {
    const descriptor = describe(mediaType, digestOf(bytes), bytes);
    this.blobs.set(descriptor.digest, bytes);
    this.#names.set(descriptor.digest, name);
    return descriptor;
  }

  /** `size` bytes that begin with the name, called a layer. */
  blob(name: string, size = 100, mediaType: string = mediaTypes.layerGzip): Descriptor {
    const bytes = new Uint8Array(Math.max(size, name.length));
    new TextEncoder().encodeInto(name, bytes);
    return this.add(name, mediaType, bytes);
  }

  /** A real gzip layer with one file. */
  layer(name: string, content = name): Descriptor {
    const tar = layerTar(content);
    const layer = this.add(name, mediaTypes.layerGzip, Bun.gzipSync(Buffer.from(tar)));
    this.#diffIds.set(layer.digest, digestOf(tar));
    return layer;
  }

  manifest(
    name: string,
    { config, layers, ...more }: { config: Descriptor; layers: readonly Descriptor[] },
  ): Descriptor {
    const docker = config.mediaType === mediaTypes.dockerConfig;
    const mediaType = docker ? mediaTypes.dockerManifest : mediaTypes.manifest;
    return this.add(
      name,
      mediaType,
      json({ schemaVersion: 2, mediaType, config, layers, ...more }),
    );
  }

  /** A runnable image for `os/architecture[/variant]`; its parts are `NAME.config` and `NAME.layer`. */
  image(name: string, platform: string, parts: ImageParts = {}): Descriptor {
    const { layers = [this.layer(`${name}.layer`)], docker = false, declared = true } = parts;
    const config = this.add(
      `${name}.config`,
      docker ? mediaTypes.dockerConfig : mediaTypes.config,
      json({
        ...platformOf(platform),
        config: { Cmd: [name], ...(parts.labels && { Labels: parts.labels }) },
        rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => this.#diffIds.get(digest)) },
      }),
    );
    const manifest = this.manifest(name, { config, layers });
    return declared ? { ...manifest, platform: platformOf(platform) } : manifest;
  }

  /** What BuildKit attests of an image; its layer is `NAME.statement`. */
  attestation(name: string, about: Descriptor): Descriptor {
    const statement = this.add(`${name}.statement`, 'application/vnd.in-toto+json', json({ name }));
    const config = this.add(
      `${name}.config`,
      mediaTypes.config,
      json({ os: 'unknown', architecture: 'unknown', config: {}, about: about.digest }),
    );
    return {
      ...this.manifest(name, { config, layers: [statement] }),
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': about.digest,
      },
    };
  }

  /** Content that is no image, as a chart or a signature is; its parts are `NAME.config` and `NAME.data`. */
  artifact(name: string): Descriptor {
    const config = this.add(
      `${name}.config`,
      'application/vnd.example.config+json',
      json({ name }),
    );
    return this.manifest(name, { config, layers: [this.blob(`${name}.data`, 9, 'text/plain')] });
  }

  index(
    name: string,
    manifests: readonly Descriptor[],
    {
      mediaType = mediaTypes.index,
      ...more
    }: { readonly mediaType?: string; readonly [member: string]: unknown } = {},
  ): Descriptor {
    const members = manifests.map(({ platform, ...member }) => ({
      ...member,
      ...(platform && { platform: platformJson(platform) }),
    }));
    const bytes = json({ schemaVersion: 2, mediaType, manifests: members, name, ...more });
    return this.add(name, mediaType, bytes);
  }

  nameOf({ digest }: { readonly digest: Digest }): string {
    return this.#names.get(digest) ?? digest;
  }

  bytesOf({ digest }: { readonly digest: Digest }): Uint8Array {
    const bytes = this.blobs.get(digest);
    if (bytes === undefined) throw new Error(`the graph has no ${digest}`);
    return bytes;
  }

  /** Everything at and below `root`, parts before what names them, each once. */
  below(root: Descriptor, seen = new Set<Digest>()): readonly Descriptor[] {
    if (seen.has(root.digest)) return [];
    seen.add(root.digest);
    if (!isDocumentType(root.mediaType)) return [root];
    const document = parseDocument(this.bytesOf(root), { mediaType: root.mediaType, what: 'x' });
    return [...childrenOf(document).flatMap((child) => this.below(child, seen)), root];
  }

  /** Puts `root` and all below it into a store, but for what has a name in `without`. */
  async writeTo(
    store: ContentStore,
    root: Descriptor,
    { without = [] as readonly string[] } = {},
  ): Promise<void> {
    for (const descriptor of this.below(root)) {
      if (without.includes(this.nameOf(descriptor))) continue;
      await store.write(descriptor, memoryContent(this.bytesOf(descriptor)));
    }
  }
}

/** The platform that `os/architecture[/variant][:version]` means. */
export function platformOf(text: string): Platform {
  const [path = '', osVersion] = text.split(':');
  const [os = '', architecture = '', variant] = path.split('/');
  return {
    ...{ os, architecture },
    ...(variant !== undefined && { variant }),
    ...(osVersion !== undefined && { osVersion }),
  };
}

function platformJson({ osVersion, ...platform }: Platform) {
  return { ...platform, ...(osVersion !== undefined && { 'os.version': osVersion }) };
}
