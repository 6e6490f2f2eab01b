import type { AbortOptions } from '../content.ts';
import type { Credential } from '../credentials/credential.ts';
import { FinchError } from '../errors.ts';
import { discardBody, readWhole } from '../http/body.ts';
import { distrust } from '../http/distrust.ts';
import { ASK_WHO_RUNS_IT } from '../http/failure.ts';
import type { Transport } from '../http/transport.ts';
import { isJsonObject } from '../oci/json.ts';
import type { Endpoint } from './endpoint.ts';
import { loginCommand, readRefusal } from './errors.ts';

/** What a token lets its bearer do, and for how long. */
export interface Token {
  readonly value: string;
  /** When it should be replaced, before the registry stops taking it: milliseconds since 1970. */
  readonly renewAt: number;
}

/** What a token is asked for. */
export interface TokenRequest {
  /** The address of the token server, as the registry named it. */
  readonly realm: string;
  readonly service?: string | undefined;
  readonly scopes: readonly string[];
}

/** Who asks for a token, of which registry. */
export interface TokenContext extends AbortOptions {
  readonly registry: string;
  readonly endpoint: Endpoint;
  readonly credential?: Credential | undefined;
  readonly now?: (() => number) | undefined;
}

const MAX_TOKEN_BYTES = 128 * 1024;

/** How long a token lives that does not say so, and the least that is believed. */
const SHORTEST_LIFE_MS = 60_000;

/** The longest life that is believed: a day. */
const LONGEST_LIFE_MS = 86_400_000;

/**
 * Asks a token server for a token, with the credential if there is one.
 * https://github.com/distribution/distribution/blob/v3.0.0/docs/content/spec/auth/token.md
 * @throws FinchError `UNAUTHENTICATED` or `DENIED` when the token server refuses, `REGISTRY` when it
 * answers something else or the realm cannot be trusted with a credential, `NETWORK`
 */
export async function fetchToken(
  transport: Transport,
  request: TokenRequest,
  { registry, endpoint, credential, signal, now = Date.now }: TokenContext,
): Promise<Token> {
  const url = tokenUrl(request, { registry, endpoint });
  const response = await transport({
    method: 'GET',
    url,
    signal,
    headers: { accept: 'application/json', ...(credential && basicHeader(credential)) },
    insecure: endpoint.skipsVerification(url),
  });
  if (response.status !== 200) throw await tokenRefused(response, { registry, signal });
  const bytes = await readWhole(response, { limit: MAX_TOKEN_BYTES, signal });
  const { value, lifeMs } = parseToken(bytes, { registry, host: url.host });
  return { value, renewAt: now() + lifeMs - Math.max(30_000, lifeMs / 10) };
}

/** The `Authorization` header of a user name and a password. */
export function basicHeader(credential: Credential): { readonly authorization: string } {
  const { username, secret } =
    credential.kind === 'password' ? credential : { username: '<token>', secret: credential.token };
  return { authorization: `Basic ${Buffer.from(`${username}:${secret}`).toString('base64')}` };
}

function tokenUrl(
  { realm, service, scopes }: TokenRequest,
  { registry, endpoint }: { registry: string; endpoint: Endpoint },
): URL {
  const url = URL.parse(realm);
  const why = url === null ? 'is no address' : distrustRealm(url, endpoint);
  if (url === null || why !== undefined) {
    throw new FinchError('REGISTRY', `registry ${registry} names a token server that ${why}`, {
      hint: `nothing was sent to it; ask who runs ${registry}`,
    });
  }
  // The realm may come with a query of its own, which stays as it is.
  if (service !== undefined) url.searchParams.append('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  return url;
}

/** Why a realm must not be asked. */
function distrustRealm(url: URL, endpoint: Endpoint): string | undefined {
  if (url.username !== '' || url.password !== '') return 'carries a login';
  if (endpoint.owns(url)) return undefined;
  return distrust(url, { from: endpoint.url(''), withLogin: true });
}

async function tokenRefused(
  response: Response,
  { registry, signal }: AbortOptions & { registry: string },
): Promise<FinchError> {
  const { status } = response;
  if (status !== 401 && status !== 403 && status !== 400) {
    await discardBody(response);
    const message = `the token server of ${registry} answered ${status}`;
    return new FinchError('REGISTRY', message, { hint: 'try again later' });
  }
  const { reason } = await readRefusal(response, { signal });
  return new FinchError(
    status === 403 ? 'DENIED' : 'UNAUTHENTICATED',
    `registry ${registry}: ${reason}`,
    { hint: `log in with: ${loginCommand(registry)}` },
  );
}

function parseToken(
  bytes: Uint8Array,
  { registry, host }: { registry: string; host: string },
): { value: string; lifeMs: number } {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    json = undefined;
  }
  const answer = isJsonObject(json) ? json : {};
  const value = answer['token'] || answer['access_token'];
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
    throw new FinchError('REGISTRY', `${host}, the token server of ${registry}, sent no token`, {
      hint: ASK_WHO_RUNS_IT,
    });
  }
  const seconds = answer['expires_in'];
  const life = typeof seconds === 'number' ? seconds * 1000 : 0;
  return { value, lifeMs: Math.min(LONGEST_LIFE_MS, Math.max(SHORTEST_LIFE_MS, life)) };
}
