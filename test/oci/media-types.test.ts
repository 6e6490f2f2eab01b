import { describe, expect, test } from 'bun:test';
import {
  documentMediaTypes,
  isDocumentType,
  isImageConfigType,
  isIndexType,
  isManifestType,
  isNonDistributable,
  mediaTypes,
} from '../../src/oci/media-types.ts';

const all: readonly string[] = Object.values(mediaTypes);

describe('the media types', () => {
  test('index, manifest and config are told apart', () => {
    expect(all.filter(isIndexType)).toEqual([mediaTypes.index, mediaTypes.dockerList]);
    expect(all.filter(isManifestType)).toEqual([mediaTypes.manifest, mediaTypes.dockerManifest]);
    expect(all.filter(isImageConfigType)).toEqual([mediaTypes.config, mediaTypes.dockerConfig]);
  });

  test('documents are exactly what a client asks for', () => {
    expect(all.filter(isDocumentType).toSorted()).toEqual([...documentMediaTypes].toSorted());
  });

  test('schema 1 is never asked for', () => {
    expect(documentMediaTypes.filter((type) => type.includes('.v1+prettyjws'))).toEqual([]);
    expect(documentMediaTypes).not.toContain(mediaTypes.dockerSchema1);
  });

  test.each([
    ['application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', true],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar', true],
    ['application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', true],
    [mediaTypes.layerGzip, false],
    [mediaTypes.dockerLayerGzip, false],
  ])('%s may be missing: %p', (type, may) => {
    expect(isNonDistributable(type)).toBe(may);
  });
});
