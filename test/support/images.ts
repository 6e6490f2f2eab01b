import { type Descriptor, describe } from '../../src/oci/descriptor.ts';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import type { Platform } from '../../src/oci/platform.ts';
import { tarFile } from './tar.ts';

/** Images as a test arranges them: every blob by its digest, and the top of the graph. */
export interface Built {
  readonly blobs: ReadonlyMap<Digest, Uint8Array>;
  readonly root: Descriptor;
  /** Descriptors below the root, children before parents, the root last. */
  readonly order: readonly Descriptor[];
}

/** What {@link buildImage} makes; everything has a default. */
export interface ImageOptions {
  readonly platform?: Platform;
  /** Uncompressed layer tars. Default: one with a file `hello`. */
  readonly layers?: readonly Uint8Array[];
  readonly docker?: boolean;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
}

/** JSON as bytes, compact. */
export function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** A layer tar that holds one file. */
export function layerTar(content: string, name = 'hello'): Uint8Array {
  return tarFile([{ name, bytes: content, mode: 0o755 }]);
}

/** An image of one platform with gzip layers. */
export function buildImage(options: ImageOptions = {}): Built {
  const platform = options.platform ?? { os: 'linux', architecture: 'amd64' };
  const tars = options.layers ?? [layerTar(`hello ${platform.architecture}`)];
  const blobs = new Map<Digest, Uint8Array>();
  const order: Descriptor[] = [];
  const add = (mediaType: string, bytes: Uint8Array) => {
    const descriptor = describe(mediaType, digestOf(bytes), bytes);
    blobs.set(descriptor.digest, bytes);
    order.push(descriptor);
    return descriptor;
  };
  const layerType = options.docker ? mediaTypes.dockerLayerGzip : mediaTypes.layerGzip;
  const layers = tars.map((tar) => add(layerType, Bun.gzipSync(Buffer.from(tar))));
  const config = add(
    options.docker ? mediaTypes.dockerConfig : mediaTypes.config,
    json({
      ...{ os: platform.os, architecture: platform.architecture },
      ...(platform.variant !== undefined && { variant: platform.variant }),
      config: { Cmd: ['/hello'], ...(options.labels && { Labels: options.labels }) },
      rootfs: { type: 'layers', diff_ids: tars.map((tar) => digestOf(tar)) },
    }),
  );
  const manifestType = options.docker ? mediaTypes.dockerManifest : mediaTypes.manifest;
  const root = add(
    manifestType,
    json({
      schemaVersion: 2,
      mediaType: manifestType,
      config,
      layers,
      ...(options.annotations && { annotations: options.annotations }),
    }),
  );
  return { blobs, root, order };
}

/** An index over images, each with its platform. */
export function buildIndex(
  images: readonly {
    readonly image: Built;
    readonly platform?: Platform;
    readonly annotations?: Record<string, string>;
  }[],
): Built {
  const bytes = json({
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: images.map(({ image, platform, annotations }) => ({
      ...image.root,
      ...(platform && { platform }),
      ...(annotations && { annotations }),
    })),
  });
  const root = describe(mediaTypes.index, digestOf(bytes), bytes);
  return {
    root,
    blobs: new Map([...images.flatMap(({ image }) => [...image.blobs]), [root.digest, bytes]]),
    order: [...images.flatMap(({ image }) => image.order), root],
  };
}

/** An index of one small image for each platform, `os/architecture[/variant]`. */
export function buildMultiPlatform(...platforms: readonly string[]): Built {
  return buildIndex(
    platforms.map((text) => {
      const [os = '', architecture = '', variant] = text.split('/');
      const platform = { os, architecture, ...(variant !== undefined && { variant }) };
      return { image: buildImage({ platform }), platform };
    }),
  );
}

/** The files of an OCI image layout that holds `built`, by path. */
export function layoutFiles(
  built: Built,
  annotations: Record<string, string> = {},
): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>([
    ['oci-layout', json({ imageLayoutVersion: '1.0.0' })],
    [
      'index.json',
      json({
        schemaVersion: 2,
        mediaType: mediaTypes.index,
        manifests: [{ ...built.root, annotations }],
      }),
    ],
  ]);
  for (const [digest, bytes] of built.blobs) files.set(`blobs/${digest.replace(':', '/')}`, bytes);
  return files;
}
