import { CANARY } from '../../support/canary.ts';
import {
  type FakeRegistry,
  registryErrorBody,
  startFakeRegistry,
} from '../../support/fake-registry.ts';

/** What `me` shows with the password of the tests. */
export const basic = basicOf(CANARY);

/** All that a careless server may make of a password that it gets. */
const ECHO = [
  ...[CANARY, basic, encodeURIComponent(CANARY), JSON.stringify({ password: CANARY })],
  Buffer.from(CANARY).toString('hex'),
].join(' ');

/** How a registry lets `me` in. */
export type Way = 'basic' | 'token by GET' | 'token by POST';

/** A registry that knows one password, and repeats that of the tests in all that it says when it refuses. */
export function careless(way: Way, { password = CANARY } = {}): FakeRegistry {
  const registry: FakeRegistry = startFakeRegistry({
    async script(request, { pathname }) {
      const { method, headers } = request;
      const authorization = headers.get('authorization');
      if (pathname === '/token') {
        if (way === 'token by POST' && method === 'GET') return refused(405);
        const form = method === 'POST' ? new URLSearchParams(await request.text()) : undefined;
        const isGood = form
          ? form.get('password') === password
          : authorization === basicOf(password);
        return isGood ? Response.json({ token: 'tea' }) : refused(401);
      }
      const good = way === 'basic' ? basicOf(password) : 'Bearer tea';
      if (authorization === good) return undefined;
      const realm = `${registry.origin}/token?echo=${encodeURIComponent(CANARY)}`;
      return refused(401, way === 'basic' ? undefined : `Bearer realm="${realm}"`);
    },
  });
  return registry;
}

function basicOf(password: string): string {
  return `Basic ${Buffer.from(`me:${password}`).toString('base64')}`;
}

function refused(status: number, challenge = `Basic realm="${basic}"`): Response {
  const answer = registryErrorBody(status, 'UNAUTHORIZED', ECHO);
  answer.headers.set('www-authenticate', challenge);
  for (const name of ['warning', 'x-request-id', 'retry-after', 'link']) {
    answer.headers.set(name, `299 - "${basic} ${encodeURIComponent(CANARY)}"`);
  }
  return answer;
}

/** A registry that takes any login. */
export function asking(): FakeRegistry {
  return startFakeRegistry({
    script: ({ headers }) =>
      headers.has('authorization')
        ? undefined
        : new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }),
  });
}

/** A registry that never answers who shows a login, and when that was. */
export function silent(): { readonly registry: FakeRegistry; readonly reached: Promise<void> } {
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  const registry = startFakeRegistry({
    script({ headers }) {
      if (!headers.has('authorization')) return refused(401);
      resolve();
      return new Promise<Response>(() => {});
    },
  });
  return { registry, reached };
}
