import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { TOKEN_USER } from './credential.ts';
import { goJson, toHelperLogin } from './helper-protocol.ts';
import { parseAsked, parseChanged, parseLogin, readRequest } from './helper-request.ts';
import type { ServedLogins } from './served-logins.ts';

/** What programs can ask of a credential helper. */
export type HelperAction = 'get' | 'store' | 'erase' | 'list';

/** From what {@link serveHelper} answers. */
export interface ServeHelperOptions extends AbortOptions {
  readonly logins: ServedLogins;
  /** What the caller writes. `list` does not read it. */
  readonly stdin: AsyncIterable<Uint8Array>;
}

/**
 * Answers one request in the protocol of credential helpers. No registry is asked anything.
 * https://github.com/docker/docker-credential-helpers/blob/v0.9.3/credentials/credentials.go
 * @returns the lines for stdout
 * @throws FinchError `LOGIN_NOT_FOUND`, `USAGE` when there is no such request, `CONFIG_INVALID`, `IO`,
 *   `CREDENTIAL_STORE`
 */
export async function serveHelper(
  action: HelperAction,
  { logins, stdin, signal }: ServeHelperOptions,
): Promise<readonly string[]> {
  if (action === 'list') return [await list(logins, { signal })];
  const request = await readRequest(stdin, { signal });
  switch (action) {
    case 'get':
      return [await giveLogin(request, { logins, signal })];
    case 'store': {
      const { server, credential } = parseLogin(request);
      await logins.save(server, credential, { signal });
      return [];
    }
    case 'erase': {
      const { failures } = await logins.forget(parseChanged(request), { signal });
      if (failures[0] !== undefined) throw failures[0];
      return [];
    }
    default:
      return action satisfies never;
  }
}

/**
 * The answer to who asks for the login of a server.
 * @param url as the caller writes it
 * @throws FinchError `LOGIN_NOT_FOUND`, `USAGE` when it is empty, `CONFIG_INVALID`, `IO`, `AWS`, `AWS_IDENTITY`
 */
export async function giveLogin(
  url: string,
  { logins, signal }: AbortOptions & { readonly logins: Pick<ServedLogins, 'find'> },
): Promise<string> {
  const asked = parseAsked(url);
  if (asked === undefined) throw notFound('what stdin holds, which names no registry');
  const { server, repository } = asked;
  // Who asks says nothing of what for; without a login it can still be to pull from where that needs none.
  const found = await logins.find(server, { repository, needed: false, signal });
  const login = found && toHelperLogin(found.credential);
  if (login === undefined) throw notFound(server.registry);
  return goJson({ ServerURL: url, ...login });
}

/** User names by the server that callers ask for. Of several logins for one, that which `get` gives. */
async function list(logins: ServedLogins, options: AbortOptions): Promise<string> {
  const listed = await logins.list({ ...options, expiry: false });
  const users = new Map<string, string>();
  for (const { registry, username = TOKEN_USER } of listed) {
    const asked = registry === '' ? undefined : parseAsked(registry);
    if (asked === undefined) continue;
    const url = asked.repository === undefined ? asked.server.key : registry;
    if (!users.has(url)) users.set(url, username);
  }
  return goJson(Object.fromEntries([...users].toSorted(([a], [b]) => (a < b ? -1 : 1))));
}

function notFound(server: string): FinchError {
  return new FinchError('LOGIN_NOT_FOUND', `there is no login for ${server}`, {
    hint: 'see the logins that there are with: finch login --list',
  });
}
