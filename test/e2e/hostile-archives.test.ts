import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { open, truncate } from 'node:fs/promises';
import { dockerMembers } from '../archives/archive-files.ts';
import { buildImage, buildMultiPlatform, json, layerTar, layoutFiles } from '../support/images.ts';
import { type TarMember, tarFile, tarHeader } from '../support/tar.ts';
import { expectError } from './support/expectations.ts';
import { namesIn } from './support/home-contents.ts';
import { type HostileBench, hostileBench } from './support/hostile-bench.ts';
import { base256, forgedHeader, paxHeader, paxRecord, tarBehind } from './support/hostile-tar.ts';
import { areHere, runOk } from './support/program.ts';

const NAMED = { 'org.opencontainers.image.ref.name': 'hostile:1' };

let hostile: HostileBench;

beforeAll(async () => {
  hostile = await hostileBench();
});
afterAll(() => hostile[Symbol.asyncDispose]());

const docker = (options: { layers?: readonly Uint8Array[] } = {}) =>
  dockerMembers([{ tags: ['hostile:1'], layers: [layerTar('one'), layerTar('two')], ...options }]);

const dockerManifest = (value: object): TarMember => ({
  name: 'manifest.json',
  bytes: json([value]),
});

describe('a damaged archive', () => {
  const layers = [layerTar(crypto.getRandomValues(new Uint8Array(40_000)).toHex()), layerTar('2')];
  const archives = {
    docker: tarFile(docker({ layers })),
    oci: tarFile(
      [...layoutFiles(buildImage({ layers }), NAMED)].map(([name, bytes]) => ({ name, bytes })),
    ),
  };
  const wraps = {
    plain: (bytes: Uint8Array<ArrayBuffer>) => bytes,
    gzip: (bytes: Uint8Array<ArrayBuffer>) => Bun.gzipSync(bytes),
    zstd: (bytes: Uint8Array<ArrayBuffer>) => Bun.zstdCompressSync(bytes),
  };

  for (const kind of ['docker', 'oci'] as const) {
    for (const wrap of ['plain', 'gzip', 'zstd'] as const) {
      test(`is refused wherever it is cut off (${kind}, ${wrap})`, async () => {
        const whole = wraps[wrap](new Uint8Array(archives[kind]));
        // Of a plain tar the last block is one of the two that end it.
        const last = wrap === 'plain' ? 1025 : 1;
        for (const length of [700, whole.length >> 1, whole.length - 1500, whole.length - last]) {
          await hostile.refuse(whole.subarray(0, length), /"hostile\.tar"/);
        }
      });

      test(`is refused, or loads what it held, with a bit flipped (${kind}, ${wrap})`, async () => {
        const whole = wraps[wrap](new Uint8Array(archives[kind]));
        const right = Object.values(await hostile.loaded(whole));
        for (const part of [0.02, 0.3, 0.55, 0.9]) {
          const at = Math.floor(whole.length * part);
          await Bun.write(hostile.bench.path('odd.tar'), whole.with(at, (whole[at] ?? 0) ^ 4));
          const home = await hostile.bench.newHome();
          const { exitCode, stderr } = await hostile.bench.run('load -q -i odd.tar', { home });
          if (exitCode === 0) expect(Object.values(await namesIn(home))).toEqual(right);
          else expectError(stderr, /./, /./);
        }
      });
    }
  }

  test('is refused when it is cut off between two members, or two members of gzip', async () => {
    const files = [...layoutFiles(buildMultiPlatform('linux/amd64', 'linux/arm64'), NAMED)];
    const members = files.map(([name, bytes]) => ({ name, bytes }));
    // The manifests and blobs of one platform are all there.
    const whole = tarFile(members);
    const last = (members.at(-1)?.bytes.length ?? 0) + 512;
    const cut = whole.length - 1024 - Math.ceil(last / 512) * 512;
    await hostile.refuse(whole.subarray(0, whole.length - 1024), /cut off at byte/);
    await hostile.refuse(whole.subarray(0, cut), /cut off at byte/);
    await hostile.refuse(Bun.gzipSync(whole.slice(0, cut)), /cut off at byte/);
  });

  test.skipIf(!areHere('zstd'))('is read when a parallel compressor made it', async () => {
    await Bun.write(hostile.bench.path('whole.tar'), archives.oci);
    await runOk(['zstd', '-q', '-f', '-T2', '--long=27', hostile.bench.path('whole.tar')], {});
    const skipped = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4);
    const zstd = await Bun.file(hostile.bench.path('whole.tar.zst')).bytes();
    expect(Object.keys(await hostile.loaded(Buffer.concat([skipped, zstd])))).toEqual([
      'hostile:1',
    ]);
  });
});

describe('a tar that plays tricks', () => {
  const target = (config: string) => [
    ...docker().filter(({ name }) => name !== 'manifest.json'),
    dockerManifest({ Config: config, RepoTags: ['hostile:1'], Layers: [] }),
  ];

  test.each([
    ['a path that leaves the archive', '../../../etc/passwd'],
    ['an absolute path', '/etc/passwd'],
    ['a path with a NUL', 'etc/passwd\0.json'],
    ['a path with backslashes', '..\\..\\etc\\passwd'],
    ['an empty path', ''],
    ['a path of 4 MiB', 'a/'.repeat(2_000_000)],
  ])('is refused for %s', async (_, path) => {
    await hostile.refuse(tarFile(target(path)), /"hostile\.tar" does not hold/);
  });

  test.each([
    ['leads out of the archive', [{ name: 'l', type: '2', linkName: '../../../../etc/passwd' }]],
    ['is absolute', [{ name: 'l', type: '2', linkName: '/etc/passwd' }]],
    ['is a hard one out of it', [{ name: 'l', type: '1', linkName: '../etc/passwd' }]],
    ['leads to itself', [{ name: 'l', type: '2', linkName: 'l' }]],
    [
      'goes in a circle',
      [
        { name: 'l', type: '1', linkName: 'm' },
        { name: 'm', type: '2', linkName: 'l' },
      ],
    ],
    [
      'goes through a folder that leads to itself',
      [
        { name: 'd', type: '2', linkName: 'd/d' },
        { name: 'l', type: '2', linkName: 'd/x' },
      ],
    ],
    [
      'is the last of very many',
      [
        { name: 'l', type: '2', linkName: 'l0' },
        ...Array.from({ length: 60 }, (_, i) => ({
          name: `l${i}`,
          type: '2',
          linkName: `l${i + 1}`,
        })),
      ],
    ],
  ] as [string, TarMember[]][])('is refused for a link that %s', async (_, links) => {
    await hostile.refuse(tarFile([...links, ...target('l')]), /"hostile\.tar" does not hold "l"/);
  });

  test('is refused for a device, a pipe or a folder in place of a file', async () => {
    for (const flag of ['3', '4', '5', '6']) {
      const device = forgedHeader({ name: 'l' }, { 156: flag });
      await hostile.refuse(tarBehind([device], target('l')), /does not hold "l"/);
    }
  });

  test('is refused for a sparse file, in each of the four forms', async () => {
    const data = { name: 'l', bytes: 'abc' };
    const forms = [
      paxRecord('GNU.sparse.size', '9') + paxRecord('GNU.sparse.numblocks', '1'),
      paxRecord('GNU.sparse.size', '9') + paxRecord('GNU.sparse.map', '0,3'),
      paxRecord('GNU.sparse.major', '1') + paxRecord('GNU.sparse.name', 'l'),
    ];
    for (const form of forms) {
      await hostile.refuse(
        tarFile([paxHeader(form), data, ...target('l')]),
        /as a sparse file/,
        /sparse/,
      );
    }
    const old = forgedHeader({ name: 'l', type: 'S' }, {});
    await hostile.refuse(tarBehind([old], target('l')), /as a sparse file/, /--sparse/);
    const endless = forgedHeader({ name: 'l', type: 'S' }, { 482: '\x01' });
    await hostile.refuse(tarBehind([endless, new Uint8Array(2 ** 21).fill(1)], []), /does not end/);
  });

  test.each([
    ['a size below zero', forgedHeader({ name: 'l' }, { 124: base256(-1n) }), /no tar header/],
    [
      'a size beyond all numbers',
      forgedHeader({ name: 'l' }, { 124: base256(2n ** 80n) }),
      /no tar/,
    ],
    [
      'a size of an exabyte',
      forgedHeader({ name: 'l' }, { 124: base256(10n ** 15n) }),
      /in the middle/,
    ],
    ['a size that is no number', forgedHeader({ name: 'l' }, { 124: '12x45678901\0' }), /no tar/],
    ['a wrong checksum', tarHeader({ name: 'l' }, 0).with(0, 0x41), /not an image archive/],
  ])('is refused for %s', async (_, block, message) => {
    const behindOther = message.source.startsWith('not') ? [] : [tarHeader({ name: 'first' }, 0)];
    await hostile.refuse(tarBehind([...behindOther, block], docker()), message);
  });

  test.each([
    ['that is no record', paxHeader('nonsense'), /pax header/],
    ['whose record is too long', paxHeader('9999 path=a\n'), /pax header/],
    ['with a size below zero', paxHeader(paxRecord('size', '-1')), /size in a pax header/],
    ['of 2 MiB', paxHeader(paxRecord('comment', 'x'.repeat(2 ** 21))), /extension header/],
    [
      'that is a long name of 2 MiB',
      { name: '@LongLink', type: 'L', bytes: 'x'.repeat(2 ** 21) },
      /extension header/,
    ],
  ] as [string, TarMember, RegExp][])('is refused for a header %s', async (_, header, message) => {
    await hostile.refuse(tarFile([header, { name: 'l', bytes: 'x' }, ...docker()]), message);
  });

  test('is refused for a member of 1 GB where a small document belongs', async () => {
    for (const name of ['manifest.json', 'oci-layout']) {
      await Bun.write(hostile.bench.path('huge.tar'), tarHeader({ name }, 0));
      const file = await open(hostile.bench.path('huge.tar'), 'r+');
      const header = forgedHeader({ name }, { 124: base256(10n ** 9n) });
      await file.write(header, 0, header.length, 0);
      await file.close();
      // A hole, which takes no room on the disk.
      await truncate(hostile.bench.path('huge.tar'), 512 + Math.ceil(10 ** 9 / 512) * 512 + 1024);
      await hostile.expectRefused('huge.tar', /is larger than 4 MiB/);
    }
  });

  test('loads when its names are only odd', async () => {
    const right = await hostile.loaded(tarFile(docker()));
    const dotted = docker().map((member) => ({ ...member, name: `././/${member.name}` }));
    expect(await hostile.loaded(tarFile(dotted))).toEqual(right);
    const rooted = docker().map((member) => ({ ...member, name: `/x/../${member.name}` }));
    expect(await hostile.loaded(tarFile(rooted))).toEqual(right);
    const strange = [
      { name: '', bytes: 'x' },
      { name: '../../evil', bytes: 'x' },
      paxHeader(paxRecord('path', 'a\0b')),
      { name: 'nul', bytes: 'x' },
      paxHeader(paxRecord('path', 'n'.repeat(100_000))),
      { name: 'long', bytes: 'x' },
      { name: 'MANIFEST.JSON', bytes: 'not this one' },
    ];
    expect(await hostile.loaded(tarFile([...strange, ...docker()]))).toEqual(right);
    const twice = [{ name: './manifest.json', bytes: 'the first of two' }, ...docker()];
    expect(await hostile.loaded(tarFile(twice))).toEqual(right);
  });
});
