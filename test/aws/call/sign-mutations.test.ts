import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { type SignableRequest, signRequest } from '../../../src/aws/call/sign.ts';
import { type AwsStandIn, startAws } from '../../support/aws/stand-in.ts';

let aws: AwsStandIn;
beforeAll(async () => {
  aws = await startAws();
});
afterAll(() => aws[Symbol.asyncDispose]());

type Sent = Pick<SignableRequest, 'headers' | 'body' | 'method'> & { readonly url: URL };

/** A request that the stand-in believes. */
function signed(): Sent {
  const { accessKeyId, secretAccessKey, sessionToken = '' } = aws.addUser({ session: true });
  const keys = { accessKeyId, secretAccessKey, sessionToken };
  const request = {
    method: 'POST',
    url: new URL(aws.endpoint),
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken',
    },
    body: '{"registryIds":["111222333444"]}',
  };
  const scope = { service: 'ecr', region: 'eu-west-1', now: aws.now() };
  return { ...request, headers: signRequest(request, { keys, ...scope }) };
}

async function send({ url, method, headers, body }: Sent): Promise<number> {
  const response = await fetch(url, { method, headers: { ...headers }, body });
  return response.status;
}

const authorization =
  (from: string | RegExp, to: string | ((found: string) => string)) => (sent: Sent) =>
    header('authorization', (text) =>
      text.replace(from, (found) => (typeof to === 'string' ? to : to(found))),
    )(sent);

const header = (name: string, change: (text: string) => string) => (sent: Sent) => ({
  ...sent,
  headers: { ...sent.headers, [name]: change(sent.headers[name] ?? '') },
});

const without = (name: string) => (sent: Sent) => ({
  ...sent,
  headers: Object.fromEntries(Object.entries(sent.headers).filter(([it]) => it !== name)),
});

const elsewhere = (path: string) => (sent: Sent) => ({ ...sent, url: new URL(path, sent.url) });

const MUTATIONS: readonly (readonly [string, (sent: Sent) => Sent])[] = [
  ['another body', (sent) => ({ ...sent, body: '{}' })],
  ['another method', (sent) => ({ ...sent, method: 'PUT' })],
  ['another path', elsewhere('/x')],
  ['a query', elsewhere('/?a=1')],
  ['another host', header('host', () => 'api.ecr.eu-west-1.amazonaws.com')],
  ['another target', header('x-amz-target', (it) => `${it}x`)],
  ['another type', header('content-type', (it) => it.replace('1.1', '1.0'))],
  [
    'another time',
    header('x-amz-date', (it) => it.replace(/.Z$/, (end) => (end === '9Z' ? '8Z' : '9Z'))),
  ],
  ['another session', header('x-amz-security-token', (it) => `${it}x`)],
  ['no session', without('x-amz-security-token')],
  ['no time', without('x-amz-date')],
  ['no signature', without('authorization')],
  ['one more header of AWS', header('x-amz-more', () => '1')],
  ['another region', authorization('/eu-west-1/', '/eu-west-2/')],
  ['another service', authorization('/ecr/', '/sts/')],
  ['another day', authorization(/\/\d{8}\//, '/20200101/')],
  ['a header less that is signed', authorization(';x-amz-target', '')],
  ['another signature', authorization(/.$/, (end) => (end === '0' ? '1' : '0'))],
  ['another algorithm', authorization('SHA256', 'SHA512')],
];

describe('a request that signRequest() has signed', () => {
  test('is believed as it is', async () => {
    expect(await send(signed())).toBe(200);
  });

  test.each(MUTATIONS)('is believed no more with %s', async (_, mutate) => {
    const status = await send(mutate(signed()));
    expect([400, 403, 404]).toContain(status);
  });
});
