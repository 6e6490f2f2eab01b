import type { AbortOptions } from '../content.ts';
import type { Credential } from '../credentials/credential.ts';
import { FinchError, hasCode } from '../errors.ts';
import { discardBody } from '../http/body.ts';
import type { Transport } from '../http/transport.ts';
import { isGood } from './api.ts';
import { connect } from './connect.ts';
import { readRefusal, refusalError } from './errors.ts';
import { loginCommand, loginHint } from './profiles.ts';
import { alsoTrusting, type RealmTrust } from './realm.ts';
import type { Site } from './site.ts';

/** How {@link checkLogin} asks. */
export interface CheckLoginOptions extends AbortOptions {
  readonly transport: Transport;
  /** What is checked. */
  readonly credential: Credential;
  readonly insecure?: boolean;
  /** Which host is asked. Default: the registry itself. */
  readonly site?: Site;
  readonly userAgent?: string;
  /** Which token servers the user has trusted before. */
  readonly trust?: RealmTrust;
  /** Hosts of token servers that the user trusts now. */
  readonly trustRealms?: readonly string[] | undefined;
}

/** A login that the registry accepted. */
export interface CheckedLogin {
  /** What to keep: an identity token where the token server gave one, else what was checked. */
  readonly credential: Credential;
  /** Hosts of token servers that the user has trusted with it, and that were not trusted before. */
  readonly trusted: readonly string[];
}

/**
 * Resolves when the registry accepts the credential. One that wants no login accepts every one. Of a
 * password a token server may make an identity token, which is kept instead: the password is then on no
 * disk.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#determining-support
 * @throws FinchError `UNAUTHENTICATED` when it refuses, `REGISTRY` when there is no registry or its token
 * server is not trusted with the credential, `NETWORK`, `USAGE` when a host to trust is none
 */
export async function checkLogin(
  registry: string,
  { credential, trust, trustRealms = [], signal, ...options }: CheckLoginOptions,
): Promise<CheckedLogin> {
  const trusted = new Set<string>();
  let kept: Credential = credential;
  const { endpoint, send } = connect(registry, {
    ...options,
    credential: async () => credential,
    trust: alsoTrusting(trustRealms, { trust, onUse: (host) => trusted.add(host) }),
    onIdentityToken: (token) => {
      kept = { kind: 'identity-token', token };
    },
  });
  const request = { method: 'GET', url: endpoint.api('/'), signal } as const;
  const response = await send(request).catch((error: unknown) => {
    throw whyRefused(error, { registry, credential });
  });
  if (isGood(response, [200])) {
    await discardBody(response);
    return { credential: kept, trusted: [...trusted] };
  }
  const refusal = await readRefusal(response, { signal });
  if (refusal.status === 404 || response.ok) {
    throw new FinchError('REGISTRY', `${registry} is not a registry`, {
      hint: 'check the name of the server, and for a proxy or the login page of a network in between',
    });
  }
  throw whyRefused(refusalError(refusal, { registry }), { registry, credential });
}

function whyRefused(
  cause: unknown,
  { registry, credential }: { registry: string; credential: Credential },
): unknown {
  if (!hasCode(cause, 'UNAUTHENTICATED', 'DENIED')) return cause;
  const reason = cause.message.replace(`registry ${registry}: `, '');
  const special =
    credential.kind === 'password' ? loginHint(registry, credential.username) : undefined;
  const hint = `check the user name and the password, and try again: ${loginCommand(registry)}`;
  return new FinchError('UNAUTHENTICATED', `login to ${registry} was refused: ${reason}`, {
    hint: special ?? hint,
    cause,
  });
}
