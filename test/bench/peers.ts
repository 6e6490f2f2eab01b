import { goProgram, peerPrograms } from './go-programs.ts';

/** Where an image goes. */
export interface Destination {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly repository: string;
  readonly isPlain: boolean;
}

/** A program that pushes an OCI image layout, or a docker-archive where it can. */
export interface Peer {
  /** Whether it is here; Go's are built. */
  readonly name: 'crane' | 'oras' | 'regctl' | 'skopeo';
  /** The command line that a user would write. */
  push(source: Source, destination: Destination): Promise<readonly string[]>;
}

/** An image on disk, whose name in a layout is `latest`. */
export type Source =
  | { readonly kind: 'layout'; readonly folder: string }
  | { readonly kind: 'docker-archive'; readonly path: string };

const nameOf = ({ host, repository }: Destination) => `${host}/${repository}:latest`;
const onlyLayout = (source: Source) => {
  if (source.kind === 'layout') return source.folder;
  throw new Error('only of an OCI image layout');
};

/** The peers, each as its users would call it. */
export const peers: Readonly<Record<Peer['name'], Peer>> = {
  crane: {
    name: 'crane',
    push: async (source, to) => [
      ...[await goProgram(peerPrograms.crane), 'push'],
      ...[source.kind === 'layout' ? source.folder : source.path, nameOf(to)],
    ],
  },
  oras: {
    name: 'oras',
    push: async (source, to) => [
      ...[await goProgram(peerPrograms.oras), 'cp', '--from-oci-layout'],
      ...(to.isPlain ? ['--to-plain-http'] : []),
      ...[`${onlyLayout(source)}:latest`, nameOf(to)],
    ],
  },
  regctl: {
    name: 'regctl',
    push: async (source, to) => [
      ...[await goProgram(peerPrograms.regctl), 'image', 'copy'],
      ...(to.isPlain ? ['--host', `reg=${to.host},tls=disabled`] : []),
      ...[`ocidir://${onlyLayout(source)}:latest`, nameOf(to)],
    ],
  },
  skopeo: {
    name: 'skopeo',
    push: async (source, to) => [
      ...['skopeo', '--insecure-policy', 'copy', '-q'],
      ...(to.isPlain ? ['--dest-tls-verify=false'] : []),
      source.kind === 'layout' ? `oci:${source.folder}:latest` : `docker-archive:${source.path}`,
      `docker://${nameOf(to)}`,
    ],
  },
};
