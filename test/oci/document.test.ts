import { describe, expect, test } from 'bun:test';
import {
  anything,
  array,
  constantFrom,
  dictionary,
  jsonValue,
  option,
  property,
  record,
  string,
} from 'fast-check';
import { attestationSubject, childrenOf, parseDocument } from '../../src/oci/document.ts';
import { MAX_DOCUMENT_BYTES } from '../../src/oci/json.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { buildImage, buildIndex, buildMultiPlatform, json } from '../support/images.ts';
import { check, descriptors, expectOnlyFinchErrors, finchErrorOf } from './arbitraries.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const config = { mediaType: mediaTypes.config, digest, size: 2 };
const layer = { mediaType: mediaTypes.layerGzip, digest, size: 3 };
const child = { mediaType: mediaTypes.manifest, digest, size: 4 };
const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [layer] };
const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [child] };

const parse = (value: unknown, mediaType?: string) =>
  parseDocument(json(value), { what: 'document x', ...(mediaType !== undefined && { mediaType }) });

const without = (document: object, key: string) =>
  Object.fromEntries(Object.entries(document).filter(([name]) => name !== key));

describe('parseDocument()', () => {
  test('reads what the builders make', () => {
    const image = buildImage({ annotations: { a: 'b' } });
    const read = parseDocument(image.blobs.get(image.root.digest) ?? new Uint8Array(), {
      mediaType: image.root.mediaType,
      what: 'x',
    });
    expect(read).toMatchObject({ kind: 'manifest', annotations: { a: 'b' } });
    expect(
      childrenOf(read)
        .map((d) => d.digest)
        .toSorted(),
    ).toEqual(
      image.order
        .slice(0, -1)
        .map((d) => d.digest)
        .toSorted(),
    );
  });

  test('reads an index with the platform of each member', () => {
    const built = buildMultiPlatform('linux/arm64', 'linux/arm/v7');
    const read = parseDocument(built.blobs.get(built.root.digest) ?? new Uint8Array(), {
      what: 'x',
    });
    expect(read.kind).toBe('index');
    expect(childrenOf(read).map(({ platform }) => platform)).toEqual([
      { os: 'linux', architecture: 'arm64' },
      { os: 'linux', architecture: 'arm', variant: 'v7' },
    ]);
  });

  test('reads an index of indexes', () => {
    const inner = buildMultiPlatform('linux/amd64');
    const outer = buildIndex([{ image: inner }]);
    const read = parseDocument(outer.blobs.get(outer.root.digest) ?? new Uint8Array(), {
      what: 'x',
    });
    expect(childrenOf(read).map(({ mediaType }) => mediaType)).toEqual([mediaTypes.index]);
  });

  test.each([
    ['manifest', mediaTypes.manifest, manifest],
    ['manifest', mediaTypes.dockerManifest, { ...manifest, mediaType: mediaTypes.dockerManifest }],
    ['index', mediaTypes.index, index],
    ['index', mediaTypes.dockerList, { ...index, mediaType: mediaTypes.dockerList }],
  ] as const)(
    'takes a %s as %s by its own word, or by what it is called',
    (kind, type, document) => {
      const expected = { kind, mediaType: type };
      expect(parse(document)).toMatchObject(expected);
      expect(parse(document, type)).toMatchObject(expected);
      expect(parse(document, 'application/octet-stream')).toMatchObject(expected);
      expect(parse(without(document, 'mediaType'), type)).toMatchObject(expected);
    },
  );

  test('tells a manifest from an index by its looks when nobody names its type', () => {
    expect(parse(without(manifest, 'mediaType')).mediaType).toBe(mediaTypes.manifest);
    expect(parse(without(index, 'mediaType')).mediaType).toBe(mediaTypes.index);
  });

  test('takes null, as Go writes an empty list, for an empty list', () => {
    expect(childrenOf(parse({ ...index, manifests: null }))).toEqual([]);
    expect(parse({ ...manifest, layers: null })).toMatchObject({ kind: 'manifest', layers: [] });
  });

  test('keeps subject, artifactType and annotations', () => {
    const extra = { subject: child, artifactType: 'application/sbom', annotations: { a: 'b' } };
    expect(parse({ ...manifest, ...extra })).toMatchObject(extra as object);
    expect(parse({ ...index, ...extra })).toMatchObject(extra as object);
    expect(parse({ ...manifest, subject: null }).subject).toBeUndefined();
    expect(parse(manifest).annotations).toEqual({});
  });

  test.each([[{ mediaType: mediaTypes.manifest }], [{ mediaType: mediaTypes.index }], [{}]])(
    'refuses what is both a manifest and an index, and says it is %j',
    (type) => {
      const both = { schemaVersion: 2, config, layers: [layer], manifests: [child], ...type };
      for (const called of [undefined, mediaTypes.manifest, mediaTypes.index]) {
        expect(finchErrorOf(() => parse(both, called)).code).toBe('DOCUMENT_INVALID');
      }
    },
  );

  test.each([
    ['an index with a config', { ...index, config }],
    ['an index with layers', { ...index, layers: [] }],
    ['a manifest with an empty list of manifests', { ...manifest, manifests: [] }],
    ['a manifest with manifests that are null', { ...manifest, manifests: null }],
  ])('refuses %s', (_, document) => {
    expect(finchErrorOf(() => parse(document)).message).toInclude('both a manifest and an index');
  });

  test.each([
    ['a manifest that is called an index', manifest, mediaTypes.index],
    ['an index that is called a manifest', index, mediaTypes.manifest],
    ['an OCI manifest that is called a Docker one', manifest, mediaTypes.dockerManifest],
    ['an OCI index that is called a Docker one', index, mediaTypes.dockerList],
    [
      'an untyped manifest that is called an index',
      without(manifest, 'mediaType'),
      mediaTypes.index,
    ],
    [
      'an untyped index that is called a manifest',
      without(index, 'mediaType'),
      mediaTypes.manifest,
    ],
  ])('refuses %s', (_, document, called) => {
    expect(finchErrorOf(() => parse(document, called)).code).toBe('DOCUMENT_INVALID');
  });

  test.each([
    ['schema 1', { schemaVersion: 1, name: 'x', tag: 'y', fsLayers: [], history: [] }],
    ['schema 1 without a version', { fsLayers: [] }],
    ['signed schema 1', { schemaVersion: 1, mediaType: mediaTypes.dockerSchema1Signed }],
    ['schema 1 in the coat of a manifest', { ...manifest, fsLayers: [] }],
  ])('refuses %s and says what to do', (_, document) => {
    const error = finchErrorOf(() => parse(document));
    expect(error.message).toInclude('schema 1');
    expect(error.hint).toBeDefined();
  });

  test.each([
    ['no schemaVersion', without(manifest, 'schemaVersion')],
    ['schemaVersion 3', { ...manifest, schemaVersion: 3 }],
    ['schemaVersion as text', { ...manifest, schemaVersion: '2' }],
    ['another mediaType', { ...manifest, mediaType: 'application/json' }],
    ['no config', without(manifest, 'config')],
    ['a config that is null', { ...manifest, config: null }],
    ['no layers', without(manifest, 'layers')],
    ['layers that are no list', { ...manifest, layers: {} }],
    ['a layer without a digest', { ...manifest, layers: [without(layer, 'digest')] }],
    ['no manifests', without(index, 'manifests')],
    ['a member without a size', { ...index, manifests: [without(child, 'size')] }],
    ['a subject that is no descriptor', { ...manifest, subject: 'x' }],
    ['nothing of either kind', { schemaVersion: 2 }],
  ])('refuses %s', (_, document) => {
    const error = finchErrorOf(() => parse(document));
    expect(error.code).toBe('DOCUMENT_INVALID');
    expect(error.message).toInclude('document x');
  });

  test('says which layer is wrong', () => {
    const layers = [layer, { ...layer, size: -1 }];
    expect(finchErrorOf(() => parse({ ...manifest, layers })).message).toBe(
      'layer 2 of document x has no valid size',
    );
  });

  test('takes 4 MiB and not a byte more', () => {
    const text = JSON.stringify(manifest);
    const padded = (size: number) => new TextEncoder().encode(text.padEnd(size, ' '));
    expect(parseDocument(padded(MAX_DOCUMENT_BYTES), { what: 'x' }).kind).toBe('manifest');
    expect(
      finchErrorOf(() => parseDocument(padded(MAX_DOCUMENT_BYTES + 1), { what: 'x' })).message,
    ).toInclude('4 MiB');
  });

  test('shows no control characters and no endless text of a foreign mediaType', () => {
    for (const mediaType of ['x\u001b[31mred\u0007', 'x'.repeat(100_000)]) {
      expectOnlyFinchErrors(() => parse({ ...manifest, mediaType }, mediaTypes.manifest));
    }
  });

  test('gives annotations that are an object, whatever the document holds there', () => {
    check(
      property(jsonValue(), (annotations) => {
        expectOnlyFinchErrors(() => {
          const read = parse({ ...manifest, annotations }).annotations;
          expect(Array.isArray(read)).toBe(false);
          expect(typeof read).toBe('object');
        });
      }),
      { examples: [['text'], [[1]], [7]] },
    );
  });

  test('throws nothing but FinchError', () => {
    const parts = record(
      {
        schemaVersion: constantFrom<unknown>(1, 2, '2', null),
        mediaType: option(constantFrom<unknown>(...Object.values(mediaTypes), 'x', 1)),
        config: option(descriptors),
        layers: option(array(descriptors)),
        manifests: option(array(descriptors)),
        subject: option(anything()),
        annotations: option(dictionary(string(), string())),
      },
      { requiredKeys: [] },
    );
    check(
      property(parts, option(constantFrom(...Object.values(mediaTypes))), (document, called) => {
        expectOnlyFinchErrors(() => parse(document, called ?? undefined));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('attestationSubject()', () => {
  const base = parse(index).kind === 'index' ? childrenOf(parse(index))[0] : undefined;

  test('names the image that an attestation is about', () => {
    const annotations = {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': digest,
    };
    expect(base && attestationSubject({ ...base, annotations })).toBe(digest);
  });

  test.each([[{}], [{ 'vnd.docker.reference.digest': digest }]])(
    'finds none in %j',
    (annotations) => {
      expect(base && attestationSubject({ ...base, annotations })).toBeUndefined();
    },
  );
});
