/** A member of a tar file that a test makes. */
export interface TarMember {
  readonly name: string;
  readonly bytes?: Uint8Array | string;
  readonly mode?: number;
  /** POSIX type flag; default `0`, a file. */
  readonly type?: '0' | '1' | '2' | '5' | 'x' | 'g' | 'L' | 'K' | 'S';
  readonly linkName?: string;
}

const encoder = new TextEncoder();

/** One POSIX ustar header block, with time 0 and owner 0. */
export function tarHeader(member: TarMember, size: number): Uint8Array {
  const block = new Uint8Array(512);
  const put = (text: string, offset: number, length: number) =>
    block.set(encoder.encode(text).subarray(0, length), offset);
  const octal = (value: number, width: number) => `${value.toString(8).padStart(width - 1, '0')}\0`;
  put(member.name, 0, 100);
  put(octal(member.mode ?? 0o644, 8), 100, 8);
  put(octal(0, 8), 108, 8);
  put(octal(0, 8), 116, 8);
  put(octal(size, 12), 124, 12);
  put(octal(0, 12), 136, 12);
  put('        ', 148, 8);
  put(member.type ?? '0', 156, 1);
  put(member.linkName ?? '', 157, 100);
  put('ustar\x0000', 257, 8);
  put(
    octal(
      block.reduce((sum, byte) => sum + byte, 0),
      7,
    ),
    148,
    8,
  );
  return block;
}

/** A whole tar file of small members, with the two closing blocks. */
export function tarFile(members: readonly TarMember[]): Uint8Array {
  const parts = members.flatMap((member) => {
    const bytes =
      typeof member.bytes === 'string'
        ? encoder.encode(member.bytes)
        : (member.bytes ?? new Uint8Array());
    return [
      tarHeader(member, bytes.length),
      bytes,
      new Uint8Array((512 - (bytes.length % 512)) % 512),
    ];
  });
  return Buffer.concat([...parts, new Uint8Array(1024)]);
}
