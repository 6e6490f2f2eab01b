import { describe, expect, test } from 'bun:test';
import { Endpoint } from '../../src/registry/endpoint.ts';
import { realmUrl } from '../../src/registry/realm.ts';

const HOST = '111222333444.dkr.ecr.eu-west-1.amazonaws.com';

const ask = (registry: string, realm: string) =>
  realmUrl(realm, { registry, endpoint: new Endpoint(registry), withLogin: true });

describe('the password of AWS', () => {
  test.each([
    [HOST, 'https://ec2-192-0-2-1.compute-1.amazonaws.com/token'],
    [HOST, 'https://anybody.s3.eu-west-1.amazonaws.com/token'],
    [HOST, 'https://amazonaws.com/token'],
    [HOST, HOST.replace('111', 'https://999')],
    [HOST, `https://${HOST}.example.com/token`],
    [HOST, `https://${HOST}@example.com/token`],
    [HOST.replace('amazonaws.com', 'on.aws'), 'https://on.aws/token'],
    [
      '111222333444.dkr.ecr.eusc-de-east-1.amazonaws.eu',
      'https://x.dkr.ecr.eusc-de-east-1.amazonaws.eu/',
    ],
    ['public.ecr.aws', 'https://public.ecr.aws.example.com/token/'],
    ['public.ecr.aws', 'https://ecr-public.aws.com/token/'],
  ])('of %s does not go to %s', async (registry, realm) => {
    await expect(ask(registry, realm)).rejects.toMatchObject({ code: 'REGISTRY' });
  });

  test('of ECR Public goes to the token server that it has', async () => {
    const realm = 'https://public.ecr.aws/token/';
    expect((await ask('public.ecr.aws', realm)).href).toBe(realm);
  });
});
