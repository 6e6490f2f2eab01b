import { describe, expect, test } from 'bun:test';
import type { Credential } from '../../src/credentials/credential.ts';
import { withRedirect } from '../../src/http/redirect.ts';
import { sendRequest, type Transport } from '../../src/http/transport.ts';
import { Endpoint } from '../../src/registry/endpoint.ts';
import { fetchToken, type TokenContext, type TokenRequest } from '../../src/registry/token.ts';
import { CANARY } from '../support/canary.ts';

const me: Credential = { kind: 'password', username: 'me', secret: CANARY };
const kept: Credential = { kind: 'identity-token', token: 'refresh.me' };
const basic = (user: string, secret: string) =>
  `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;

/** What a token server saw of one request: its method, its query or form, its `Authorization`. */
interface Seen {
  readonly method: string;
  readonly params: readonly (readonly string[])[];
  readonly authorization: string | null;
}

type Answers = Partial<Record<'GET' | 'POST', () => Response>>;

/** A token server with scripted answers, and a way to ask it. */
function tokenServer(answers: Answers = {}) {
  const seen: Seen[] = [];
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const { method } = request;
      const isForm = method === 'POST';
      const text = isForm ? await request.text() : new URL(request.url).search;
      const params = [...new URLSearchParams(text)];
      seen.push({ method, params, authorization: request.headers.get('authorization') });
      const answer = answers[method === 'POST' ? 'POST' : 'GET'];
      return answer?.() ?? Response.json({ token: 'good-token' });
    },
  });
  const host = `127.0.0.1:${server.port}`;
  const ask = (
    credential: Credential | undefined,
    request: Partial<TokenRequest> = {},
    { transport = sendRequest, ...context }: Partial<TokenContext> & { transport?: Transport } = {},
  ) =>
    fetchToken(
      transport,
      { realm: `http://${host}/token?own=1`, service: 'reg', scopes: [], ...request },
      { registry: host, endpoint: new Endpoint(host), credential, now: () => 0, ...context },
    );
  return {
    seen,
    ask,
    methods: () => seen.map(({ method }) => method),
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
}

const status = (code: number, body?: unknown) => () =>
  body === undefined ? new Response(null, { status: code }) : Response.json(body, { status: code });

describe('fetchToken()', () => {
  test('shows a password in a GET, with repeated scopes behind the query of the realm', async () => {
    await using server = tokenServer();
    const scopes = ['repository:a:pull,push', 'repository:b:pull'];
    expect((await server.ask(me, { scopes })).value).toBe('good-token');
    expect(server.seen).toEqual([
      {
        method: 'GET',
        params: [
          ['own', '1'],
          ['service', 'reg'],
          ...scopes.map((scope) => ['scope', scope]),
          ['account', 'me'],
          ['client_id', 'finch'],
        ],
        authorization: basic('me', CANARY),
      },
    ]);
  });

  test('asks without a login for nobody, and leaves out what it was not told', async () => {
    await using server = tokenServer();
    await server.ask(undefined, { service: undefined });
    expect(server.seen).toEqual([{ method: 'GET', params: [['own', '1']], authorization: null }]);
  });

  test('sends an identity token in a form, never in a header', async () => {
    await using server = tokenServer();
    await server.ask(kept, { scopes: ['repository:a:pull,push', 'repository:b:pull'] });
    expect(server.seen).toEqual([
      {
        method: 'POST',
        params: [
          ['grant_type', 'refresh_token'],
          ['refresh_token', 'refresh.me'],
          ['service', 'reg'],
          ['client_id', 'finch'],
          ['scope', 'repository:a:pull,push repository:b:pull'],
        ],
        authorization: null,
      },
    ]);
  });

  test('leaves an empty scope out of a form', async () => {
    await using server = tokenServer();
    await server.ask(kept);
    expect(server.seen[0]?.params.map(([name]) => name)).not.toContain('scope');
  });

  test.each([404, 405])('tries an identity token with GET after a POST is %i', async (code) => {
    await using server = tokenServer({ POST: status(code) });
    expect((await server.ask(kept)).value).toBe('good-token');
    expect(server.methods()).toEqual(['POST', 'GET']);
    expect(server.seen[1]?.authorization).toBe(basic('<token>', 'refresh.me'));
  });

  test('does not try an identity token again that is refused', async () => {
    await using server = tokenServer({ POST: status(400, { error: 'invalid_grant' }) });
    await expect(server.ask(kept)).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      hint: expect.stringMatching(/^log in with: finch login 127/),
    });
    expect(server.methods()).toEqual(['POST']);
  });

  test.each([400, 404, 405, 501])('sends a password in a form after a GET is %i', async (code) => {
    await using server = tokenServer({ GET: status(code) });
    await server.ask(me, {}, { offline: true });
    expect(server.methods()).toEqual(['GET', 'POST']);
    expect(server.seen[1]?.params).toEqual([
      ['grant_type', 'password'],
      ['username', 'me'],
      ['password', CANARY],
      ['service', 'reg'],
      ['client_id', 'finch'],
      ['access_type', 'offline'],
    ]);
  });

  test.each([401, 403])('shows a password only once when a GET is %i', async (code) => {
    await using server = tokenServer({ GET: status(code, { details: 'wrong' }) });
    await expect(server.ask(me)).rejects.toMatchObject({
      code: code === 401 ? 'UNAUTHENTICATED' : 'DENIED',
    });
    expect(server.methods()).toEqual(['GET']);
  });

  test('reports what the GET said when the form is not known either', async () => {
    const errors = [{ code: 'NAME_INVALID', message: 'no such registry' }];
    await using server = tokenServer({ GET: status(400, { errors }), POST: status(404) });
    await expect(server.ask(me)).rejects.toThrow(/: name invalid: no such registry$/);
  });

  test('reports what the form said when that was an answer', async () => {
    await using server = tokenServer({
      GET: status(405),
      POST: status(401, { details: 'wrong password' }),
    });
    await expect(server.ask(me)).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message: expect.stringMatching(/: wrong password$/),
    });
  });

  test('asks for a refresh token where one is wanted', async () => {
    await using server = tokenServer({ GET: status(200, { token: 'a', refresh_token: 'r' }) });
    expect(await server.ask(me, {}, { offline: true })).toMatchObject({ refreshToken: 'r' });
    expect(server.seen[0]?.params).toContainEqual(['offline_token', 'true']);
  });

  test('does not follow a token server that sends a form elsewhere', async () => {
    const location = 'http://localhost:1/token';
    await using server = tokenServer({
      POST: () => new Response(null, { status: 307, headers: { location } }),
    });
    const asking = server.ask(kept, {}, { transport: withRedirect(sendRequest) });
    await expect(asking).rejects.toThrow(/ redirects a login to localhost:1$/);
  });
});

describe('the life of a token', () => {
  test.each([
    [undefined, 30_000],
    [0, 30_000],
    [1, 30_000],
    [-5, 30_000],
    ['x', 30_000],
    ['300', 240_000],
    [300, 240_000],
    [3600, 3_240_000],
    [1e300, 77_760_000],
    ['9'.repeat(400), 30_000],
  ])('that says it lives %j seconds ends for finch after %i ms', async (expires_in, renewAt) => {
    const issued_at = '2001-01-01T00:00:00Z';
    await using server = tokenServer({ GET: status(200, { token: 'a', expires_in, issued_at }) });
    expect(await server.ask(undefined)).toEqual({ value: 'a', issuedAt: 0, renewAt });
  });
});

describe('an answer', () => {
  test.each([
    [{ token: 'a', access_token: 'b' }, 'a'],
    [{ token: '', access_token: 'b' }, 'b'],
    [{ token: 'a b', access_token: 'b' }, 'b'],
    [{ access_token: 'b' }, 'b'],
  ])('%j gives the token %s', async (body, value) => {
    await using server = tokenServer({ GET: status(200, body) });
    expect((await server.ask(undefined)).value).toBe(value);
  });

  test.each([
    ['nothing', ''],
    ['a list', '[]'],
    ['a number as token', '{"token":1}'],
    ['a token with a line feed', '{"token":"a\\nb"}'],
    ['deep nesting', '['.repeat(100_000)],
    ['a web page', '<html>'],
  ])('that holds %s is no token', async (_, body) => {
    await using server = tokenServer({ GET: () => new Response(body) });
    await expect(server.ask(undefined)).rejects.toMatchObject({
      code: 'REGISTRY',
      message: expect.stringMatching(/^127\.0\.0\.1:\d+, the token server of .*, sent no token$/),
    });
  });

  test('of more than 128 KiB is not read to its end', async () => {
    await using server = tokenServer({ GET: () => new Response(' '.repeat(130 * 1024)) });
    await expect(server.ask(undefined)).rejects.toThrow(/ sent more than 131072 bytes$/);
  });
});
