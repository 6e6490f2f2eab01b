import { dockerMembers, tarOf } from '../../archives/archive-files.ts';
import { buildImage, buildMultiPlatform, layerTar, layoutFiles } from '../../support/images.ts';
import { tarFile } from '../../support/tar.ts';
import { paxRecord } from '../mutate-tar.ts';

/** docker-archives and OCI archives that can be loaded, plain. */
export function archiveSeeds(): readonly Uint8Array[] {
  const layers = [layerTar('one'), layerTar('two', 'folder/two')];
  const image = buildImage({ layers });
  const name = { 'io.containerd.image.name': 'ghcr.io/me/app:1' };
  const docker = dockerMembers([{ layers }, { tags: ['b:2', 'c:3'], layers: [layerTar('three')] }]);
  const oci = layoutFiles(image, name);
  return [
    tarFile(docker),
    tarFile(dockerMembers([{ tags: null, layers }])),
    tarFile(
      dockerMembers([{ layers, stored: layers.map((layer) => Bun.gzipSync(Buffer.from(layer))) }]),
    ),
    tarOf(oci),
    tarOf(
      layoutFiles(buildImage({ docker: true }), { 'org.opencontainers.image.ref.name': 'latest' }),
    ),
    tarOf(layoutFiles(buildMultiPlatform('linux/amd64', 'linux/arm64'), name)),
    // docker save since version 25 writes both.
    tarFile([...docker, ...[...oci].map(([path, bytes]) => ({ name: path, bytes }))]),
  ];
}

/** Tar files with everything that the reader knows. */
export function tarSeeds(): readonly Uint8Array[] {
  const long = `${'long/'.repeat(30)}file`;
  return [
    ...archiveSeeds(),
    tarFile([
      { name: 'a/', type: '5' },
      { name: 'a/link', type: '2', linkName: '../b' },
      { name: 'hard', type: '1', linkName: 'a/file' },
      { name: './/a/file', bytes: 'x' },
    ]),
    tarFile([
      { name: 'pax', type: 'x', bytes: paxRecord('path', long) + paxRecord('size', '1') },
      { name: 'short', bytes: 'y' },
      { name: 'global', type: 'g', bytes: paxRecord('comment', 'z') },
      { name: '././@LongLink', type: 'L', bytes: `${long}\0` },
      { name: '././@LongLink', type: 'K', bytes: `${long}2\0` },
      { name: 'long', type: '2', linkName: 'long' },
    ]),
    tarFile([
      {
        name: 'pax',
        type: 'x',
        bytes: paxRecord('GNU.sparse.major', '1') + paxRecord('GNU.sparse.name', 'n'),
      },
      { name: 'sparse', bytes: '1\n0\n1\n' },
      { name: 'old', type: 'S', bytes: 'data' },
    ]),
  ];
}
