import { type TarMember, tarFile, tarHeader } from '../../support/tar.ts';

const encoder = new TextEncoder();

/** A header block with some of its bytes replaced, and the checksum right all the same. */
export function forgedHeader(
  member: TarMember,
  patches: Readonly<Record<number, Uint8Array | string>>,
): Uint8Array {
  const block = tarHeader(member, 0);
  for (const [offset, bytes] of Object.entries(patches)) {
    block.set(typeof bytes === 'string' ? encoder.encode(bytes) : bytes, Number(offset));
  }
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.set(encoder.encode(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
  return block;
}

/** A size in GNU's base-256 form, of eleven bytes and the mark. */
export function base256(value: bigint): Uint8Array {
  const bytes = new Uint8Array(12);
  let rest = BigInt.asUintN(88, value);
  for (let i = 11; i > 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  bytes[0] = value < 0n ? 0xff : 0x80;
  return bytes;
}

/** A pax header with records as they are given, right or wrong. */
export function paxHeader(text: string, type: 'x' | 'g' = 'x'): TarMember {
  return { name: 'PaxHeaders/x', type, bytes: text };
}

/** One record of a pax header, with its right length. */
export function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + 1;
  while (String(length).length + rest !== length) length++;
  return `${length} ${key}=${value}\n`;
}

/** A tar of blocks that are made already, then members. */
export function tarBehind(
  blocks: readonly Uint8Array[],
  members: readonly TarMember[],
): Uint8Array<ArrayBuffer> {
  return Buffer.concat([...blocks, tarFile(members)]);
}
