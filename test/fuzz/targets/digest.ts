import { digestParts, isDigest, parseDigest, shortId, toDigest } from '../../../src/oci/digest.ts';
import { promise, promiseSame } from '../promises.ts';
import { textTarget } from '../target.ts';

/** Digests, which become paths and addresses. */
export const digest = textTarget({
  name: 'digest',
  share: 40,
  maxBytes: 2048,
  words: ['sha256:', 'sha512:', 'sha384:', 'SHA256:', '0'.repeat(64), 'f'.repeat(128), 'g'],
  seeds: [`sha256:${'a1'.repeat(32)}`, `sha512:${'0f'.repeat(64)}`, `sha256:${'A'.repeat(64)}`, ''],
  run(text) {
    const parsed = parseDigest(text);
    const { algorithm, hex } = digestParts(parsed);
    promise(/^[0-9a-f]{64,128}$/.test(hex) && isDigest(parsed), 'this is no digest');
    promiseSame(toDigest(algorithm, hex), text, 'the halves do not make it again');
    promise(shortId(parsed).length === 12, 'the short form is not short');
  },
});
