import { type Digest, type DigestAlgorithm, toDigest } from '../oci/digest.ts';

/** What went through a stream. */
export interface Digested {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/** How {@link digestStream} reports. */
export interface DigestStreamOptions {
  /** Default: `sha256`. */
  readonly algorithm?: DigestAlgorithm;
  /** Called once, after the last byte and before the end of the stream. What it throws, the stream throws. */
  readonly onEnd: (digested: Digested) => void;
}

/** Passes the pieces of `source` on as they are, and hashes them on the way. */
export async function* digestStream(
  source: AsyncIterable<Uint8Array>,
  { algorithm = 'sha256', onEnd }: DigestStreamOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hasher = new Bun.CryptoHasher(algorithm);
  let size = 0;
  for await (const piece of source) {
    hasher.update(piece);
    size += piece.length;
    yield piece;
  }
  onEnd({ digest: toDigest(algorithm, hasher.digest('hex')), size });
}

/** Reads `source` to its end and says what it was. */
export async function digestAll(
  source: AsyncIterable<Uint8Array>,
  algorithm: DigestAlgorithm = 'sha256',
): Promise<Digested> {
  const hasher = new Bun.CryptoHasher(algorithm);
  let size = 0;
  for await (const piece of source) {
    hasher.update(piece);
    size += piece.length;
  }
  return { digest: toDigest(algorithm, hasher.digest('hex')), size };
}
