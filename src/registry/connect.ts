import type { AbortOptions } from '../content.ts';
import type { Credential } from '../credentials/credential.ts';
import { withRedirect } from '../http/redirect.ts';
import { type RetryOptions, withRetry } from '../http/retry.ts';
import type { Transport } from '../http/transport.ts';
import { withAuth } from './auth.ts';
import { Endpoint } from './endpoint.ts';

/** How a registry is reached. */
export interface ConnectOptions {
  readonly transport: Transport;
  readonly credential: (options: AbortOptions) => Promise<Credential | undefined>;
  /** Scopes that every token is asked for. */
  readonly scopes?: readonly string[];
  /** Whether the user said that the registry's certificate, or a missing one, is fine. */
  readonly insecure?: boolean | undefined;
  /** What `User-Agent` says. */
  readonly userAgent?: string | undefined;
  readonly retry?: RetryOptions | undefined;
}

/**
 * The registry's address, and a transport to it that follows redirects, tries again and logs in. All
 * requests of one command should go through the same, which learns how the registry wants to be asked.
 */
export function connect(
  registry: string,
  { transport, credential, scopes = [], insecure, userAgent, retry = {} }: ConnectOptions,
): { readonly endpoint: Endpoint; readonly send: Transport } {
  const endpoint = new Endpoint(registry, { insecure });
  const named = userAgent === undefined ? transport : withUserAgent(transport, userAgent);
  const reliable = withRetry(withRedirect(endpoint.over(named)), retry);
  const now = retry.now;
  const send = withAuth(reliable, {
    registry,
    endpoint,
    credential,
    scopes,
    ...(now && { now }),
  });
  return { endpoint, send };
}

function withUserAgent(transport: Transport, userAgent: string): Transport {
  return (request) =>
    transport({ ...request, headers: { 'user-agent': userAgent, ...request.headers } });
}
