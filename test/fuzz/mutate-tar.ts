import { TAR_BLOCK_BYTES } from '../../src/streams/tar-header.ts';
import { tarHeader } from '../support/tar.ts';
import { type Material, type Mutator, mutateMore, NASTY, NUMBERS } from './mutate-bytes.ts';
import { mutateJson } from './mutate-json.ts';
import type { Random } from './random.ts';

/** A member as it stands in a tar file: its header block and its data, without the padding. */
export interface RawMember {
  readonly header: Uint8Array;
  readonly data: Uint8Array;
}

/** Field of a header: where it begins and how long it is. */
const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  size: [124, 12],
  time: [136, 12],
  flag: [156, 1],
  linkName: [157, 100],
  magic: [257, 8],
  prefix: [345, 155],
  sparse: [386, 97],
  isExtended: [482, 1],
} as const;

const NAMES: readonly string[] = [
  ...[
    'manifest.json',
    'index.json',
    'oci-layout',
    'blobs/sha256/',
    '../../etc/passwd',
    '/etc/passwd',
  ],
  ...[
    './manifest.json',
    'a/../manifest.json',
    '',
    '.',
    '..',
    '/',
    'a\0b',
    'a'.repeat(100),
    '\x1b[2J',
  ],
];

const encoder = new TextEncoder();

/** The members of a tar file as far as their sizes make sense. */
export function splitTar(bytes: Uint8Array): readonly RawMember[] {
  const members: RawMember[] = [];
  for (let at = 0; at + TAR_BLOCK_BYTES <= bytes.length; ) {
    const header = new Uint8Array(bytes.subarray(at, at + TAR_BLOCK_BYTES));
    if (header.every((byte) => byte === 0)) break;
    const digits = Buffer.from(header.subarray(124, 135)).toString('latin1');
    const size = /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : 0;
    members.push({ header, data: bytes.slice(at + TAR_BLOCK_BYTES, at + TAR_BLOCK_BYTES + size) });
    at += TAR_BLOCK_BYTES + Math.ceil(size / TAR_BLOCK_BYTES) * TAR_BLOCK_BYTES;
  }
  return members;
}

/** A tar file of members, with their padding and the two blocks at its end. */
export function joinTar(members: readonly RawMember[]): Uint8Array {
  const parts = members.flatMap(({ header, data }) => [
    ...[header, data],
    new Uint8Array((TAR_BLOCK_BYTES - (data.length % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES),
  ]);
  return Buffer.concat([...parts, new Uint8Array(2 * TAR_BLOCK_BYTES)]);
}

/** Changes members, their headers and their order, and mends the checksums. */
export function mutateTar(input: Uint8Array, material: Material): Uint8Array {
  const { random, maxBytes } = material;
  let members = splitTar(input);
  do members = mutateMembers(members, material);
  while (!random.oneIn(3));
  const tar = joinTar(members);
  const short = tar.length > maxBytes ? tar.slice(0, maxBytes) : tar;
  return random.oneIn(8) ? mutateMore(short, material) : short;
}

/** One header with a changed field and a checksum that is right again. */
export function mutateHeader(input: Uint8Array, { random, words }: Material): Uint8Array {
  const header = new Uint8Array(TAR_BLOCK_BYTES);
  header.set(input.subarray(0, TAR_BLOCK_BYTES));
  const [offset, length] = random.pick(Object.values(FIELDS));
  header.fill(0, offset, offset + length);
  header.set(fieldValue(offset, random, words).subarray(0, length), offset);
  return withChecksum(header);
}

/** The header with the sum of its bytes in it. */
export function withChecksum(header: Uint8Array): Uint8Array {
  const copy = new Uint8Array(header);
  copy.fill(0x20, 148, 156);
  const sum = copy.reduce((total, byte) => total + byte, 0);
  copy.set(encoder.encode(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
  return copy;
}

/** Wraps what a mutator makes in gzip or zstd, mostly not at all. */
export function compressed(mutator: Mutator): Mutator {
  return (input, material) => {
    const { random } = material;
    const bytes = Buffer.from(mutator(input, material));
    if (!random.oneIn(4)) return bytes;
    const packed = random.oneIn(2) ? Bun.gzipSync(bytes) : Bun.zstdCompressSync(bytes);
    return random.oneIn(3) ? mutateMore(packed, material) : packed;
  };
}

function fieldValue(offset: number, random: Random, words: readonly string[]): Uint8Array {
  if (offset === 156) return encoder.encode(random.pick([...'012345678SLKxgXVMDN\0\xff']));
  if (offset === 257) {
    return encoder.encode(
      random.pick(['ustar\x0000', 'ustar  \0', '\0\0\0\0\0\0\0\0', 'xstar\x0000']),
    );
  }
  if (offset === 124 || offset === 100 || offset === 136) return numberField(random);
  if (offset === 482) return Uint8Array.of(random.below(2));
  return encoder.encode(
    random.pick(random.oneIn(2) && words.length > 0 ? words : [...NAMES, ...NASTY]),
  );
}

/** Octal, GNU's base 256 in all lengths and with both signs, or no number. */
function numberField(random: Random): Uint8Array {
  if (random.oneIn(3)) return encoder.encode(random.pick(NUMBERS));
  if (random.oneIn(2))
    return encoder.encode(
      random
        .small(2 ** 31)
        .toString(8)
        .padStart(11, '0'),
    );
  const field = Uint8Array.from({ length: 12 }, (_, i) =>
    i > random.below(12) ? random.next() : 0,
  );
  field[0] = random.pick([0x80, 0x80, 0xff, 0xc0, 0xbf]);
  return field;
}

function mutateMembers(members: readonly RawMember[], material: Material): readonly RawMember[] {
  const { random } = material;
  const at = random.below(members.length);
  const member = members[at];
  if (member === undefined) return [extension(material)];
  switch (random.below(8)) {
    case 0:
      return members.toSpliced(at, 1);
    case 1:
      return [...members, ...Array.from({ length: 1 + random.small(50) }, () => member)];
    case 2:
      return [...members.slice(at), ...members.slice(0, at)];
    case 3:
      return members.toSpliced(at, 0, extension(material));
    case 4:
    case 5:
      return members.with(at, { ...member, header: mutateHeader(member.header, material) });
    default:
      return members.with(at, withData(member, mutateData(member.data, material)));
  }
}

/** A member with other data and the size of it. */
export function withData({ header }: RawMember, data: Uint8Array): RawMember {
  const copy = new Uint8Array(header);
  copy.set(encoder.encode(`${data.length.toString(8).padStart(11, '0')}\0`), 124);
  return { header: withChecksum(copy), data };
}

/** A member of another name. */
export function withName({ header, data }: RawMember, name: string): RawMember {
  const copy = new Uint8Array(header);
  copy.fill(0, 0, 100);
  copy.set(encoder.encode(name).subarray(0, 100), 0);
  return { header: withChecksum(copy), data };
}

function mutateData(data: Uint8Array, material: Material): Uint8Array {
  return data[0] === 0x7b || data[0] === 0x5b
    ? mutateJson(data, material)
    : mutateMore(data, material);
}

/** A pax or GNU header for the member behind it. */
function extension(material: Material): RawMember {
  const { random } = material;
  const type = random.pick(['x', 'g', 'L', 'K'] as const);
  const value = random.oneIn(2) ? random.pick(NAMES) : random.pick(NUMBERS);
  const keys = ['path', 'linkpath', 'size', 'GNU.sparse.name', 'GNU.sparse.major', '__proto__'];
  const text = type === 'L' || type === 'K' ? `${value}\0` : paxRecord(random.pick(keys), value);
  const data = encoder.encode(text.repeat(1 + (random.oneIn(6) ? random.small(2000) : 0)));
  const made = random.oneIn(4) ? mutateMore(data, material) : data;
  return { header: tarHeader({ name: '././@LongLink', type }, made.length), data: made };
}

/** One record of a pax header, which counts itself. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const length = encoder.encode(rest).length;
  const total = length + String(length + String(length).length).length;
  return `${total}${rest}`;
}
