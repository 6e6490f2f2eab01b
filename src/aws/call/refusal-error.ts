import { FinchError } from '../../errors.ts';
import { passing } from '../identity-errors.ts';
import { adviceFor } from './advice.ts';
import type { AwsRefusal } from './refusal.ts';
import { NO_HOST } from './refusal-types.ts';

/** What the call was for. */
interface RefusalContext {
  /** A registry or a repository, as messages name it. */
  readonly registry?: string | undefined;
}

/** Codes of a certificate that nobody vouches for. */
const UNTRUSTED = /^(?:\w*SELF_SIGNED\w*|UNABLE_TO_\w+|CERT_UNTRUSTED)$/;

/** Codes of a certificate that is good at another time. */
const OUTDATED = /^CERT_(?:HAS_EXPIRED|NOT_YET_VALID)$/;

/**
 * The error for a call that had no result, with what to do about it: `AWS` when AWS refused or somebody else
 * answered, `NETWORK` when nobody did.
 */
export function awsRefusalError(refusal: AwsRefusal, context: RefusalContext = {}): FinchError {
  const error = errorOf(refusal, context);
  return refusal.isPassing ? passing(error) : error;
}

function errorOf(refusal: AwsRefusal, { registry }: RefusalContext): FinchError {
  const { kind, message, host, action } = refusal;
  const cause = 'cause' in refusal ? { cause: refusal.cause } : {};
  const what = registry === undefined ? action : `${action} for ${registry}`;
  if (kind === 'unreachable') {
    return new FinchError('NETWORK', message, {
      hint: unreachableHint(refusal, registry),
      ...cause,
    });
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

function unreachableHint(refusal: AwsRefusal, registry: string | undefined): string {
  const { type, region, service, isOverridden } = refusal;
  if (UNTRUSTED.test(type)) {
    return 'if a proxy opens TLS connections on the way, point AWS_CA_BUNDLE at a file with its certificate authority';
  }
  if (OUTDATED.test(type)) return 'check the clock of this machine';
  if (isOverridden) return ownEndpoint(refusal);
  const way = throughProxy(refusal);
  if (!NO_HOST.test(type)) return `check the network connection (${way})`;
  const from = registry === undefined ? '' : `, as ${registry} says`;
  const needed =
    service === 'ecr'
      ? `the endpoints com.amazonaws.${region}.ecr.api and com.amazonaws.${region}.ecr.dkr, and the gateway of Amazon S3`
      : `the endpoint com.amazonaws.${region}.${service}`;
  return `check that there is a region ${region}${from}, and the DNS; a private network needs ${needed} (${way})`;
}

function ownEndpoint({ host }: AwsRefusal): string {
  return `check the endpoint ${host} in AWS_ENDPOINT_URL or endpoint_url`;
}

function foreignHint(refusal: AwsRefusal): string {
  return refusal.isOverridden
    ? ownEndpoint(refusal)
    : `look for a login page of the network, or a proxy that answers itself (${throughProxy(refusal)})`;
}

function throughProxy({ proxy = 'none', noProxy = 'none' }: AwsRefusal): string {
  return `proxy: ${proxy}; NO_PROXY: ${noProxy}`;
}
