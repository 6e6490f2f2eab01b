import { FinchError } from '../../errors.ts';
import { adviceFor } from './advice.ts';
import type { AwsRefusal } from './refusal.ts';

/** What the call was for. */
interface RefusalContext {
  /** A registry or a repository, as messages name it. */
  readonly registry?: string | undefined;
}

/** Codes of a certificate that nobody vouches for. */
const UNTRUSTED = /^(?:\w*SELF_SIGNED\w*|UNABLE_TO_\w+|CERT_UNTRUSTED)$/;

/** Codes of a certificate that is good at another time. */
const OUTDATED = /^CERT_(?:HAS_EXPIRED|NOT_YET_VALID)$/;

/** Codes of a name that leads nowhere. */
const NO_HOST = /^(?:ENOTFOUND|EAI_\w+|ENODATA|ESERVFAIL|ERR_PROXY_TUNNEL)$/;

/**
 * The error for a call that had no result, with what to do about it: `AWS` when AWS refused or somebody else
 * answered, `NETWORK` when nobody did.
 */
export function awsRefusalError(
  refusal: AwsRefusal,
  { registry }: RefusalContext = {},
): FinchError {
  const { kind, message, host, action } = refusal;
  const cause = 'cause' in refusal ? { cause: refusal.cause } : {};
  const what = registry === undefined ? action : `${action} for ${registry}`;
  if (kind === 'unreachable') {
    return new FinchError('NETWORK', message, { hint: unreachableHint(refusal), ...cause });
  }
  if (kind === 'foreign') {
    return new FinchError('AWS', `${host} answered ${what} as AWS does not: ${message}`, {
      hint: foreignHint(refusal),
      ...cause,
    });
  }
  const advice = adviceFor(refusal);
  return new FinchError('AWS', `AWS refused ${what}: ${advice.what(refusal)}`, {
    hint: advice.hint(refusal),
    ...cause,
  });
}

function unreachableHint(refusal: AwsRefusal): string {
  const { type, region, service, isOverridden } = refusal;
  if (UNTRUSTED.test(type)) {
    return 'if a proxy opens TLS connections on the way, point AWS_CA_BUNDLE at a file with its certificate authority';
  }
  if (OUTDATED.test(type)) return 'check the clock of this machine';
  if (isOverridden) return ownEndpoint(refusal);
  const way = throughProxy(refusal);
  if (!NO_HOST.test(type)) return `check the network connection (${way})`;
  const name = service === 'ecr' ? 'ecr.api' : service;
  return `check that there is a region ${region}; a private network needs the endpoint com.amazonaws.${region}.${name} (${way})`;
}

function ownEndpoint({ host }: AwsRefusal): string {
  return `check the endpoint ${host} in AWS_ENDPOINT_URL or endpoint_url`;
}

function foreignHint(refusal: AwsRefusal): string {
  return refusal.isOverridden
    ? ownEndpoint(refusal)
    : `look for a login page of the network, or a proxy that answers itself (${throughProxy(refusal)})`;
}

function throughProxy({ proxy }: AwsRefusal): string {
  return proxy === undefined ? 'proxy: none by HTTPS_PROXY and NO_PROXY' : `proxy: ${proxy}`;
}
