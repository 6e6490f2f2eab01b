import { hideSecret } from '../../http/redact.ts';
import { isJsonObject, type JsonObject } from '../../oci/json.ts';
import type { EcrToken } from '../aws.ts';
import type { AwsCallOptions } from '../call/call.ts';
import type { AwsOutcome } from '../call/refusal.ts';
import type { EcrPlace } from '../ecr-host.ts';
import type { AwsIdentity } from '../identity.ts';
import { callEcr } from './ecr-call.ts';

/** A token as AWS gives it. */
export interface IssuedToken extends EcrToken {
  /** The registry that it is for: `https://111222333444.dkr.ecr.us-east-1.amazonaws.com`; ECR Public names none. */
  readonly proxyEndpoint: string | undefined;
}

/**
 * Asks for a token. For a region it is one for the registry of the account that asks.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
 * https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/API_GetAuthorizationToken.html
 * @throws FinchError `AWS_IDENTITY`, `USAGE` for an endpoint or a region that cannot be used, `CANCELLED`
 */
export function getToken(
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
  return callEcr(place, call, { ...options, identity });
}

function readToken({ authorizationData: data }: JsonObject): IssuedToken | undefined {
  // A list for private registries, one object for ECR Public.
  const [entry] = Array.isArray(data) ? data : [data];
  if (!isJsonObject(entry)) return undefined;
  const { authorizationToken: token, expiresAt, proxyEndpoint } = entry;
  if (typeof token !== 'string' || typeof expiresAt !== 'number') return undefined;
  const login = Buffer.from(token, 'base64').toString();
  const colon = login.indexOf(':');
  const secret = login.slice(colon + 1);
  const expires = new Date(expiresAt * 1000);
  const isWhole = login.slice(0, colon) === 'AWS' && /^[ -~]+$/.test(secret);
  if (!isWhole || Number.isNaN(expires.getTime())) return undefined;
  hideSecret(secret, { user: 'AWS' });
  return {
    ...{ username: 'AWS', secret, expires },
    proxyEndpoint: typeof proxyEndpoint === 'string' ? proxyEndpoint : undefined,
  };
}
