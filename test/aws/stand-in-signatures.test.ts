import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { answerApi } from '../support/aws/control-plane.ts';
import { newState } from '../support/aws/new-state.ts';
import { header, type RawRequest } from '../support/aws/raw-request.ts';
import { type Signing, signed, type Unsigned } from '../support/aws/signed.ts';
import type { UserOptions } from '../support/aws/state.ts';
import { verify } from '../support/aws/verify.ts';

const REGION = 'eu-west-1';

/** The two ways in which services read and answer. */
const calls: Readonly<Record<'ecr' | 'sts', Unsigned>> = {
  ecr: {
    host: `api.ecr.${REGION}.amazonaws.com`,
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken',
    },
    body: '{}',
  },
  sts: {
    host: `sts.${REGION}.amazonaws.com`,
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    body: 'Action=GetCallerIdentity&Version=2011-06-15',
  },
};

/** A good request of a user, and what a request is answered with. */
async function bench(options: UserOptions = {}, service: 'ecr' | 'sts' = 'ecr') {
  const { state, plane } = newState();
  const keys = state.addUser(options);
  const sign = (changes: Partial<Signing> = {}) =>
    signed(calls[service], { keys, service, region: REGION, ...changes });
  const ask = async (request: RawRequest) => {
    const answer = await answerApi(request, plane);
    const message =
      /"message":"([^"]*)"|<Message>([^<]*)/
        .exec(answer?.body ?? '')
        ?.slice(1)
        .join('') ?? '';
    return { status: answer?.status, type: answer?.type, message };
  };
  return { state, keys, sign, ask, good: await sign() };
}

function with_(request: RawRequest, name: string, change: (value: string) => string): RawRequest {
  const headers = request.headers.map(
    ([it, value]) => [it, it === name ? change(value) : value] as const,
  );
  return { ...request, headers };
}

function without(request: RawRequest, name: string): RawRequest {
  return { ...request, headers: request.headers.filter(([it]) => it !== name) };
}

/** A kind of request that is refused. */
interface Kind {
  /** What the refusal is called by ECR and by STS. */
  readonly names: readonly [ecr: string, sts: string];
  readonly user?: UserOptions;
  readonly change: (good: RawRequest) => RawRequest;
}

describe('the stand-in for AWS', () => {
  test('believes a good request, with and without a session', async () => {
    for (const session of [false, true]) {
      for (const service of ['ecr', 'sts'] as const) {
        const { ask, good, state, keys } = await bench({ session }, service);
        expect((await ask(good)).status).toBe(200);
        expect(state.log).toMatchObject([{ service, status: 200, principal: keys.arn }]);
      }
    }
  });

  test('refuses a request as soon as any part of it is another one', async () => {
    const { ask, good } = await bench({ session: true });
    const authorization = (change: (value: string) => string) =>
      with_(good, 'authorization', change);
    const changed: Readonly<Record<string, RawRequest>> = {
      method: { ...good, method: 'PUT' },
      path: { ...good, target: '/x' },
      query: { ...good, target: '/?a=b' },
      body: { ...good, body: Buffer.from('{ }') },
      host: with_(good, 'host', () => 'api.ecr.eu-west-1.amazonaws.com:443'),
      type: with_(good, 'content-type', () => 'application/json'),
      target: with_(good, 'x-amz-target', (it) => it.replace('GetAuth', 'getAuth')),
      second: with_(good, 'x-amz-date', (it) =>
        it.replace(/.Z$/, (end) => (end === '0Z' ? '1Z' : '0Z')),
      ),
      signature: authorization((it) => it.replace(/.$/, (end) => (end === '0' ? '1' : '0'))),
      shorter: authorization((it) => it.slice(0, -1)),
      day: authorization((it) => it.replace(/\/\d{8}\//, '/20000101/')),
      region: authorization((it) => it.replace(`/${REGION}/`, '/eu-west-2/')),
      service: authorization((it) => it.replace('/ecr/', '/sts/')),
      end: authorization((it) => it.replace('aws4_request', 'aws4')),
      order: authorization((it) => it.replace('content-type;host', 'host;content-type')),
      'unsigned host': authorization((it) => it.replace('host;', '')),
      'unsigned target': authorization((it) => it.replace(';x-amz-target', '')),
      added: { ...good, headers: [...good.headers, ['X-Amz-Meta', '1']] },
      doubled: { ...good, headers: [...good.headers, ['content-type', 'text/plain']] },
      'said hash': {
        ...good,
        headers: [...good.headers, ['x-amz-content-sha256', '0'.repeat(64)]],
      },
    };
    for (const [name, request] of Object.entries(changed)) {
      const { status, type } = await ask(request);
      expect({ name, status, type }).toEqual({
        ...{ name, status: 400, type: 'InvalidSignatureException' },
      });
    }
  });

  test('says of each kind of request what AWS says, in the names of each service', async () => {
    const nobody = ['MissingAuthenticationTokenException', 'MissingAuthenticationToken'] as const;
    const incomplete = ['IncompleteSignatureException', 'IncompleteSignature'] as const;
    const unknown = ['UnrecognizedClientException', 'InvalidClientTokenId'] as const;
    const ended = ['ExpiredTokenException', 'ExpiredToken'] as const;
    const invalid = ['InvalidSignatureException', 'SignatureDoesNotMatch'] as const;
    const session = 'x-amz-security-token';
    const authorization = (change: (value: string) => string) => (it: RawRequest) =>
      with_(it, 'authorization', change);
    const kinds: readonly Kind[] = [
      { names: nobody, change: (it) => without(it, 'authorization') },
      { names: incomplete, change: authorization((it) => it.replace('Signature=', 'S=')) },
      { names: incomplete, change: authorization(() => 'Basic QVdTOng=') },
      { names: incomplete, change: (it) => without(it, 'x-amz-date') },
      { names: unknown, change: authorization((it) => it.replace('AKIA', 'AKIB')) },
      { names: unknown, user: { session: true }, change: (it) => without(it, session) },
      {
        names: unknown,
        user: { session: true },
        change: (it) => with_(it, session, (a) => `${a}x`),
      },
      { names: unknown, change: (it) => ({ ...it, headers: [...it.headers, [session, 'x']] }) },
      { names: ended, user: { expired: true }, change: (it) => it },
      {
        names: invalid,
        change: (it) => ({ ...it, body: Buffer.from('Action=GetCallerIdentity') }),
      },
    ];
    for (const { names, user = {}, change } of kinds) {
      const [ecr, sts] = [await bench(user, 'ecr'), await bench(user, 'sts')];
      expect(await ecr.ask(change(ecr.good))).toMatchObject({ status: 400, type: names[0] });
      expect(await sts.ask(change(sts.good))).toMatchObject({ status: 403, type: names[1] });
    }
  });

  test('takes clocks that are less than 15 minutes off, and tells of others by how much', async () => {
    const { ask, sign, state, good } = await bench();
    for (const minutes of [-14, 14]) {
      state.clockOffsetMs = minutes * 60_000;
      expect((await ask(good)).status).toBe(200);
    }
    const date = new Date('2026-11-22T05:04:20Z');
    state.clockOffsetMs = date.getTime() + 16 * 60_000 - Date.now();
    expect((await ask(await sign({ date }))).message).toMatch(
      /^Signature expired: 20261122T050420Z is now earlier than 20261122T0505\d\dZ \(20261122T0520\d\dZ - 15 min\.\)$/,
    );
    state.clockOffsetMs = date.getTime() - 16 * 60_000 - Date.now();
    expect((await ask(await sign({ date }))).message).toMatch(
      /^Signature not yet current: 20261122T050420Z is still later than 20261122T0503\d\dZ \(/,
    );
    state.clockOffsetMs = 0;
    expect((await ask(with_(good, 'x-amz-date', () => '20269999T999999Z'))).status).toBe(400);
  });

  test('wants the region and the service of the host that is asked', async () => {
    const { ask, sign } = await bench();
    expect(await ask(await sign({ region: 'us-east-1' }))).toMatchObject({
      type: 'InvalidSignatureException',
      message: "Credential should be scoped to a valid region, not 'us-east-1'. ",
    });
    expect(await ask(await sign({ service: 'ecr-public' }))).toMatchObject({
      message: "Credential should be scoped to correct service: 'ecr'. ",
    });
  });

  test('knows keys of one partition in that one alone', async () => {
    const { ask, good } = await bench({ partition: 'aws-cn' });
    expect(await ask(good)).toMatchObject({ type: 'UnrecognizedClientException' });
  });

  test('believes what the SDK signs, whatever the request, and nothing that differs in a byte', async () => {
    const words = fc.string({
      unit: fc.constantFrom(
        ...'aZ09-._~!\'()*+,;=:@&$ /%?#"<>[]{}|^`äß€😀'.matchAll(/./gu).map(String),
      ),
      maxLength: 8,
    });
    const secret = 'not a secret';
    const random = fc.record({
      method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
      path: fc.array(words, { maxLength: 4 }),
      query: fc.dictionary(words, words, { maxKeys: 4 }),
      headers: fc.dictionary(
        fc.stringMatching(/^x-[a-z]{1,8}$/),
        fc.stringMatching(/^[ -~]{0,12}$/),
        {
          maxKeys: 3,
        },
      ),
      body: fc.string({ maxLength: 40 }),
      at: fc.nat(),
    });
    const property = fc.asyncProperty(random, async ({ path, at, ...more }) => {
      const request = await signed(
        {
          ...more,
          host: 'sts.eu-west-1.amazonaws.com',
          path: `/${path.map(encodeURIComponent).join('/')}`,
        },
        { keys: { accessKeyId: 'AKIA', secretAccessKey: secret }, service: 'sts', region: REGION },
      );
      const expected = { service: 'sts', now: Date.now() };
      const keyOf = () => ({ owner: 'me', secretAccessKey: secret });
      expect(verify(request, { ...expected, keyOf }).ok).toBe(true);
      const body = Buffer.from(request.body);
      if (body.length > 0) body[at % body.length] = (body[at % body.length] ?? 0) ^ 1;
      const others: readonly RawRequest[] = [
        { ...request, method: 'PATCH' },
        { ...request, target: `${request.target}${request.target.includes('?') ? '&' : '?'}zz=1` },
        { ...request, body: body.length > 0 ? body : Buffer.from('x') },
      ];
      for (const other of others) expect(verify(other, { ...expected, keyOf }).ok).toBe(false);
      const wrongKey = () => ({ owner: 'me', secretAccessKey: `${secret}!` });
      expect(verify(request, { ...expected, keyOf: wrongKey }).ok).toBe(false);
      expect(header(request, 'authorization')).toStartWith('AWS4-HMAC-SHA256 ');
    });
    await fc.assert(property, { numRuns: 300 });
  });
});
