import { expect, test } from 'bun:test';
import { startBearerRegistry } from '../support/bearer-registry.ts';
import { openTestRepository } from '../support/open-test-repository.ts';

const me = { kind: 'password' as const, username: 'me', secret: 'pass:word' };

test('a token server that refuses the login is UNAUTHENTICATED, with its reason', async () => {
  await using server = startBearerRegistry(() =>
    Response.json({ details: 'incorrect username\u001b[31m or password' }, { status: 401 }),
  );
  const { host } = server.registry;
  await expect(openTestRepository(host, { credential: me }).tags()).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
    message: `registry ${host}: incorrect username [31m or password`,
    hint: `log in with: finch login ${host}`,
  });
});

test.each([
  [401, { errors: [{ code: 'DENIED', message: 'no such scope' }] }, 'denied: no such scope'],
  [400, { error: 'invalid_scope' }, 'invalid scope'],
  [403, { errors: [{ code: 'DENIED', message: 'not yours' }] }, 'denied: not yours'],
])(
  'a token server that answers %i to what a login asks for is DENIED, and says what that was',
  async (status, body, reason) => {
    await using server = startBearerRegistry(() => Response.json(body, { status }));
    const { host } = server.registry;
    const tags = openTestRepository(host, { credential: me }).tags();
    await expect(tags).rejects.toMatchObject({
      code: 'DENIED',
      message: `registry ${host}: ${reason} (asked for repository:app:pull,push)`,
      hint: `check that your account may use ${host}/app, or log in as another with: finch login ${host}`,
    });
  },
);

test('a token server that refuses a login which it took before refuses what is asked for', async () => {
  let isFirst = true;
  await using server = startBearerRegistry(() => {
    if (!isFirst) return new Response(null, { status: 401 });
    isFirst = false;
    return {};
  });
  const { registry, accepted } = server;
  const repository = openTestRepository(registry.host, { credential: me });
  await repository.resolve('a');
  accepted.token = 'another';
  await expect(repository.tags()).rejects.toMatchObject({
    code: 'DENIED',
    message: `registry ${registry.host}: 401 Unauthorized (asked for repository:app:pull,push)`,
  });
});

test.each([
  ['no token', () => ({ token: '' })],
  ['a longer token than can be hidden', () => ({ token: 'a'.repeat(64 * 1024 + 1) })],
  [
    'a longer refresh token than can be hidden',
    () => ({ refresh_token: 'a'.repeat(64 * 1024 + 1) }),
  ],
  ['a token that is no header value', () => ({ token: 'a\r\nb' })],
  ['no JSON', () => new Response('<html>')],
  ['200 KiB', () => new Response(' '.repeat(200_000))],
])('a token server that sends %s is REGISTRY', async (_, answer) => {
  await using server = startBearerRegistry(answer);
  const tags = openTestRepository(server.registry.host).tags();
  await expect(tags).rejects.toMatchObject({ code: 'REGISTRY' });
});
