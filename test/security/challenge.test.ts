import { expect, test } from 'bun:test';
import { authorizations, challenged } from '../support/bearer-registry.ts';
import { startFakeRegistry } from '../support/fake-registry.ts';
import { openTestRepository } from '../support/open-test-repository.ts';

test.each(['Basic realm="x"', 'Bearer realm="http://127.0.0.1:1/token"'])(
  'the challenge %s of another server, to which the root of the API is redirected, is nobody’s',
  async (challenge) => {
    await using other = startFakeRegistry({ script: () => challenged(challenge) });
    await using registry = startFakeRegistry({
      script: (_, { pathname }) =>
        pathname === '/v2/'
          ? Response.redirect(`${other.origin}/v2/`, 307)
          : new Response(null, { status: 401 }),
    });
    const credential = { kind: 'password', username: 'me', secret: 'pw' } as const;
    const repository = openTestRepository(registry.host, { credential });
    await expect(repository.tags()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(other.requests).toHaveLength(1);
    expect(new Set([...authorizations(registry), ...authorizations(other)])).toEqual(
      new Set([null]),
    );
  },
);
