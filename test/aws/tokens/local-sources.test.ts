import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { FinchError } from '../../../src/errors.ts';
import { sendRequest, type Transport } from '../../../src/http/transport.ts';
import { serveKeys } from '../../support/aws/metadata.ts';
import { type AwsStandIn, startAws } from '../../support/aws/stand-in.ts';
import { failureOf, HOUR, REGISTRY, tokenBench } from './token-bench.ts';

let aws: AwsStandIn;

beforeAll(async () => {
  aws = await startAws();
});

afterAll(() => aws[Symbol.asyncDispose]());

beforeEach(() => {
  aws.recover();
  aws.clockOffsetMs = 0;
});

/** A container that gives the keys of one user, and later of another. */
async function containerBench() {
  const bench = await tokenBench(aws);
  const one = aws.addUser({ name: 'one', session: true });
  const two = aws.addUser({ name: 'two', session: true });
  const container = { user: one, lifeMs: HOUR, isDown: false };
  const server = serveKeys(
    async () => {
      if (container.isDown) return new Response('', { status: 500 });
      const { accessKeyId, secretAccessKey, sessionToken } = container.user;
      const keys = { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey };
      const expires = new Date(aws.now() + container.lifeMs).toISOString();
      return Response.json({ ...keys, Token: sessionToken, Expiration: expires });
    },
    (origin) => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${origin}/keys` }),
  );
  const noKeys = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
  const keysOfTwo = {
    ...{ AWS_ACCESS_KEY_ID: two.accessKeyId, AWS_SECRET_ACCESS_KEY: two.secretAccessKey },
    AWS_SESSION_TOKEN: two.sessionToken,
  };
  const give = async (env: Readonly<Record<string, string | undefined>>, transport: Transport) =>
    (await bench.helper({ env, surroundings: { transport } }).token(REGISTRY)).secret;
  return {
    ...{ ...bench, one, two, container },
    /** What a helper gives by the keys of the container. */
    secret: (transport = sendRequest) => give({ ...noKeys, ...server.environment }, transport),
    /** What it gives by the second user's keys in the environment. */
    secretOfTwo: () => give(keysOfTwo, sendRequest),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await bench[Symbol.asyncDispose]();
    },
  };
}

const ownerOf = (secret: string) => aws.issued(secret)?.principal.arn;

test('no token is given while nobody says whose it has to be; five seconds later it is that of whoever it is now', async () => {
  await using at = await containerBench();
  expect(ownerOf(await at.secret())).toBe(at.one.arn);
  Object.assign(at.container, { user: at.two, isDown: true });
  expect(await failureOf(at.secret())).toBeInstanceOf(FinchError);
  at.container.isDown = false;
  expect(await failureOf(at.secret())).toBeInstanceOf(FinchError);
  at.pass(5001);
  expect(ownerOf(await at.secret())).toBe(at.two.arn);
});

test('a token is remembered for whoever asked for it, though the keys are those of another by then', async () => {
  await using at = await containerBench();
  at.container.lifeMs = 40_000;
  const slow: typeof sendRequest = async (request) => {
    const response = await sendRequest(request);
    if (request.url.origin !== aws.endpoint) return response;
    Object.assign(at.container, { user: at.two, lifeMs: HOUR });
    at.pass(60_000);
    return response;
  };
  expect(ownerOf(await at.secret(slow))).toBe(at.one.arn);
  expect(ownerOf(await at.secret())).toBe(at.two.arn);
  expect(ownerOf(await at.secretOfTwo())).toBe(at.two.arn);
});

test('a token is found again by the keys of now, wherever they come from', async () => {
  await using at = await containerBench();
  at.container.user = at.two;
  const secret = await at.secret();
  const calls = aws.log.length;
  expect((await at.secret()) === secret).toBe(true);
  expect((await at.secretOfTwo()) === secret).toBe(true);
  expect(aws.log).toHaveLength(calls);
});
