import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { memberPath, parentPath } from '../../../src/streams/member-path.ts';
import { parsePaxRecords } from '../../../src/streams/pax-records.ts';
import { isZeroBlock, parseTarHeader } from '../../../src/streams/tar-header.ts';
import { scanTar } from '../../../src/streams/tar-reader.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { mutateHeader, mutateTar, paxRecord } from '../mutate-tar.ts';
import { promise, promiseSame } from '../promises.ts';
import { tarSeeds } from '../seeds/archives.ts';
import { pureTarget, type Target, textTarget } from '../target.ts';

const words = ['ustar', 'path', 'linkpath', 'size', 'GNU.sparse.map', '../', './', 'manifest.json'];

/** Header blocks, most of them with a right checksum. */
export const tarHeader = pureTarget({
  name: 'tar-header',
  share: 80,
  maxBytes: 1024,
  words,
  mutators: [mutateHeader, mutateHeader, mutateHeader],
  seeds: tarSeeds().map((tar) => tar.slice(0, 512)),
  run(block) {
    const header = parseTarHeader(block);
    promise(!(header !== undefined && isZeroBlock(block)), 'a zero block is a header');
    if (header === undefined) return;
    promise(Number.isSafeInteger(header.size) && header.size >= 0, `the size is ${header.size}`);
    promise(header.flag.length === 1, 'the flag is not one letter');
    promise(!`${header.name}${header.linkName}`.includes('\0'), 'a name holds NUL');
  },
});

/** Records of pax headers. */
export const pax = pureTarget({
  name: 'pax',
  share: 60,
  words: [...words, paxRecord('path', 'a/b'), paxRecord('size', '3'), '11 ', '\n', '99999999 '],
  seeds: [
    paxRecord('path', 'some/file'),
    paxRecord('path', 'x'.repeat(200)) + paxRecord('size', '12345') + paxRecord('mtime', '1.5'),
    paxRecord('GNU.sparse.major', '1') + paxRecord('GNU.sparse.realsize', '999'),
    `${paxRecord('linkpath', 'é')}\0\0\0`,
  ],
  run(data) {
    const records = parsePaxRecords(data);
    if (records === undefined) return;
    const bytes = [...records].reduce((sum, [key, value]) => sum + key.length + value.length, 0);
    promise(bytes <= data.length, 'the records are longer than the data');
  },
});

/** Paths in archives and in links. */
export const path = textTarget({
  name: 'member-path',
  share: 40,
  maxBytes: 4000,
  words: ['..', '../', '/..', './', '//', 'a/', '/'],
  seeds: ['a/b/c', '../a', './a//b/../c/', '/etc/passwd', 'a/../../b', '', '..', '...', 'a/..'],
  run(text) {
    for (const folder of ['', 'x', 'x/y']) {
      const inside = memberPath(text, folder);
      if (inside === undefined) continue;
      const parts = inside.split('/');
      const isPlain = inside === '' || parts.every((part) => !['', '.', '..'].includes(part));
      promise(isPlain, `${JSON.stringify(inside)} is no plain path`);
      promiseSame(memberPath(inside), inside, 'a plain path changes once more');
      promise(inside === '' || inside.startsWith(parentPath(inside)), 'the parent is elsewhere');
    }
  },
});

/** Whole tar files. */
export const tar: Target = {
  name: 'tar',
  share: 40,
  maxBytes: 256 * 1024,
  words,
  mutators: [mutateTar, mutateTar, mutateTar],
  async open() {
    const folder = await temporaryFolder();
    const file = join(folder.path, 'some.tar');
    return {
      seeds: tarSeeds(),
      async run(input) {
        await rm(file, { force: true });
        await Bun.write(file, input);
        for (const { name, size, offset } of await scanTar(file, { what: 'the tar' })) {
          promise(size >= 0 && offset + size <= input.length, `${name} reaches out of the file`);
          promiseSame(memberPath(name), name, 'the name is no plain path');
        }
      },
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    };
  },
};
