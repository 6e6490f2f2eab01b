import { FinchError } from '../../errors.ts';
import { hideSecret } from '../../http/redact.ts';
import { isJsonObject, type JsonObject } from '../../oci/json.ts';
import type { EcrToken } from '../aws.ts';
import type { AwsCallOptions } from '../call/call.ts';
import { awsTime } from '../call/clock.ts';
import { ecrEndpoint } from '../call/endpoints.ts';
import type { AwsOutcome } from '../call/refusal.ts';
import type { EcrPlace } from '../ecr-host.ts';
import type { AwsIdentity } from '../identity.ts';
import { callEcr } from './ecr-call.ts';
import { passwordOf } from './password.ts';

/** A token as AWS gives it. */
export interface IssuedToken extends EcrToken {
  /** The registry that it is for: `https://111222333444.dkr.ecr.us-east-1.amazonaws.com`; ECR Public names none. */
  readonly proxyEndpoint: string | undefined;
}

/**
 * Asks for a token. For a region it is one for the registry of the account that asks.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
 * https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/API_GetAuthorizationToken.html
 * @throws FinchError `AWS` when it has ended, `AWS_IDENTITY`, `USAGE` for an endpoint or a region that cannot be used, `CANCELLED`
 */
export async function getToken(
  place: EcrPlace,
  identity: AwsIdentity,
  options: AwsCallOptions,
): Promise<AwsOutcome<IssuedToken>> {
  const account = place.kind === 'private' ? place.account : undefined;
  const call = {
    action: 'GetAuthorizationToken',
    input: account === undefined ? {} : { registryIds: [account] },
    read: readToken,
  };
  const outcome = await callEcr(place, call, { ...options, identity });
  if (outcome.ok && outcome.value.expires.getTime() <= awsTime(options.surroundings)) {
    const { url } = await ecrEndpoint(place, identity);
    const end = outcome.value.expires.toISOString();
    throw new FinchError('AWS', `${url.host} gave a token that ended before it came, at ${end}`, {
      hint: `check the clock of this machine, and that ${url.host} is an endpoint of AWS`,
    });
  }
  return outcome;
}

function readToken({ authorizationData: data }: JsonObject): IssuedToken | undefined {
  // A list for private registries, one object for ECR Public.
  const entries = (Array.isArray(data) ? data : [data]).filter(isJsonObject);
  const entry = entries.find(({ authorizationToken: token, expiresAt: at }) => token && at);
  if (entry === undefined) return undefined;
  const { authorizationToken: token, expiresAt, proxyEndpoint } = entry;
  const secret = passwordOf(token);
  const expires = new Date(typeof expiresAt === 'number' ? expiresAt * 1000 : Number.NaN);
  if (secret === undefined || Number.isNaN(expires.getTime())) return undefined;
  hideSecret(secret, { user: 'AWS' });
  return {
    ...{ username: 'AWS', secret, expires },
    proxyEndpoint: typeof proxyEndpoint === 'string' ? proxyEndpoint : undefined,
  };
}
