import { withCheckedAddress } from '../http/checked-address.ts';
import { withRedirect } from '../http/redirect.ts';
import { type RetryOptions, withRetry } from '../http/retry.ts';
import type { Transport } from '../http/transport.ts';
import { withAuth } from './auth.ts';
import type { OnIdentityToken } from './auth-options.ts';
import { Endpoint } from './endpoint.ts';
import type { ChallengeMemory } from './known-challenge.ts';
import type { RealmTrust } from './realm.ts';
import type { AskCredential } from './session-login.ts';
import type { Site } from './site.ts';

/** How a registry is reached. */
export interface ConnectOptions {
  readonly transport: Transport;
  readonly credential: AskCredential;
  /** Scopes that every token is asked for. */
  readonly scopes?: readonly string[];
  /** Which token servers the user trusts. Default: none but the registry's own. */
  readonly trust?: RealmTrust | undefined;
  /** Set at a login: an identity token is wanted in place of a password. */
  readonly offline?: boolean | undefined;
  /** Hears of an identity token that is to be kept in place of a credential. */
  readonly onIdentityToken?: OnIdentityToken | undefined;
  /** Hears of every token server, by its host and port, that has taken the credential. */
  readonly onAccepted?: ((host: string) => void) | undefined;
  /** Whether the user said that the registry's certificate, or a missing one, is fine. */
  readonly insecure?: boolean | undefined;
  /** Which host is asked, and how. Default: the registry itself. */
  readonly site?: Site | undefined;
  /** What `User-Agent` says. */
  readonly userAgent?: string | undefined;
  readonly retry?: RetryOptions | undefined;
  /** Knows how hosts want to be asked. Default: nothing is known. */
  readonly memory?: ChallengeMemory | undefined;
}

/**
 * The registry's address, and a transport to it that follows redirects, tries again and logs in. All
 * requests of one command should go through the same, which learns how the registry wants to be asked.
 */
export function connect(
  registry: string,
  options: ConnectOptions,
): { readonly endpoint: Endpoint; readonly send: Transport } {
  const { transport, credential, scopes = [], insecure, site, userAgent, retry = {} } = options;
  const { trust, offline, onIdentityToken, onAccepted, memory } = options;
  const endpoint = new Endpoint(registry, { insecure, site, memory });
  const named = userAgent === undefined ? transport : withUserAgent(transport, userAgent);
  const checked = withCheckedAddress(named, { home: () => endpoint.url('') });
  const reliable = withRetry(withRedirect(endpoint.over(checked)), retry);
  const now = retry.now;
  const send = withAuth(reliable, {
    registry,
    endpoint,
    credential,
    scopes,
    trust,
    ...{ offline, onIdentityToken, onAccepted, memory },
    ...(now && { now }),
  });
  return { endpoint, send };
}

function withUserAgent(transport: Transport, userAgent: string): Transport {
  return (request) =>
    transport({ ...request, headers: { 'user-agent': userAgent, ...request.headers } });
}
