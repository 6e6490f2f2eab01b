import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { writtenEcr, writtenEcrHost } from '../../src/credentials/written-ecr.ts';
import { FinchError } from '../../src/errors.ts';

const HOST = '111222333444.dkr.ecr.eu-west-1.amazonaws.com';

describe('writtenEcr()', () => {
  test.each([
    [HOST, HOST, undefined],
    [`${HOST}/`, HOST, undefined],
    [`${HOST}:443`, HOST, undefined],
    [HOST.toUpperCase(), HOST, undefined],
    [`https://${HOST}`, HOST, undefined],
    [`HTTPS://${HOST}/v2/`, HOST, undefined],
    [`https://${HOST}/v2`, HOST, undefined],
    [`${HOST}/v2`, HOST, 'v2'],
    [`https://${HOST}/app`, HOST, 'app'],
    [`https://${HOST}/team/app:1/`, HOST, 'team/app'],
    [`${HOST}/app@sha256:${'a'.repeat(64)}`, HOST, 'app'],
    ['public.ecr.aws', 'public.ecr.aws', undefined],
    ['public.ecr.aws/a1b2/app', 'public.ecr.aws', 'a1b2/app'],
  ])('reads %s', (text, host, repository) => {
    const { registry, reference } = writtenEcr(text);
    expect([registry.host, reference?.repository]).toEqual([host, repository]);
    if (!text.includes('@')) expect(writtenEcrHost(text)).toEqual(registry);
  });

  test.each(['', '/', 'app', 'ghcr.io', `${HOST}.example.com`, `ftp://${HOST}`, `x@${HOST}/app`])(
    'refuses %j',
    (text) => {
      expect(() => writtenEcr(text)).toThrow(FinchError);
    },
  );

  test('throws nothing but errors for the user', () => {
    const part = fc.constantFrom('https://', 'HTTP://', HOST, '/', ':443', 'app', '/v2/', '@', ':');
    const text = fc.oneof(
      fc.string(),
      fc.array(part).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (given) => {
        try {
          expect(writtenEcr(given).registry.host).toBe(HOST);
        } catch (error) {
          expect(error).toBeInstanceOf(FinchError);
        }
      }),
    );
  });
});
