/** MD5 of nothing, which old versions of the official helper put behind what they mean to hash. */
const NO_MD5 = Buffer.from('d41d8cd98f00b204e9800998ecf8427e', 'hex');

/**
 * How an access key is named in the cache of the official helper, each in base64.
 * https://github.com/awslabs/amazon-ecr-credential-helper/blob/v0.12.0/ecr-login/cache/build.go
 */
export interface KeyName {
  /** SHA-256 of its id. */
  readonly hash: string;
  /** As versions before 0.12 name it, where the id itself is known. */
  readonly legacy?: string;
}

/** The names of an access key. */
export function keyNameOf(accessKeyId: string): KeyName {
  return {
    hash: new Bun.CryptoHasher('sha256').update(accessKeyId).digest('base64'),
    legacy: Buffer.concat([Buffer.from(accessKeyId), NO_MD5]).toString('base64'),
  };
}

/** Whether a text may be a {@link KeyName.hash}. */
export function isKeyHash(text: string): boolean {
  return /^[A-Za-z0-9+/]{43}=$/.test(text);
}
