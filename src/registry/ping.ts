import type { AbortOptions } from '../content.ts';
import type { Credential } from '../credentials/credential.ts';
import { FinchError, hasCode } from '../errors.ts';
import { discardBody } from '../http/body.ts';
import type { Transport } from '../http/transport.ts';
import { isGood } from './api.ts';
import { connect } from './connect.ts';
import { loginCommand, readRefusal, refusalError } from './errors.ts';

/** How {@link checkLogin} asks. */
export interface CheckLoginOptions extends AbortOptions {
  readonly transport: Transport;
  /** What is checked. */
  readonly credential: Credential;
  readonly insecure?: boolean;
  readonly userAgent?: string;
}

/**
 * Resolves when the registry accepts the credential. One that wants no login accepts every one.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#determining-support
 * @throws FinchError `UNAUTHENTICATED` when it refuses, `REGISTRY` when there is no registry, `NETWORK`
 */
export async function checkLogin(
  registry: string,
  { transport, credential, insecure, userAgent, signal }: CheckLoginOptions,
): Promise<void> {
  const { endpoint, send } = connect(registry, {
    transport,
    credential: async () => credential,
    insecure,
    userAgent,
  });
  const response = await send({ method: 'GET', url: endpoint.url('/v2/'), signal }).catch(
    (error: unknown) => {
      throw hasCode(error, 'UNAUTHENTICATED', 'DENIED') ? refused(registry, error) : error;
    },
  );
  if (isGood(response, [200])) return discardBody(response);
  const refusal = await readRefusal(response, { signal });
  if (refusal.status === 404 || response.ok) {
    throw new FinchError('REGISTRY', `${registry} is not a registry`, {
      hint: 'check the name of the server, and for a proxy or the login page of a network in between',
    });
  }
  const error = refusalError(refusal, { registry });
  throw hasCode(error, 'UNAUTHENTICATED', 'DENIED') ? refused(registry, error) : error;
}

function refused(registry: string, cause: FinchError): FinchError {
  const reason = cause.message.replace(`registry ${registry}: `, '');
  return new FinchError('UNAUTHENTICATED', `login to ${registry} was refused: ${reason}`, {
    hint: `check the user name and the password, and try again: ${loginCommand(registry)}`,
    cause,
  });
}
