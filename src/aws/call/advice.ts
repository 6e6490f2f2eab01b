import type { AwsRefusal } from './refusal.ts';
import { BAD_SIGNATURE, ENDED, THROTTLED } from './refusal-types.ts';

/** What happened, as the end of a sentence, and what to do about it. */
export interface Advice {
  readonly what: (refusal: AwsRefusal) => string;
  readonly hint: (refusal: AwsRefusal) => string;
}

/** One group of refusals, and what is said to it. */
interface Row extends Advice {
  readonly types: RegExp;
  readonly when?: (refusal: AwsRefusal) => boolean;
}

const said = ({ message, type, status }: AwsRefusal) => message || `${type} (${status})`;

/** Everything that AWS says no with and finch knows advice for; the first row that fits counts. */
const ROWS: readonly Row[] = [
  {
    types: ENDED,
    what: ({ source }) => `the session token of ${source} has expired`,
    hint: ({ source }) =>
      source === 'the environment'
        ? 'set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN to new keys'
        : `get new keys for ${source}, for one with SSO by: aws sso login`,
  },
  {
    types: /^(?:UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId)/,
    what: ({ accessKeyId, source, region }) =>
      `it does not know the access key ${shortened(accessKeyId)} of ${source} in ${region}`,
    hint: ({ isSession }) =>
      isSession
        ? 'the session token may belong to other keys; else the key is deleted, of another partition (GovCloud, China), or the region is not enabled for the account'
        : 'the key may be deleted, need a session token, be of another partition (GovCloud, China), or the region is not enabled for the account',
  },
  {
    types: BAD_SIGNATURE,
    when: ({ type, message }) => /^Request/.test(type) || /expired|not yet current/.test(message),
    what: (refusal) => `the time of the signature is not that of AWS: ${said(refusal)}`,
    hint: () => 'set the clock of this machine, and try again',
  },
  {
    types: BAD_SIGNATURE,
    what: ({ accessKeyId, source }) =>
      `the secret key of ${source} does not belong to the access key ${shortened(accessKeyId)}`,
    hint: ({ source, clockAheadMs }) =>
      clockAheadMs === undefined
        ? `check the secret access key of ${source}, and the clock of this machine with: date -u`
        : `check the secret access key of ${source}; the clock is not the reason, it is ${Math.round(Math.abs(clockAheadMs) / 1000)} s off`,
  },
  {
    types: /^(?:IncompleteSignature|MissingAuthenticationToken)/,
    what: () => 'the signature did not arrive whole',
    hint: ({ proxy }) =>
      `look for a proxy that changes requests on the way${proxy === undefined ? '' : `: ${proxy}`}`,
  },
  {
    types: /^AccessDenied/,
    when: ({ service }) => service === 'ecr-public',
    what: (refusal) => `${principal(refusal)} may not ${wanted(refusal)}`,
    hint: () =>
      'allow ecr-public:* as needed and sts:GetServiceBearerToken, by the policy AmazonElasticContainerRegistryPublicPowerUser; pulling works without',
  },
  {
    types: /^AccessDenied/,
    when: ({ action }) => action === 'ecr:GetAuthorizationToken',
    what: (refusal) => `${principal(refusal)} may not ${wanted(refusal)}`,
    hint: () =>
      'attach the policy AmazonEC2ContainerRegistryReadOnly, or AmazonEC2ContainerRegistryPowerUser to push; in one of your own its resource must be "*"',
  },
  {
    types: /^AccessDenied/,
    what: (refusal) => `${principal(refusal)} may not ${wanted(refusal)}`,
    hint: ({ action }) => `ask who runs the account to allow ${action}`,
  },
  {
    types: /^(?:OptInRequired|SubscriptionRequired|RegionDisabled)/,
    what: ({ region }) => `the region ${region} is not enabled for the account`,
    hint: ({ region }) => `enable ${region} for the account, or use another region`,
  },
  {
    types: THROTTLED,
    what: ({ attempts }) =>
      `it was asked too often${attempts > 1 ? `, also when asked again ${times(attempts - 1)}` : ''}`,
    hint: () => 'wait a minute, and try again',
  },
  {
    types: /^LimitExceeded/,
    what: ({ region }) => `the account has as many repositories in ${region} as it may have`,
    hint: () => 'delete repositories that nobody needs, or raise the quota with Service Quotas',
  },
  {
    types: /^RepositoryNotFound/,
    what: (refusal) => said(refusal),
    hint: () => 'create it with: finch ecr create-repo NAME',
  },
  {
    types: /^(?:InvalidParameter|Validation|InvalidTag|TooManyTags|UnsupportedCommand)/,
    what: (refusal) => said(refusal),
    hint: ({ action }) => `check what was given for ${action}`,
  },
  {
    types: /^Registry(?:NotFound|PolicyNotFound)/,
    what: (refusal) => said(refusal),
    hint: () => 'create a registry of the account first, at https://console.aws.amazon.com/ecr',
  },
];

const ANY: Advice = {
  what: ({ type, message }) => (message === '' ? type : `${type}: ${message}`),
  hint: ({ isPassing, action }) =>
    isPassing ? 'AWS has a problem of its own; try again later' : `look up ${action} at AWS`,
};

/** What to say to a refusal of AWS itself. */
export function adviceFor(refusal: AwsRefusal): Advice {
  const row = ROWS.find(({ types, when }) => types.test(refusal.type) && (when?.(refusal) ?? true));
  return row ?? ANY;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

/** An access key id, which is no secret, and tells people which it is by its ends: `AKIA…MPLE`. */
function shortened(accessKeyId: string): string {
  return accessKeyId.length < 12
    ? accessKeyId
    : `${accessKeyId.slice(0, 4)}…${accessKeyId.slice(-4)}`;
}

/** Who AWS says that asked; where it says nothing, where the keys come from. */
function principal({ message, source }: AwsRefusal): string {
  return (
    /\barn:[\w-]+:(?:iam|sts)::\d{12}:[\w+=,.@/-]+/.exec(message)?.[0] ??
    `whoever ${source} stands for`
  );
}

/** The action that AWS missed a permission for, which need not be the one that was asked for. */
function wanted({ message, action }: AwsRefusal): string {
  return `call ${/\bperform: ([a-z-]+:\w+)/.exec(message)?.[1] ?? action}`;
}
