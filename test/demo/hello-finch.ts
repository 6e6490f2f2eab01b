import { type Descriptor, describe } from '../../src/oci/descriptor.ts';
import { type Digest, digestOf, digestParts } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { type Built, buildIndex, json, layoutFiles } from '../support/images.ts';
import { tarFile } from '../support/tar.ts';
import { type ElfArchitecture, helloElf } from './elf.ts';

/** What `/hello` in the image prints. */
export const GREETING = `
        .--.
       / o  \\__
      |      _ >
       \\    /
   ~~~~~"~~"~~~~~
  Hello from finch!
`;

const CREATED = '2024-01-01T00:00:00Z';

/**
 * The two-platform image `hello-finch`, linux/arm64 before linux/amd64, whose only file is a static
 * program for its platform. The same bytes every time.
 */
export function helloFinch(): Built {
  return buildIndex(
    (['arm64', 'amd64'] as const).map((architecture) => ({
      image: helloImage(architecture).image,
      platform: { os: 'linux', architecture },
    })),
  );
}

/** Writes {@link helloFinch} as an OCI archive named `hello-finch:latest`, and returns it. */
export async function writeHelloFinch(path: string): Promise<Built> {
  const built = helloFinch();
  const files = layoutFiles(built, {
    'io.containerd.image.name': 'docker.io/library/hello-finch:latest',
    'org.opencontainers.image.ref.name': 'hello-finch:latest',
  });
  await Bun.write(path, tarFile([...files].map(([name, bytes]) => ({ name, bytes }))));
  return built;
}

/**
 * Writes the image of one platform as `docker save` did before version 25: layers uncompressed, each in
 * a folder of its own, and `manifest.json` last. Returns the digests that a loader must come to.
 */
export async function writeDockerArchive(
  path: string,
  architecture: ElfArchitecture = 'amd64',
): Promise<{ readonly config: Digest; readonly diffId: Digest }> {
  const { tar, config } = helloImage(architecture);
  const diffId = digestOf(tar);
  const configDigest = digestOf(config);
  const configName = `${digestParts(configDigest).hex}.json`;
  const layerName = `${digestParts(diffId).hex}/layer.tar`;
  const manifest = [{ Config: configName, RepoTags: ['hello-finch:latest'], Layers: [layerName] }];
  await Bun.write(
    path,
    tarFile([
      { name: configName, bytes: config },
      { name: layerName, bytes: tar },
      { name: 'manifest.json', bytes: json(manifest) },
    ]),
  );
  return { config: configDigest, diffId };
}

function helloImage(architecture: ElfArchitecture): {
  readonly tar: Uint8Array;
  readonly config: Uint8Array;
  readonly image: Built;
} {
  const program = helloElf(architecture, GREETING);
  const tar = tarFile([{ name: 'hello', bytes: program, mode: 0o755 }]);
  const config = json({
    created: CREATED,
    architecture,
    os: 'linux',
    config: { Entrypoint: ['/hello'], WorkingDir: '/' },
    rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
    history: [{ created: CREATED, created_by: 'COPY hello /hello' }],
  });
  const blobs = new Map<Digest, Uint8Array>();
  const add = (mediaType: string, bytes: Uint8Array): Descriptor => {
    const descriptor = describe(mediaType, digestOf(bytes), bytes);
    blobs.set(descriptor.digest, bytes);
    return descriptor;
  };
  const layer = add(mediaTypes.layerGzip, Bun.gzipSync(Buffer.from(tar)));
  const configDescriptor = add(mediaTypes.config, config);
  const manifest = add(
    mediaTypes.manifest,
    json({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: configDescriptor,
      layers: [layer],
    }),
  );
  const image = { blobs, root: manifest, order: [layer, configDescriptor, manifest] };
  return { tar, config, image };
}
