import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { parseChallenges } from '../../src/http/challenge.ts';

test('parseChallenges() reads several challenges of one header, with commas inside quotes', () => {
  const header =
    'Negotiate, Basic realm="a, b", Bearer realm="https://auth.test/token",service="reg",scope="repository:a:pull,push repository:b:pull"';
  expect(parseChallenges(header)).toEqual([
    { scheme: 'negotiate', params: {} },
    { scheme: 'basic', params: { realm: 'a, b' } },
    {
      scheme: 'bearer',
      params: {
        realm: 'https://auth.test/token',
        service: 'reg',
        scope: 'repository:a:pull,push repository:b:pull',
      },
    },
  ]);
});

test.each([
  [
    'NTLM TlRMTVNTUAAB==, Basic realm=x',
    [
      { scheme: 'ntlm', params: {} },
      { scheme: 'basic', params: { realm: 'x' } },
    ],
  ],
  [
    'BEARER  ReAlM = "a\\"b\\\\c" , service = s',
    [{ scheme: 'bearer', params: { realm: 'a"b\\c', service: 's' } }],
  ],
  [',, Basic ,,realm="a",, ', [{ scheme: 'basic', params: { realm: 'a' } }]],
  ['Bearer realm="a",realm="b"', [{ scheme: 'bearer', params: { realm: 'a' } }]],
  [
    'Basic realm="a" Bearer realm="b"',
    [
      { scheme: 'basic', params: { realm: 'a' } },
      { scheme: 'bearer', params: { realm: 'b' } },
    ],
  ],
  ['Basic realm="never closed', [{ scheme: 'basic', params: { realm: 'never closed' } }]],
  [
    'Negotiate oRQwEqADCgEBoQsGCSqGSIb3EgECAg==, Bearer realm=https://auth.test/token, service=a',
    [
      { scheme: 'negotiate', params: {} },
      { scheme: 'bearer', params: { realm: 'https://auth.test/token', service: 'a' } },
    ],
  ],
  [
    'Digest realm="a, Bearer realm=\\"b\\"", qop="auth,auth-int", Bearer realm=""',
    [
      { scheme: 'digest', params: { realm: 'a, Bearer realm="b"', qop: 'auth,auth-int' } },
      { scheme: 'bearer', params: { realm: '' } },
    ],
  ],
  [
    'Bearer realm="a",error="insufficient_scope",error_description="x, y=z",scope=',
    [
      {
        scheme: 'bearer',
        params: {
          ...{ realm: 'a', error: 'insufficient_scope', error_description: 'x, y=z', scope: '' },
        },
      },
    ],
  ],
  [
    'realm="a", =, "quoted", Basic',
    [
      { scheme: 'realm', params: {} },
      { scheme: 'basic', params: {} },
    ],
  ],
  ['', []],
])('parseChallenges() understands %j', (header, challenges) => {
  expect(parseChallenges(header)).toEqual(challenges);
});

test('parseChallenges() never throws and always ends', () => {
  const noise = fc.array(
    fc.constantFrom('Basic', 'Bearer', ' ', ',', '=', '"', '\\', 'a', 'é', '\t', ';', '=='),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        noise.map((parts) => parts.join('')),
        fc.string(),
      ),
      (text) => {
        expect(Array.isArray(parseChallenges(text))).toBe(true);
      },
    ),
  );
});

test('parseChallenges() gives back every parameter that was quoted', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/);
  const value = fc.string({ unit: 'grapheme-ascii', maxLength: 30 });
  const challenge = fc.record({
    scheme: name,
    params: fc.dictionary(name, value, { minKeys: 1, noNullPrototype: true }),
  });
  fc.assert(
    fc.property(fc.array(challenge, { maxLength: 4 }), (challenges) => {
      const header = challenges
        .map(
          ({ scheme, params }) =>
            `${scheme} ${Object.entries(params)
              .map(([key, text]) => `${key}="${text.replace(/["\\]/g, '\\$&')}"`)
              .join(', ')}`,
        )
        .join(', ');
      expect(
        parseChallenges(header).map(({ scheme, params }) => ({ scheme, params: { ...params } })),
      ).toEqual(challenges);
    }),
  );
});

test('parseChallenges() reads tokens that need no quotes, and what comes before a challenge', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/);
  const value = fc.stringMatching(/^[A-Za-z0-9:/._~-]{1,20}$/);
  const before = fc.constantFrom(
    '',
    ',',
    ' , ,',
    'Negotiate, ',
    'NTLM YWJj==, ',
    'Digest a="b,c", ',
  );
  const space = fc.constantFrom('', ' ', '\t ');
  fc.assert(
    fc.property(before, name, value, space, (start, key, text, gap) => {
      const header = `${start}Bearer ${key}${gap}=${gap}${text}${gap}`;
      expect(parseChallenges(header).at(-1)).toEqual({ scheme: 'bearer', params: { [key]: text } });
    }),
  );
});
