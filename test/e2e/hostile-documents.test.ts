import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { dockerMembers } from '../archives/archive-files.ts';
import { json, layerTar } from '../support/images.ts';
import { type TarMember, tarFile } from '../support/tar.ts';
import { type HostileBench, hostileBench } from './support/hostile-bench.ts';
import { forgedArchive, forgedLayout } from './support/hostile-image.ts';
import { runOk } from './support/program.ts';

let hostile: HostileBench;

beforeAll(async () => {
  hostile = await hostileBench();
});
afterAll(() => hostile[Symbol.asyncDispose]());

/** The members, those of a name with something else in them. */
function replaced(
  members: readonly TarMember[],
  name: string,
  change: Partial<TarMember>,
): readonly TarMember[] {
  return members.map((member) => (member.name === name ? { ...member, ...change } : member));
}

describe('a document', () => {
  const twice = (text: string) => text.replace('{', '{"a":1,"\\u0061":2,');

  test.each([
    ['manifest', { manifest: twice }],
    ['config', { config: twice }],
    ['index.json', { index: twice }],
    ['oci-layout', { layout: twice }],
  ])('that has a key twice is refused (%s)', async (_, forgery) => {
    await hostile.refuse(forgedArchive(forgery), /has the member "a" twice/);
  });

  test('that has a key twice is refused (manifest.json, an index in an index, deep inside)', async () => {
    const named =
      dockerMembers([{ layers: [layerTar('one')] }]).find(({ name }) => name === 'manifest.json')
        ?.bytes ?? '';
    const text = Buffer.from(named).toString().replace('{', '{"Config":"x",');
    await hostile.refuse(
      tarFile(
        replaced(dockerMembers([{ layers: [layerTar('one')] }]), 'manifest.json', { bytes: text }),
      ),
      /has the member "Config" twice/,
    );
    const deep = (json: string) => json.replace(/\}$/, ',"x":[{"y":{"z":1,"z":2}}]}');
    await hostile.refuse(forgedArchive({ manifest: deep }), /has the member "z" twice/);
  });

  test.each([
    ['is both a manifest and an index', (t: string) => t.replace('{', '{"manifests":[],'), /both/],
    ['has fsLayers', (t: string) => t.replace('{', '{"fsLayers":[],'), /schema 1/],
    [
      'has schema 1',
      (t: string) => t.replace('"schemaVersion":2', '"schemaVersion":1'),
      /schema 1/,
    ],
    ['has a key in other case', (t: string) => t.replace('{', '{"Layers":[],'), /"Layers"/],
    ['has a key with a long s', (t: string) => t.replace('{', '{"layerſ":[],'), /"layers"/],
    [
      'says that it is another',
      (t: string) => t.replace(mediaTypes.manifest, mediaTypes.dockerManifest),
      /says it is/,
    ],
    [
      'has a type that is a list',
      (t: string) => t.replace(/"mediaType":"[^"]*manifest[^"]*"/, '"mediaType":[]'),
      /mediaType/,
    ],
    ['is no JSON', () => '{"schemaVersion":2', /is not JSON/],
    ['is a list', () => '[]', /is not a JSON object/],
    ['is nested without end', () => '['.repeat(1_000_000), /nested deeper than 100/],
    ['begins with a byte order mark', (t: string) => `\ufeff${t}`, /is not JSON/],
    [
      'is no UTF-8',
      (t: string) => Buffer.from(t.replace('"layers"', '"\xff"'), 'latin1'),
      /is not JSON/,
    ],
    [
      'names no digest',
      (t: string) => t.replace(/sha256:[0-9a-f]+/, 'sha256:../../../etc'),
      /no valid digest/,
    ],
    ['has a size below zero', (t: string) => t.replace(/"size":\d+/, '"size":-1'), /no valid size/],
    [
      'has a size beyond numbers',
      (t: string) => t.replace(/"size":\d+/, '"size":1e400'),
      /no valid size/,
    ],
    [
      'has a size like 2^53',
      (t: string) => t.replace(/"size":\d+/, `"size":${2 ** 53}`),
      /no valid size/,
    ],
    [
      'has a huge size',
      (t: string) => t.replace(/"size":\d+/, '"size":9007199254740991'),
      /151 bytes instead of 9007199254740991/,
    ],
    [
      'has a type with an escape sequence',
      (t: string) => t.replace(/layer\.v1[^"]*/, 'x\\u001b[31m'),
      /mediaType/,
    ],
    [
      'has too many layers',
      (t: string) =>
        t.replace(/"layers":\[(.*)\]/, (_, one) => `"layers":[${Array(10_001).fill(one)}]`),
      /more than 10000 layers/,
    ],
  ] as [string, (text: string) => string, RegExp][])(
    'that %s is refused',
    async (_, manifest, message) => {
      await hostile.refuse(forgedArchive({ manifest }), message);
    },
  );

  test.each([
    [
      'diff_ids that are no digests',
      (t: string) => t.replace(/sha256:[0-9a-f]{2}/, 'sha256:'),
      /not digests/,
    ],
    [
      'more diff_ids than layers',
      (t: string) => t.replace(/\["(.*?)"\]/, '["$1","$1"]'),
      /has 1 layers, but its config names 2/,
    ],
    ['no platform', (t: string) => t.replace('linux', ''), /names no os/],
    ['a platform of 1 MiB', (t: string) => t.replace('linux', 'x'.repeat(2 ** 20)), /names no os/],
  ] as [string, (text: string) => string, RegExp][])(
    'that is a config with %s is refused',
    async (_, config, message) => {
      await hostile.refuse(forgedArchive({ config }), message);
    },
  );

  test('that lists more names than a store can take is refused', async () => {
    const tags = Array.from({ length: 20_000 }, (_, i) => `a:${i}`);
    const members = replaced(dockerMembers([{ layers: [layerTar('one')] }]), 'manifest.json', {
      bytes: json([{ Config: 'x', RepoTags: tags, Layers: [] }]),
    });
    await hostile.refuse(tarFile(members), /more than 10000 images and names/);
  });

  test('with a lone surrogate in an annotation is loaded', async () => {
    const manifest = (text: string) => text.replace('{', '{"annotations":{"a":"\\ud800"},');
    expect(Object.keys(await hostile.loaded(forgedArchive({ manifest })))).toEqual(['hostile:1']);
  });
});

describe('a layer that lies', () => {
  test('about its digest or its size is refused', async () => {
    const wrong = Bun.gzipSync(Buffer.from(layerTar('other!!')));
    await hostile.refuse(forgedArchive({ layer: wrong }), /content does not match sha256:/);
    await hostile.refuse(forgedArchive({ layer: new Uint8Array(3) }), /it has 3 bytes instead of/);
  });

  test('about its uncompressed form is refused', async () => {
    const layer = Bun.gzipSync(Buffer.from(layerTar('another')));
    await hostile.refuse(
      forgedArchive({ layer, layerType: mediaTypes.layerGzip }),
      /is not the one that the image names: uncompressed it is sha256:/,
    );
    const stored = [layerTar('another')];
    const members = dockerMembers([{ layers: [layerTar('one')], stored }]);
    await hostile.refuse(tarFile(members), /is not the one that the image names/);
    const zipped = dockerMembers([{ layers: [layerTar('one')], stored: [layer] }]);
    await hostile.refuse(tarFile(zipped), /is not the one that the image names/);
  });

  test('about being whole is refused', async () => {
    const gzip = Bun.gzipSync(Buffer.from(layerTar('hostile'))).subarray(0, -4);
    await hostile.refuse(
      forgedArchive({ layer: gzip, layerType: mediaTypes.layerGzip }),
      /gzip data cannot/,
    );
    const zstd = Bun.zstdCompressSync(Buffer.from(layerTar('hostile'))).subarray(0, -2);
    await hostile.refuse(
      forgedArchive({ layer: zstd, layerType: mediaTypes.layerZstd }),
      /zstd data is cut/,
    );
  });
});

test('a blob in a layout folder that is a link out of it is not there', async () => {
  const folder = hostile.bench.path('layout');
  const members = forgedLayout({});
  const layer = members.at(-1)?.name ?? '';
  for (const { name, bytes } of members) {
    if (name !== layer) await Bun.write(`${folder}/${name}`, bytes ?? '');
  }
  await Bun.write(hostile.bench.path('outside'), members.at(-1)?.bytes ?? '');
  await runOk(['ln', '-s', hostile.bench.path('outside'), `${folder}/${layer}`], {});
  await hostile.expectRefused('layout', /does not hold all of sha256:/);
});
