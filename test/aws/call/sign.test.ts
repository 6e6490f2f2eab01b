import { describe, expect, test } from 'bun:test';
import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { signRequest } from '../../../src/aws/call/sign.ts';

/** What the SDK hashes with. */
class Sha256 {
  readonly #hash;
  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = key === undefined ? createHash('sha256') : createHmac('sha256', bytes(key));
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytes(data));
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {}
}

function bytes(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return new TextEncoder().encode(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

const text = (unit: fc.Arbitrary<string>, maxLength: number) => fc.string({ unit, maxLength });
const words = fc.constantFrom(
  ...'aZ09-._~!\'()*+,;=:@&$ /%?#"<>[]{}|^`äß€😀'.matchAll(/./gu).map(String),
);

/** Headers that proxies change, some of which are signed and some not, in any case of letters. */
const known = fc.constantFrom(
  ...['accept', 'Authorization', 'Cache-Control', 'connection', 'content-type', 'cookie', 'expect'],
  ...['from', 'Keep-Alive', 'max-forwards', 'pragma', 'proxy', 'Proxy-Authorization', 'proxy-x'],
  ...['range', 'referer', 'Sec-Fetch-Site', 'sec-x', 'second', 'te', 'trailer', 'Upgrade', 'via'],
  ...['transfer-encoding', 'user-agent', 'x-amzn-trace-id', 'X-Amz-Target'],
);

const request = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS', 'PROPFIND'),
  host: fc.constantFrom('api.ecr.eu-west-1.amazonaws.com', '127.0.0.1:4566', 'example.com:8443'),
  path: fc.array(text(words, 8), { maxLength: 5 }),
  query: fc.dictionary(text(words, 6), fc.array(text(words, 10), { minLength: 1, maxLength: 4 }), {
    maxKeys: 6,
  }),
  headers: fc.dictionary(
    fc.oneof(known, fc.stringMatching(/^x-[a-z][a-z0-9-]{0,12}$/)),
    fc.stringMatching(/^[!-~]?[ -~\t\u00a0-\u00ff]{0,20}$/),
    { maxKeys: 8 },
  ),
  body: fc.oneof(fc.string(), fc.uint8Array({ maxLength: 200 })),
  keyId: fc.stringMatching(/^AKIA[A-Z0-9]{16}$/),
  secret: fc.string({ maxLength: 60 }),
  session: fc.option(fc.base64String({ minLength: 4, maxLength: 300 }), { nil: undefined }),
  service: fc.constantFrom('ecr', 'ecr-public', 'sts'),
  region: fc.constantFrom('us-east-1', 'eu-west-1', 'cn-north-1', 'us-gov-west-1'),
  now: fc.integer({ min: 0, max: 4_102_444_800_000 }),
});

describe('signRequest()', () => {
  test('signs 1,000 random requests as the SDK does', async () => {
    const property = fc.asyncProperty(request, async (given) => {
      const url = new URL(`https://${given.host}`);
      url.pathname = given.path.map(encodeURIComponent).join('/');
      const pairs = Object.entries(given.query).flatMap(([name, values]) =>
        values.map((value) => [name, value] as const),
      );
      for (const [name, value] of pairs) {
        const pair = `${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
        url.search += `${url.search === '' ? '' : '&'}${pair}`;
      }
      const keys = {
        accessKeyId: given.keyId,
        secretAccessKey: given.secret,
        ...(given.session !== undefined && { sessionToken: given.session }),
      };
      const { service, region, now, method, body } = given;
      const signed = signRequest(
        { method, url, headers: given.headers, body },
        {
          ...{ keys, service, region, now },
        },
      );
      const sdk = new SignatureV4({
        ...{ service, region, credentials: keys, sha256: Sha256, applyChecksum: false },
      });
      const theirs = await sdk.sign(
        {
          ...{ method, protocol: 'https:', hostname: url.hostname, path: url.pathname, body },
          query: given.query,
          headers: { ...given.headers, host: url.host },
        },
        { signingDate: new Date(now) },
      );
      expect(signed['authorization']).toBe(String(theirs.headers['authorization']));
      expect(signed['x-amz-date']).toBe(String(theirs.headers['x-amz-date']));
      expect(signed['x-amz-security-token']).toBe(theirs.headers['x-amz-security-token'] as string);
    });
    await fc.assert(property, { numRuns: 1000, seed: 20_261_122 });
  });
});
