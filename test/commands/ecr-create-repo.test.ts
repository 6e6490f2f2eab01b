import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { parseNamedRepository } from '../../src/commands/ecr-repository.ts';
import { FinchError } from '../../src/errors.ts';

const HOST = '111222333444.dkr.ecr.eu-west-1.amazonaws.com';

describe('parseNamedRepository()', () => {
  test.each([
    ['app', undefined, 'app', undefined],
    ['team/app', undefined, 'team/app', undefined],
    ['team/a.b_c__d---e/9', undefined, 'team/a.b_c__d---e/9', undefined],
    [`${HOST}/app`, HOST, 'app', undefined],
    [`${HOST}/team/app:1.0`, HOST, 'team/app', undefined],
    [`${HOST}/app@sha256:${'a'.repeat(64)}`, HOST, 'app', undefined],
    [`${HOST}:443/app`, HOST, 'app', undefined],
    [`https://${HOST}/team/app`, HOST, 'team/app', undefined],
    [`${HOST.toUpperCase()}/app`, HOST, 'app', undefined],
    [`${HOST}/v2`, HOST, 'v2', undefined],
    ['public.ecr.aws/a1b2c3d4/team/app', 'public.ecr.aws', 'team/app', 'a1b2c3d4'],
    ['public.ecr.aws/app', 'public.ecr.aws', 'app', undefined],
  ])('reads %s', (text, host, name, alias) => {
    const repository = parseNamedRepository(text);
    const { registry } = repository;
    expect([registry?.host, repository.name, repository.alias]).toEqual([host, name, alias]);
  });

  test.each([
    '',
    'a',
    'App',
    'a..b',
    'a/',
    '/a',
    'a___b',
    'app:1',
    'x'.repeat(257),
    'docker.io/library/nginx',
    'localhost:5000/app',
    `${HOST}.example.com/app`,
    `${HOST}:5000/app`,
    `${HOST}/a`,
    HOST,
    `${HOST}:443`,
    HOST.toUpperCase(),
    `https://${HOST}`,
    `https://${HOST}/v2/`,
    'public.ecr.aws',
    `me:password@${HOST}/app`,
    `${HOST}/`,
    'public.ecr.aws/app/x y',
  ])('refuses %j', (text) => {
    expect(() => parseNamedRepository(text)).toThrow(FinchError);
  });

  test('throws nothing but errors for the user, and takes no name that ECR does not', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string().map((rest) => `${HOST}/${rest}`),
    );
    fc.assert(
      fc.property(text, (given) => {
        try {
          const { name } = parseNamedRepository(given);
          expect(name).toMatch(/^[a-z0-9][a-z0-9._/-]{0,254}[a-z0-9]$/);
        } catch (error) {
          expect(error).toBeInstanceOf(FinchError);
        }
      }),
    );
  });
});
