import { digestOf } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/media-types.ts';
import { buildImage, buildIndex, buildMultiPlatform, json } from '../../support/images.ts';

const digest = digestOf(json({ some: 'subject' }));

/** Words that mean something in manifests, indexes and configurations. */
export const documentWords: readonly string[] = [
  ...['schemaVersion', 'mediaType', 'config', 'layers', 'manifests', 'subject', 'annotations'],
  ...['digest', 'size', 'platform', 'os', 'architecture', 'variant', 'os.version', 'artifactType'],
  ...['rootfs', 'diff_ids', 'Labels', 'urls', 'data', 'fsLayers', 'Config', 'RepoTags', 'Layers'],
  ...[
    'imageLayoutVersion',
    '1.0.0',
    'io.containerd.image.name',
    'org.opencontainers.image.ref.name',
  ],
  ...['vnd.docker.reference.type', 'attestation-manifest', 'vnd.docker.reference.digest'],
  ...['alpine:latest', 'ghcr.io/me/app:1', '2', `sha512:${'0'.repeat(128)}`, digest],
  ...Object.values(mediaTypes),
];

/** Manifests, indexes and configurations of both families, and some that are neither. */
export function documentSeeds(): readonly Uint8Array[] {
  const image = buildImage({ labels: { a: 'b' }, annotations: { note: 'x' } });
  const docker = buildImage({
    docker: true,
    platform: { os: 'linux', architecture: 'arm', variant: 'v7' },
  });
  const index = buildMultiPlatform('linux/amd64', 'linux/arm64', 'windows/amd64');
  const attested = buildIndex([
    { image, platform: { os: 'linux', architecture: 'amd64' } },
    {
      image: docker,
      annotations: {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': image.root.digest,
      },
    },
  ]);
  const documents = [image, docker, index, attested].flatMap(({ blobs }) => [...blobs.values()]);
  return [
    ...documents.filter((bytes) => bytes[0] === 0x7b),
    json({
      ...JSON.parse(new TextDecoder().decode(image.blobs.get(image.root.digest))),
      subject: image.root,
    }),
    json({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: null, artifactType: 'a/b' }),
    json({ schemaVersion: 1, fsLayers: [], history: [], signatures: [] }),
    json({ mediaType: mediaTypes.layerGzip, digest, size: 3, urls: ['https://x'], data: 'YWJj' }),
    json({ schemaVersion: 2, manifests: [], layers: [], config: {} }),
  ];
}
