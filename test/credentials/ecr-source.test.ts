import { describe, expect, test } from 'bun:test';
import { noIdentity } from '../../src/aws/identity-errors.ts';
import { serverName } from '../../src/credentials/server-name.ts';
import { FinchError } from '../../src/errors.ts';
import { CANARY } from '../support/canary.ts';
import { ECR, fakeAws } from '../support/fake-aws.ts';

const PUBLIC = 'public.ecr.aws';
const server = serverName(ECR);

const refusal = () => new FinchError('AWS', 'AWS refuses', { hint: 'ask for more rights' });
const nobody = () => noIdentity('default', 'skipped', { env: {} });

describe('the source of logins for Amazon ECR', () => {
  test('serves the registries of Amazon ECR and no others, and asks nobody for that', () => {
    const { source, asked } = fakeAws();
    for (const host of [ECR, PUBLIC, ECR.toUpperCase(), `${ECR}:443`]) {
      expect([host, source.serves(serverName(host))]).toEqual([host, true]);
    }
    for (const host of ['docker.io', 'ghcr.io', `${ECR}.example.com`, `${ECR}:5000`, 'ecr.aws']) {
      expect([host, source.serves(serverName(host))]).toEqual([host, false]);
    }
    expect(asked).toEqual([]);
  });

  test('makes a login of the user AWS, with its end, and says from what', async () => {
    const { source } = fakeAws();
    expect(await source.make(server, {})).toEqual({
      credential: {
        ...{ kind: 'password', username: 'AWS', secret: `${CANARY}-1` },
        expires: expect.any(Date),
      },
      from: 'AWS credentials (profile dev)',
    });
  });

  test('passes on what was refused', async () => {
    const { source, asked } = fakeAws();
    const refused = { kind: 'password', username: 'AWS', secret: `${CANARY}-0` } as const;
    await source.make(server, { afresh: true, refused });
    expect(asked).toEqual([{ host: ECR, refused: `${CANARY}-0` }]);
  });

  test('says why there is none, and only tells it where another was refused', async () => {
    const { source, reports } = fakeAws({ fails: refusal });
    await expect(source.make(server, {})).rejects.toMatchObject({ code: 'AWS' });
    await expect(source.make(server, { needed: false })).rejects.toMatchObject({ code: 'AWS' });
    expect(reports).toEqual([]);
    for (let i = 0; i < 3; i += 1)
      expect(await source.make(server, { afresh: true })).toBeUndefined();
    expect(reports).toEqual([
      `warning: the login for ${ECR} was refused, and there is no other: AWS refuses; ask for more rights`,
    ]);
  });

  test('makes none for ECR Public without AWS credentials, without a word, where none is needed', async () => {
    const { source, reports } = fakeAws({ fails: nobody });
    expect(await source.make(serverName(PUBLIC), { needed: false })).toBeUndefined();
    await expect(source.make(serverName(PUBLIC), {})).rejects.toMatchObject({
      code: 'AWS_IDENTITY',
    });
    expect(reports).toEqual([]);
  });

  test('tells once that it makes none for ECR Public because AWS refuses', async () => {
    const { source, reports } = fakeAws({ fails: refusal });
    for (let i = 0; i < 3; i += 1) {
      expect(await source.make(serverName(PUBLIC), { needed: false })).toBeUndefined();
    }
    await expect(source.make(serverName(PUBLIC), {})).rejects.toMatchObject({ code: 'AWS' });
    expect(reports).toEqual(['warning: AWS refuses; pulling anonymously instead']);
  });

  test('does not take a mistake or an interruption for an answer', async () => {
    for (const error of [new TypeError('x'), new FinchError('CANCELLED', 'cancelled')]) {
      const { source, reports } = fakeAws({ fails: () => error });
      for (const options of [{}, { afresh: true }, { needed: false }]) {
        await expect(source.make(serverName(PUBLIC), options)).rejects.toBe(error);
      }
      expect(reports).toEqual([]);
    }
  });
});
