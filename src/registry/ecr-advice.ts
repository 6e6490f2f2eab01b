import { missingRepository } from '../aws/ecr/missing-repository.ts';
import { type EcrRegistry, parseEcrHost } from '../aws/ecr-host.ts';
import type { PasswordLogin } from '../credentials/credential.ts';
import type { ErrorCode } from '../errors.ts';
import { isJsonObject } from '../oci/json.ts';
import type { Access } from './scope.ts';

/** What Amazon ECR has said, as far as its meaning depends on it. */
interface EcrRefusal {
  readonly status: number;
  /** The codes of the error's body; empty when it had none. */
  readonly codes: readonly string[];
  /** One line that is safe to show. */
  readonly reason: string;
}

/** Words that fit a refusal better than those that hold for all registries. */
export interface Advice {
  /** Default: by the status. */
  readonly code?: ErrorCode;
  /** Default: what the registry said. */
  readonly message?: string;
  readonly hint: string;
}

/** What a refusal is about. */
interface Subject {
  readonly registry: EcrRegistry;
  /** The repository, if the request was for one. */
  readonly name: string | undefined;
  readonly access: Access | undefined;
  readonly reason: string;
}

/** One kind of refusal, by its status, its code if any, and its words. */
interface Row {
  readonly status: number;
  /** Its code; an empty text for an answer that has none. Default: any or none. */
  readonly code?: string;
  readonly says?: RegExp;
  readonly advise: (subject: Subject) => Advice | undefined;
}

/** What pushing and pulling takes, and the policy of AWS that allows that. */
const POLICIES: readonly { readonly name: string; readonly actions: readonly string[] }[] = [
  {
    name: 'PowerUser',
    actions: ['InitiateLayerUpload', 'UploadLayerPart', 'CompleteLayerUpload', 'PutImage'],
  },
  {
    name: 'ReadOnly',
    actions: [
      'BatchGetImage',
      'GetDownloadUrlForLayer',
      'BatchCheckLayerAvailability',
      'ListImages',
    ],
  },
];

/** How Amazon ECR says that a password has ended. */
const LOGIN_ENDED = /token has expired/i;

/**
 * By the reports of users; a proxy's page, which has no code either, is not meant.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/common-errors-docker.html
 */
const ROWS: readonly Row[] = [
  { status: 404, code: 'NAME_UNKNOWN', advise: repositoryMissing },
  { status: 403, code: 'DENIED', says: LOGIN_ENDED, advise: loginEnded },
  { status: 403, code: 'DENIED', says: /is not authorized to perform/i, advise: notAllowed },
  { status: 403, code: '', says: /^403\b/, advise: refusedWithoutReason },
  { status: 400, code: '', says: /^400\b/, advise: otherRegion },
  { status: 429, advise: tooMany },
  { status: 405, code: 'UNSUPPORTED', says: /ImageManifest/, advise: invalidManifest },
];

/** What all statuses can mean where a registry stands for another one. */
const PULL_THROUGH = /upstream registry|pull.?through cache/i;

/** Whether a registry tells in its refusals what general words for them would not. */
export function hasAdvice(registry: string): boolean {
  return parseEcrHost(registry) !== undefined;
}

/** Whether a registry says that a login has ended. */
export function saysLoginEnded(said: string): boolean {
  return LOGIN_ENDED.test(said);
}

/**
 * What a refusal of Amazon ECR means and what to do about it.
 * @returns undefined where there is nothing special to say, and for every other registry
 */
export function ecrAdvice(
  { status, codes, reason }: EcrRefusal,
  {
    registry: host,
    name,
    access,
  }: { readonly registry: string; readonly name?: string; readonly access?: Access },
): Advice | undefined {
  const registry = parseEcrHost(host);
  if (registry === undefined) return undefined;
  const subject: Subject = { registry, name, access, reason };
  if (status !== 429 && PULL_THROUGH.test(reason)) return pullThroughFailed(subject);
  const [code = ''] = codes;
  const row = ROWS.find(
    (one) =>
      one.status === status &&
      (one.code === undefined || one.code === code) &&
      (one.says === undefined || one.says.test(reason)),
  );
  return row?.advise(subject);
}

function repositoryMissing({ registry, name, access }: Subject): Advice | undefined {
  if (name === undefined) return undefined;
  const missing = missingRepository(registry, name);
  const check = `check the name ${registry.host}/${name}`;
  if (access === 'pull') return { ...missing, hint: check };
  if (registry.kind === 'private') return missing;
  const [alias = ''] = name.split('/');
  return { ...missing, hint: `${check}; if ${alias} is your alias, ${missing.hint}` };
}

function loginEnded({ registry }: Subject): Advice {
  return {
    message: `registry ${registry.host}: the password for it has ended`,
    hint: `get a new one with: finch login ${registry.host}`,
  };
}

function notAllowed({ registry, name, reason }: Subject): Advice | undefined {
  const said = /User: (\S{1,2048}) is not authorized to perform: ([a-z-]+:([A-Za-z]+))/.exec(
    reason,
  );
  const [, arn, action, verb] = said ?? [];
  if (arn === undefined || action === undefined || verb === undefined) return undefined;
  const what = name === undefined ? registry.host : `${registry.host}/${name}`;
  const message = `${arn} may not call ${action} on ${what}`;
  const account = /^arn:[^:]*:[^:]*:[^:]*:(\d{12}):/.exec(arn)?.[1];
  if (/explicit deny/i.test(reason)) {
    return { message, hint: 'a policy denies that explicitly; ask who runs the AWS account' };
  }
  if (registry.kind === 'private' && account !== undefined && account !== registry.account) {
    const hint = `it is of account ${account} and the repository of ${registry.account}: a policy of IAM there and a policy of the repository here must both allow ${action}`;
    return { message, hint };
  }
  const policy = POLICIES.find(({ actions }) => actions.includes(verb));
  const family =
    registry.kind === 'public' ? 'ElasticContainerRegistryPublic' : 'EC2ContainerRegistry';
  const example = policy === undefined ? '' : `, for example Amazon${family}${policy.name}`;
  const hint = `a policy of IAM must allow that${example}; which keys are used tells: finch ecr whoami`;
  return { message, hint };
}

function refusedWithoutReason({ registry, reason }: Subject): Advice | undefined {
  if (registry.kind === 'public') return undefined;
  return {
    message: `registry ${registry.host} refuses and gives no reason (${reason})`,
    hint: `it is of account ${registry.account} in ${registry.region}; who you are tells: finch ecr whoami; for another profile: finch ecr setup --profile NAME ${registry.host}`,
  };
}

function otherRegion({ registry, reason }: Subject): Advice {
  const where = registry.kind === 'public' ? 'ECR Public' : `region ${registry.region}`;
  return {
    code: 'UNAUTHENTICATED',
    message: `registry ${registry.host}: it takes no such password, which may be of another region (${reason})`,
    hint: `get one for ${where} with: finch login ${registry.host}`,
  };
}

function tooMany({ registry }: Subject): Advice {
  const hint =
    registry.kind === 'public'
      ? `who is logged in may ask more often: finch login ${registry.host}`
      : `wait a while; the quotas of account ${registry.account} can be raised at AWS`;
  return { hint };
}

function invalidManifest(): Advice {
  return {
    hint: 'Amazon ECR wants manifests that name their own media type; build the image again with a newer tool',
  };
}

function pullThroughFailed({ registry, name = '', reason }: Subject): Advice {
  const [prefix = ''] = name.split('/');
  return {
    message: `registry ${registry.host} cannot get ${name} from the registry that ${prefix} stands for: ${reason}`,
    hint: `check the secret of the pull-through cache rule ${prefix}; official images of Docker Hub are below ${prefix}/library`,
  };
}

/** What to try when Amazon ECR refuses a login; undefined for every other registry. */
export function ecrLoginHint(
  host: string,
  { secret }: Pick<PasswordLogin, 'secret'>,
): string | undefined {
  const registry = parseEcrHost(host);
  if (registry === undefined) return undefined;
  const where = registry.kind === 'public' ? 'ECR Public' : `region ${registry.region}`;
  const why = isEcrPassword(secret)
    ? `its passwords end after 12 hours, and this one must be for ${where}`
    : 'this is no password of Amazon ECR';
  return `${why}; without -u finch asks AWS for one itself: finch login ${host}`;
}

/** Whether a text looks like a password of Amazon ECR: JSON in base64, with what it is encrypted to. */
function isEcrPassword(secret: string): boolean {
  if (!/^e[A-Za-z0-9+/]*={0,2}$/.test(secret)) return false;
  try {
    const value: unknown = JSON.parse(Buffer.from(secret, 'base64').toString());
    return isJsonObject(value) && typeof value['payload'] === 'string';
  } catch {
    return false;
  }
}
