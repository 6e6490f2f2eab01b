/** A processor that {@link helloElf} writes programs for, with the name that images use. */
export type ElfArchitecture = 'amd64' | 'arm64';

const HEADER_BYTES = 64;
const SEGMENT_BYTES = 56;
const LOAD_ADDRESS = 0x400000n;
const MACHINE: Readonly<Record<ElfArchitecture, number>> = { amd64: 62, arm64: 183 };

/**
 * A whole static Linux program in a few hundred bytes: it writes `message` to its standard output and
 * ends with status 0. One segment of memory holds headers, code and message.
 * https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
 */
export function helloElf(architecture: ElfArchitecture, message: string): Uint8Array {
  const text = new TextEncoder().encode(message);
  const code = architecture === 'amd64' ? amd64Code(text.length) : arm64Code(text.length);
  const start = HEADER_BYTES + SEGMENT_BYTES;
  const file = new Uint8Array(start + code.length + text.length);
  const view = new DataView(file.buffer);
  const u16 = (at: number, value: number) => view.setUint16(at, value, true);
  const u32 = (at: number, value: number) => view.setUint32(at, value, true);
  const u64 = (at: number, value: bigint) => view.setBigUint64(at, value, true);

  // Magic, 64 bits, little-endian, version 1, System V.
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]);
  u16(16, 2); // an executable
  u16(18, MACHINE[architecture]);
  u32(20, 1);
  u64(24, LOAD_ADDRESS + BigInt(start)); // entry point
  u64(32, BigInt(HEADER_BYTES)); // where the segment table is
  u16(52, HEADER_BYTES);
  u16(54, SEGMENT_BYTES);
  u16(56, 1); // one segment
  u16(58, 64);

  u32(64, 1); // loaded into memory
  u32(68, 5); // readable and executable
  u64(80, LOAD_ADDRESS);
  u64(88, LOAD_ADDRESS);
  u64(96, BigInt(file.length)); // bytes in the file
  u64(104, BigInt(file.length)); // bytes in memory
  u64(112, 0x10000n); // the largest page size of arm64

  file.set(code, start);
  file.set(text, start + code.length);
  return file;
}

/** write(1, message, length); exit(0), with the message right behind the code. */
function amd64Code(length: number): Uint8Array {
  const before = [0xb8, ...le32(1), 0xbf, ...le32(1)]; // mov eax, 1; mov edi, 1
  const after = [
    ...[0xba, ...le32(length)], // mov edx, length
    ...[0x0f, 0x05], // syscall
    ...[0xb8, ...le32(60)], // mov eax, 60
    ...[0x31, 0xff], // xor edi, edi
    ...[0x0f, 0x05], // syscall
  ];
  // lea rsi, [rip + the rest of the code]
  return Uint8Array.from([...before, 0x48, 0x8d, 0x35, ...le32(after.length), ...after]);
}

/** The same in AArch64, where every instruction has 4 bytes. */
function arm64Code(length: number): Uint8Array {
  const move = (register: number, value: number) => 0xd2800000 + (value << 5) + register;
  const call = 0xd4000001;
  const rest = [move(2, length), move(8, 64), call, move(0, 0), move(8, 93), call];
  // adr x1, message: its distance from this instruction, in words because it is aligned to one
  const address = 0x10000000 + ((rest.length + 1) << 5) + 1;
  return Uint8Array.from([move(0, 1), address, ...rest].flatMap(le32));
}

function le32(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff];
}
