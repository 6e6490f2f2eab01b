import { describe, expect, test } from 'bun:test';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { FinchError } from '../../src/errors.ts';
import { scanTar, type TarMember } from '../../src/streams/tar-reader.ts';
import { type TarMember as Member, tarFile, tarHeader } from '../support/tar.ts';
import { temporaryFolder } from '../support/temporary.ts';

const end = new Uint8Array(1024);

async function scan(tar: Uint8Array): Promise<readonly TarMember[]> {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'test.tar');
  await Bun.write(path, tar);
  return await scanTar(path, { what: '"test.tar"' });
}

/** The content of each file of `tar` that {@link scan} finds, by name. */
async function contents(tar: Uint8Array): Promise<Record<string, string>> {
  const files = (await scan(tar)).filter(({ type }) => type === 'file');
  const text = ({ offset, size }: TarMember) =>
    Buffer.from(tar.subarray(offset, offset + size)).toString();
  return Object.fromEntries(files.map((file) => [file.name, text(file)]));
}

function pax(records: Record<string, string>, type: 'x' | 'g' = 'x'): Member {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    let length = rest + 1;
    while (String(length).length + rest !== length) length++;
    return `${length} ${key}=${value}\n`;
  });
  return { name: 'PaxHeaders/x', type, bytes: lines.join('') };
}

/** A header block with some of its bytes replaced and the checksum made right again. */
function patched(member: Member, size: number, patches: Record<number, Uint8Array>): Uint8Array {
  const block = tarHeader(member, size);
  for (const [offset, bytes] of Object.entries(patches)) block.set(bytes, Number(offset));
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
  return block;
}

const invalid = (message: string) => ({
  code: 'ARCHIVE_INVALID',
  message: expect.stringContaining(message),
});

describe('scanTar()', () => {
  test('lists members in order, with the place of their data', async () => {
    const tar = tarFile([
      { name: 'folder/', type: '5' },
      { name: './folder//a', bytes: 'first' },
      { name: '/b', bytes: 'x'.repeat(600) },
      { name: 'link', type: '2', linkName: 'folder/a' },
      { name: 'hard', type: '1', linkName: 'b' },
    ]);
    expect(await scan(tar)).toEqual([
      { name: 'folder', type: 'directory', size: 0, offset: 512, linkName: '' },
      { name: 'folder/a', type: 'file', size: 5, offset: 1024, linkName: '' },
      { name: 'b', type: 'file', size: 600, offset: 2048, linkName: '' },
      { name: 'link', type: 'symlink', size: 0, offset: 3584, linkName: 'folder/a' },
      { name: 'hard', type: 'hardlink', size: 0, offset: 4096, linkName: 'b' },
    ]);
  });

  test('leaves out names that leave the tree', async () => {
    const tar = tarFile([
      { name: '../evil', bytes: 'x' },
      { name: 'good', bytes: 'y' },
    ]);
    expect(await contents(tar)).toEqual({ good: 'y' });
  });

  test('takes one closing block at the end of the file for two', async () => {
    const tar = tarFile([{ name: 'a', bytes: 'x' }]);
    expect(await contents(tar.subarray(0, -512))).toEqual({ a: 'x' });
  });

  test('throws when the file is cut off between two members', async () => {
    const tar = tarFile([
      { name: 'a', bytes: 'x' },
      { name: 'b', bytes: 'y' },
    ]);
    for (const length of [1024, 2048]) {
      await expect(scan(tar.subarray(0, length))).rejects.toMatchObject(
        invalid(`cut off at byte ${length}`),
      );
    }
  });

  test('stops at the closing blocks, whatever follows', async () => {
    const tar = Buffer.concat([tarFile([{ name: 'a', bytes: 'x' }]), Buffer.from('garbage')]);
    expect(await contents(tar)).toEqual({ a: 'x' });
  });

  test('joins the prefix and the name of a ustar header, but not of a GNU one', async () => {
    const prefix = { 345: new TextEncoder().encode('long/folder') };
    const posix = patched({ name: 'a' }, 0, prefix);
    const gnu = patched({ name: 'b' }, 0, { ...prefix, 257: Buffer.from('ustar  \0') });
    const names = (await scan(Buffer.concat([posix, gnu, end]))).map(({ name }) => name);
    expect(names).toEqual(['long/folder/a', 'b']);
  });

  test('reads the long names of GNU tar', async () => {
    const long = `${'d'.repeat(150)}/file`;
    const tar = tarFile([
      { name: '././@LongLink', type: 'L', bytes: `${long}\0` },
      { name: 'short', bytes: 'x' },
      { name: '././@LongLink', type: 'K', bytes: `${long}\0` },
      { name: 'link', type: '2', linkName: 'short' },
      { name: 'next', bytes: 'y' },
    ]);
    expect((await scan(tar)).map(({ name, linkName }) => [name, linkName])).toEqual([
      [long, ''],
      ['link', long],
      ['next', ''],
    ]);
  });

  test('reads path, linkpath and size of pax headers, for one member only', async () => {
    const data = Buffer.alloc(512, 'x');
    const tar = Buffer.concat([
      tarFile([pax({ path: 'ünï/cödé', size: '512', mtime: '1.5' })]).subarray(0, 1024),
      tarHeader({ name: 'a' }, 0),
      data,
      tarFile([pax({ linkpath: 'far/away' }), { name: 'l', type: '2' }, { name: 'b', bytes: 'y' }]),
    ]);
    expect((await scan(tar)).map(({ name, size, linkName }) => [name, size, linkName])).toEqual([
      ['ünï/cödé', 512, ''],
      ['l', 0, 'far/away'],
      ['b', 1, ''],
    ]);
  });

  test('reads past many global pax headers with keys that mean nothing to it', async () => {
    const globals = Array.from({ length: 2000 }, (_, i) => pax({ [`vendor.${i}`]: 'x' }, 'g'));
    const tar = tarFile([...globals, pax({ path: 'new' }, 'g'), { name: 'old', bytes: 'text' }]);
    expect(await contents(tar)).toEqual({ new: 'text' });
  });

  test('keeps what a global pax header says until a member says otherwise', async () => {
    const tar = tarFile([
      pax({ comment: 'from git', linkpath: 'everywhere' }, 'g'),
      { name: 'a', type: '2' },
      pax({ linkpath: 'here' }),
      { name: 'b', type: '2' },
      { name: 'c', type: '2' },
    ]);
    expect((await scan(tar)).map(({ linkName }) => linkName)).toEqual([
      'everywhere',
      'here',
      'everywhere',
    ]);
  });

  test('reads sizes in base 256', async () => {
    const size = Uint8Array.from([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1]);
    const header = patched({ name: 'a' }, 0, { 124: size });
    const members = await scan(Buffer.concat([header, new Uint8Array(1024), end]));
    expect(members.map((member) => member.size)).toEqual([513]);
  });

  test('takes an old header without magic and with a signed checksum', async () => {
    const old = patched({ name: 'é' }, 0, { 257: new Uint8Array(8) });
    const sum = old.reduce((total, byte, i) => {
      if (i >= 148 && i < 156) return total + 0x20;
      return total + (byte < 128 ? byte : byte - 256);
    }, 0);
    old.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
    expect((await scan(Buffer.concat([old, end])))[0]?.name).toBe('é');
  });

  test('marks sparse files, and finds what comes after their map', async () => {
    const map = new Uint8Array(512);
    const old = patched({ name: 'old', type: 'S' }, 3, { 482: Uint8Array.of(1) });
    const data = Buffer.concat([Buffer.from('abc'), new Uint8Array(509)]);
    const tar = Buffer.concat([
      ...[old, map.with(504, 1), map, data],
      tarFile([
        pax({ 'GNU.sparse.major': '1', 'GNU.sparse.name': 'new' }),
        { name: 'GNUSparseFile.0/new', bytes: 'abc' },
        { name: 'after', bytes: 'x' },
      ]),
    ]);
    expect((await scan(tar)).map(({ name, type }) => [name, type])).toEqual([
      ['old', 'sparse'],
      ['new', 'sparse'],
      ['after', 'file'],
    ]);
  });

  test('reads what the tar program writes', async () => {
    await using folder = await temporaryFolder();
    const middle = 'd'.repeat(60);
    const long = 'n'.repeat(90);
    await Bun.write(join(folder.path, 'in', middle, long), 'content');
    for (const format of ['gnu', 'pax', 'ustar']) {
      const path = join(folder.path, `${format}.tar`);
      const child = Bun.spawn(['tar', `--format=${format}`, '-cf', path, '-C', folder.path, 'in']);
      expect(await child.exited).toBe(0);
      const names = (await scanTar(path, { what: format })).map(({ name }) => name);
      expect(names).toEqual(['in', `in/${middle}`, `in/${middle}/${long}`]);
    }
  });

  test('marks the sparse files that the tar program writes', async () => {
    await using folder = await temporaryFolder();
    await Bun.write(join(folder.path, 'hole'), '');
    await truncate(join(folder.path, 'hole'), 1024 * 1024);
    const forms = ['0.0', '0.1', '1.0'].map((version) => [`--sparse-version=${version}`]);
    for (const form of [['--format=gnu'], ...forms.map((form) => ['--format=pax', ...form])]) {
      const path = join(folder.path, 'hole.tar');
      const child = Bun.spawn(['tar', '-S', ...form, '-cf', path, '-C', folder.path, 'hole']);
      expect(await child.exited).toBe(0);
      const found = (await scanTar(path, { what: 'hole' })).map(({ name, type }) => [name, type]);
      expect(found).toEqual([['hole', 'sparse']]);
    }
  });

  test('throws for more members or longer names than it can keep', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'many.tar');
    await Bun.write(
      path,
      tarFile([
        pax({ path: 'n'.repeat(4000), linkpath: 'l'.repeat(4000) }),
        { name: 'a', type: '2' },
        { name: 'b' },
      ]),
    );
    const scanned = (members: number, names: number) =>
      scanTar(path, { what: '"many.tar"', limits: { members, names } });
    expect(await scanned(3, 8001)).toHaveLength(2);
    await expect(scanned(2, 8001)).rejects.toMatchObject(invalid('more than 2 members'));
    await expect(scanned(3, 8000)).rejects.toMatchObject(invalid('names are too long together'));
  });

  test('throws for a header whose checksum is wrong', async () => {
    const tar = tarFile([
      { name: 'a', bytes: 'x' },
      { name: 'b', bytes: 'y' },
    ]);
    tar[1024] = 0x7a;
    await expect(scan(tar)).rejects.toMatchObject(invalid('there is no tar header at byte 1024'));
  });

  test.each([100, 512, 700, 1100])('throws when the file is cut off at byte %d', async (length) => {
    const tar = tarFile([{ name: 'a', bytes: 'x'.repeat(600) }]).subarray(0, length);
    await expect(scan(tar)).rejects.toMatchObject(invalid('in the middle of a member'));
  });

  test('throws when one zero block is followed by more', async () => {
    const tar = Buffer.concat([new Uint8Array(512), tarFile([{ name: 'a', bytes: 'x' }])]);
    await expect(scan(tar)).rejects.toMatchObject(invalid('there is no tar header at byte 0'));
  });

  test('throws for an extension header of more than 1 MiB', async () => {
    const tar = tarFile([pax({ comment: 'x'.repeat(1024 * 1024) }), { name: 'a' }]);
    await expect(scan(tar)).rejects.toMatchObject(invalid('extension header'));
  });

  test.each(['nonsense', '99 path=a\n', '8 path=a', '9 patha\n', '3 ='])(
    'throws for the pax record %p',
    async (bytes) => {
      const tar = tarFile([{ name: 'x', type: 'x', bytes }, { name: 'a' }]);
      await expect(scan(tar)).rejects.toMatchObject(invalid('pax header'));
    },
  );

  test.each(['-1', '1e3', '0x10', '', '99999999999999999999'])(
    'throws for the pax size %p',
    async (size) => {
      const tar = tarFile([pax({ size }), { name: 'a', bytes: 'x' }]);
      await expect(scan(tar)).rejects.toMatchObject(invalid('size'));
    },
  );

  test('finds every member that was written', async () => {
    const name = fc.stringMatching(/^[a-z]{1,12}$/);
    const file = fc.record({ name, bytes: fc.uint8Array({ maxLength: 1500 }) });
    const files = fc.uniqueArray(file, { selector: (member) => member.name, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(files, async (members) => {
        const tar = tarFile(members);
        const found = (await scan(tar)).map(({ name, offset, size }) => ({
          name,
          bytes: [...tar.subarray(offset, offset + size)],
        }));
        expect(found).toEqual(members.map(({ name, bytes }) => ({ name, bytes: [...bytes] })));
      }),
      { numRuns: 50 },
    );
  });

  test('throws nothing but FinchError for damaged files', async () => {
    const whole = tarFile([
      pax({ path: 'a', size: '3' }),
      { name: 'b', bytes: 'abc' },
      { name: 'c' },
    ]);
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change), fc.nat(whole.length), async (changes, length) => {
        const tar = whole.slice(0, length);
        for (const [offset, byte] of changes) if (offset < length) tar[offset] = byte;
        await scan(tar).catch((error) => expect(error).toBeInstanceOf(FinchError));
      }),
      { numRuns: 100 },
    );
  });
});
