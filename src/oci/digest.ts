import { FinchError } from '../errors.ts';
import { quote } from '../text.ts';

declare const digestBrand: unique symbol;

/**
 * The name of bytes: `sha256:` and 64, or `sha512:` and 128, lower-case hexadecimal digits. Only
 * {@link parseDigest} and {@link digestOf} make one, so a `Digest` is safe in a path or a URL.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#digests
 */
export type Digest = string & { readonly [digestBrand]: true };

/** The algorithms that name content. */
export type DigestAlgorithm = 'sha256' | 'sha512';

const FORM = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** Whether `text` is a well-formed digest of an algorithm that finch knows. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && FORM.test(text);
}

/**
 * The digest that `text` is.
 * @throws FinchError `DIGEST_INVALID`
 */
export function parseDigest(text: unknown): Digest {
  if (isDigest(text)) return text;
  // Not by String(), which runs what an object that somebody sent calls `toString`.
  const found = typeof text === 'string' ? quote(text) : `a value of type ${typeof text}`;
  throw new FinchError('DIGEST_INVALID', `${found} is not a digest`, {
    hint: 'a digest is sha256: and 64 hexadecimal digits',
  });
}

/** The two halves of a digest. */
export function digestParts(digest: Digest): { algorithm: DigestAlgorithm; hex: string } {
  const colon = digest.indexOf(':');
  return {
    algorithm: digest.slice(0, colon) as DigestAlgorithm,
    hex: digest.slice(colon + 1),
  };
}

/** The digest of bytes that are all in memory. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return toDigest(algorithm, new Bun.CryptoHasher(algorithm).update(bytes).digest('hex'));
}

/** The digest whose hexadecimal half a hasher of `algorithm` gave. */
export function toDigest(algorithm: DigestAlgorithm, hex: string): Digest {
  return parseDigest(`${algorithm}:${hex}`);
}

/** The 12 hexadecimal digits by which a digest is shown and typed. */
export function shortId(digest: Digest): string {
  return digestParts(digest).hex.slice(0, 12);
}
