import { describe } from '../../../src/oci/descriptor.ts';
import { type Digest, digestOf } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/media-types.ts';
import { type Built, buildImage, buildIndex, json } from '../../support/images.ts';

/** An image of two platforms as BuildKit makes it, each with its provenance. */
export interface Attested {
  readonly built: Built;
  readonly amd64: Built;
  readonly arm64: Built;
  readonly provenanceOfAmd64: Built;
  readonly provenanceOfArm64: Built;
}

const UNKNOWN = { os: 'unknown', architecture: 'unknown' } as const;

/**
 * An index of linux/amd64 and linux/arm64, and behind them an attestation manifest for each.
 * https://github.com/moby/buildkit/blob/v0.28.1/docs/attestations/attestation-storage.md
 */
export function buildAttested(): Attested {
  const [amd64, arm64] = ['amd64', 'arm64'].map((architecture) =>
    buildImage({ platform: { os: 'linux', architecture } }),
  ) as [Built, Built];
  const [provenanceOfAmd64, provenanceOfArm64] = [amd64, arm64].map(buildProvenance) as [
    Built,
    Built,
  ];
  const built = buildIndex([
    { image: amd64, platform: { os: 'linux', architecture: 'amd64' } },
    { image: arm64, platform: { os: 'linux', architecture: 'arm64' } },
    attestationMember(provenanceOfAmd64, amd64),
    attestationMember(provenanceOfArm64, arm64),
  ]);
  return { built, amd64, arm64, provenanceOfAmd64, provenanceOfArm64 };
}

function attestationMember(image: Built, subject: Built) {
  return {
    image,
    platform: UNKNOWN,
    annotations: {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': subject.root.digest,
    },
  };
}

/** A manifest whose only layer is an in-toto statement about `subject`. */
function buildProvenance(subject: Built): Built {
  const predicateType = 'https://slsa.dev/provenance/v0.2';
  const statement = json({
    _type: 'https://in-toto.io/Statement/v0.1',
    predicateType,
    subject: [{ name: 'app', digest: { sha256: subject.root.digest.replace('sha256:', '') } }],
    predicate: { builder: { id: '' } },
  });
  const layer = {
    ...describe('application/vnd.in-toto+json', digestOf(statement), statement),
    annotations: { 'in-toto.io/predicate-type': predicateType },
  };
  const configBytes = json({
    ...UNKNOWN,
    config: {},
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
  });
  const config = describe(mediaTypes.config, digestOf(configBytes), configBytes);
  const bytes = json({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config,
    layers: [layer],
  });
  const root = describe(mediaTypes.manifest, digestOf(bytes), bytes);
  const blobs = new Map<Digest, Uint8Array>([
    [layer.digest, statement],
    [config.digest, configBytes],
    [root.digest, bytes],
  ]);
  return { blobs, root, order: [layer, config, root] };
}
