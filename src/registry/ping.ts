import type { AbortOptions } from '../content.ts';
import type { Credential } from '../credentials/credential.ts';
import { FinchError, hasCode } from '../errors.ts';
import { discardBody } from '../http/body.ts';
import { ASK_WHO_RUNS_IT } from '../http/failure.ts';
import type { Transport } from '../http/transport.ts';
import { isGood } from './api.ts';
import { connect } from './connect.ts';
import { type Refusal, readRefusal, refusalError } from './errors.ts';
import { loginCommand, loginHint } from './profiles.ts';
import { alsoTrusting, isOwnRealm, type RealmTrust } from './realm.ts';
import type { Site } from './site.ts';
import { basicHeader } from './token.ts';

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
  /** All hosts of token servers that took it. */
  readonly accepted: readonly string[];
  /** Those of them that are not the registry's own. */
  readonly realms: readonly string[];
  /** Whether the registry asked for it; what did not ask may take anything. */
  readonly isAsked: boolean;
}

/** How long a registry that is asked about a login may be silent, in milliseconds. */
const PATIENCE_MS = 30_000;

/**
 * Resolves when the registry accepts the credential. To one that wants no login a password is shown all the
 * same: it may look at those that it is shown. Of a password a token server may make an identity token,
 * which is kept instead: the password is then on no disk. Who does not answer is not asked again.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#determining-support
 * @throws FinchError `UNAUTHENTICATED` when it refuses, `DENIED` when it has taken the login and refuses what
 * it asks for, `REGISTRY` when there is no registry, it wants another kind of login, or its token server is
 * not trusted with the credential, `NETWORK`, `USAGE` when a host to trust is none
 */
export async function checkLogin(
  registry: string,
  { credential, transport, trust, trustRealms = [], signal, ...options }: CheckLoginOptions,
): Promise<CheckedLogin> {
  const trusted = new Set<string>();
  const accepted = new Set<string>();
  let kept: Credential = credential;
  let isAsked = false;
  let isShown = false;
  const { endpoint, send } = connect(registry, {
    ...options,
    transport: (request) => transport({ patienceMs: PATIENCE_MS, ...request }),
    credential: async ({ afresh }) => {
      isAsked = true;
      return afresh ? undefined : credential;
    },
    trust: alsoTrusting(trustRealms, { trust, onUse: (host) => trusted.add(host) }),
    offline: true,
    onIdentityToken: (token) => {
      kept = identityToken(token, credential);
    },
    onAccepted: (host) => accepted.add(host),
    retry: { attempts: 1 },
  });
  const request = { method: 'GET', url: endpoint.api('/'), signal } as const;
  const check = async (response: Response, isFine: boolean) => {
    if (isFine) return discardBody(response);
    const refusal = await readRefusal(response, { endpoint, signal });
    throw refused(refusal, { registry, isAsked: isAsked || isShown });
  };
  try {
    const response = await send(request);
    await check(response, isGood(response, [200]));
    if (!isAsked && credential.kind === 'password') {
      isShown = true;
      const second = await send({ ...request, headers: basicHeader(credential) }).catch(unheard);
      // Of all that it may say to what it did not ask for, only this is about the login.
      if (second !== undefined) await check(second, second.status !== 401 && second.status !== 403);
    }
    const isOther = (host: string) => !isOwnRealm(new URL(`https://${host}`), endpoint.url(''));
    const realms = [...accepted].filter(isOther);
    return {
      ...{ credential: kept, trusted: [...trusted].filter(isOther) },
      ...{ accepted: [...accepted], realms, isAsked },
    };
  } catch (error) {
    throw accepted.size > 0 ? error : whyRefused(error, { registry, credential });
  }
}

/** No answer to what nobody asked for says nothing. */
function unheard(error: unknown): undefined {
  if (!hasCode(error, 'NETWORK')) throw error;
}

/** The identity token of whoever a credential stands for. */
function identityToken(token: string, credential: Credential): Credential {
  const username = credential.kind === 'registry-token' ? undefined : credential.username;
  return { kind: 'identity-token', token, ...(username !== undefined && { username }) };
}

/** The error for a registry that does not accept a login, or was shown none. */
function refused(
  refusal: Refusal,
  { registry, isAsked }: { registry: string; isAsked: boolean },
): FinchError {
  const { status, reason, host } = refusal;
  if (status === 404 || status < 300) {
    return new FinchError('REGISTRY', `${registry} is not a registry`, {
      hint: 'check the name of the server, and for a proxy or the login page of a network in between',
    });
  }
  if ((status === 401 || status === 403) && !isAsked && host === undefined) {
    const message = `registry ${registry} asks for no login, and refuses without one: ${reason}`;
    return new FinchError('REGISTRY', message, { hint: ASK_WHO_RUNS_IT });
  }
  const hint = `${host} was not shown the login; ask who runs ${registry}`;
  return refusalError(refusal, { registry }, host === undefined ? {} : { hint });
}

function whyRefused(
  cause: unknown,
  { registry, credential }: { registry: string; credential: Credential },
): unknown {
  if (!hasCode(cause, 'UNAUTHENTICATED', 'DENIED')) return cause;
  const reason = cause.message.replace(`registry ${registry}: `, '');
  const special = credential.kind === 'password' ? loginHint(registry, credential) : undefined;
  const hint = `check the user name and the password, and try again: ${loginCommand(registry)}`;
  return new FinchError('UNAUTHENTICATED', `login to ${registry} was refused: ${reason}`, {
    hint: special ?? hint,
    cause,
  });
}
