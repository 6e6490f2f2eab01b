import { digestOf } from '../../src/oci/digest.ts';
import { type Material, mutateMore } from './mutate-bytes.ts';
import { mutateJson } from './mutate-json.ts';
import { joinTar, mutateTar, type RawMember, splitTar, withData, withName } from './mutate-tar.ts';

/** How often the digests that name changed content are followed upwards: more than an image is deep. */
const MAX_ROUNDS = 12;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/**
 * Changes one file of an image archive, and then every digest and size that names it, and what names
 * those: the lie is only found by who reads the content itself.
 */
export function mutateImage(input: Uint8Array, material: Material): Uint8Array {
  const members = splitTar(input).map((member) => ({ ...member }));
  const at = material.random.below(members.length);
  const member = members[at];
  if (member === undefined) return mutateMore(input, material);
  changeData(members, at, mutateContent(member.data, material));
  return joinTar(members);
}

/** As {@link mutateImage}, and one more change of the archive around it. */
export function mutateImageAndTar(input: Uint8Array, material: Material): Uint8Array {
  return mutateTar(mutateImage(input, material), material);
}

function mutateContent(data: Uint8Array, material: Material): Uint8Array {
  const { random } = material;
  if (data[0] === 0x7b || data[0] === 0x5b) return mutateJson(data, material);
  if (data[0] !== 0x1f)
    return random.oneIn(2) ? mutateTar(data, material) : mutateMore(data, material);
  if (random.oneIn(3)) return mutateMore(data, material);
  const plain = Buffer.from(Bun.gunzipSync(Buffer.from(data)));
  const changed = random.oneIn(2) ? mutateTar(plain, material) : mutateMore(plain, material);
  return random.oneIn(4) ? Bun.zstdCompressSync(changed) : Bun.gzipSync(Buffer.from(changed));
}

/** Gives a member other data, and mends what names it. */
function changeData(members: RawMember[], first: number, data: Uint8Array): void {
  const pending: { readonly at: number; readonly data: Uint8Array }[] = [{ at: first, data }];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = pending.shift();
    const member = next && members[next.at];
    if (next === undefined || member === undefined) return;
    const [before, after] = [hexOf(member.data), hexOf(next.data)];
    members[next.at] = withData(member, next.data);
    if (before === after) continue;
    for (const [at, other] of members.entries()) {
      const name = nameOf(other);
      if (name.includes(before)) members[at] = withName(other, name.replace(before, after));
      if (other.data[0] !== 0x7b && other.data[0] !== 0x5b) continue;
      const text = decoder.decode(other.data);
      if (!text.includes(before)) continue;
      pending.push({
        at,
        data: encoder.encode(withSize(text.replaceAll(before, after), after, next.data.length)),
      });
    }
  }
}

/** The text with the size of a descriptor of the digest. */
function withSize(text: string, hex: string, size: number): string {
  return text.replace(new RegExp(`(sha256:${hex}","size":)\\d+`, 'g'), `$1${size}`);
}

function nameOf({ header }: RawMember): string {
  return decoder.decode(header.subarray(0, 100)).replace(/\0[\s\S]*$/, '');
}

function hexOf(data: Uint8Array): string {
  return digestOf(data).slice('sha256:'.length);
}
