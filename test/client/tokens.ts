import type { Reply, SeenExchange } from '../support/faulty-registry-faults.ts';

/** A token server whose last token alone is good, and the guard of a registry that wants it. */
export interface Tokens extends AsyncDisposable {
  readonly guard: (seen: SeenExchange) => Reply | undefined;
  /** The scopes of every request for a token, each sorted. */
  readonly asked: readonly (readonly string[])[];
  /** Lets no token be good any more that was given before. */
  expire(): void;
}

/** How {@link startTokens} answers. */
export interface TokensOptions {
  /** The scopes that it gives no token for. */
  readonly refuses?: (scopes: readonly string[]) => boolean;
  /** What a token must be for, for a request; what that is the registry says in its challenge. */
  readonly needs?: (seen: SeenExchange) => readonly string[];
  /** Requests before which the token ends. */
  readonly endsBefore?: (seen: SeenExchange) => boolean;
}

/** Starts a {@link Tokens} on a free port of this machine. */
export function startTokens({ refuses, needs, endsBefore }: TokensOptions = {}): Tokens {
  const asked: (readonly string[])[] = [];
  let good = 'none';
  let scope: readonly string[] = [];
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request) {
      const scopes = new URL(request.url).searchParams
        .getAll('scope')
        .flatMap((scope) => scope.split(' '))
        .toSorted();
      asked.push(scopes);
      if (refuses?.(scopes)) return new Response(null, { status: 401 });
      good = `t${asked.length}`;
      scope = scopes;
      return Response.json({ token: good, expires_in: 300 });
    },
  });
  const realm = `http://127.0.0.1:${server.port}/token`;
  const challenge = (needed: readonly string[]): Reply => {
    const wanted = needed.length === 0 ? '' : `,scope="${needed.join(' ')}"`;
    const header = `Bearer realm="${realm}",service="test"${wanted}`;
    return { status: 401, headers: { 'www-authenticate': header } };
  };
  const expire = () => {
    good = 'none';
  };
  const ended = new Set<string>();
  return {
    asked,
    expire,
    guard(seen) {
      const key = seen.line;
      if (endsBefore?.(seen) && !ended.has(key)) {
        ended.add(key);
        expire();
      }
      const needed = needs?.(seen) ?? [];
      const isGood = seen.headers['authorization'] === `Bearer ${good}`;
      return isGood && needed.every((one) => scope.includes(one)) ? undefined : challenge(needed);
    },
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
}
