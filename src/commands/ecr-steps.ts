import type { App } from '../app.ts';
import type { Aws, EcrToken } from '../aws/aws.ts';
import { aheadOf, describeClock, isOff } from '../aws/call/clock.ts';
import { ecrEndpoint } from '../aws/call/endpoints.ts';
import { awsRefusalError } from '../aws/call/refusal-error.ts';
import { callerIdentity } from '../aws/call/sts-calls.ts';
import { missingRepository } from '../aws/ecr/missing-repository.ts';
import { describeRepositories } from '../aws/ecr/repositories.ts';
import type { EcrRegistry } from '../aws/ecr-host.ts';
import type { AwsIdentity } from '../aws/identity.ts';
import type { AbortOptions } from '../content.ts';
import type { Keychain } from '../credentials/keychain.ts';
import { serverName } from '../credentials/server-name.ts';
import { FinchError } from '../errors.ts';
import { discardBody } from '../http/body.ts';
import { proxyFor } from '../http/proxy.ts';
import type { Reference } from '../oci/reference.ts';

/** What `finch ecr doctor` looks at. */
export interface Subject extends AbortOptions {
  readonly registry: EcrRegistry;
  /** The image whose repository and tag are looked at too. */
  readonly reference?: Reference | undefined;
  readonly profile?: string | undefined;
}

/** An image that is looked at. */
interface Image extends Subject {
  readonly reference: Reference;
}

/** What a check that went well says; `note` where the user should know something. */
export type Outcome = string | { readonly note: string };

/** Who asks AWS. */
interface Asker {
  readonly aws: Aws;
  readonly identity: AwsIdentity;
}

/** So many characters of an access key id are shown at each end. */
const SHOWN = 4;

/** An access key id, shortened; of what is none, as a secret in its place, nothing is shown. */
export function shortId(accessKeyId: string): string {
  if (!/^[A-Z0-9]{16,128}$/.test(accessKeyId)) return 'an access key id of an unusual form';
  return `${accessKeyId.slice(0, SHOWN)}…${accessKeyId.slice(-SHOWN)}`;
}

/** Whether the endpoint of Amazon ECR answers, and in time. */
export async function reach(
  { aws: { surroundings }, identity }: Asker,
  { registry, signal }: Subject,
): Promise<Outcome> {
  const { transport, env } = surroundings;
  const { url, isOverridden } = await ecrEndpoint(registry, identity);
  const proxy = proxyFor(url, env);
  const ca = await identity.authorities();
  const response = await transport({
    ...{ method: 'GET', url, signal, patienceMs: 10_000 },
    ...(ca !== undefined && { tls: { ca } }),
  });
  await discardBody(response);
  const ahead = aheadOf(response, surroundings.now());
  const way = proxy === undefined ? '' : ` through the proxy ${proxy.host} of ${proxy.variable}`;
  const whose = isOverridden ? ', which stands in place of the one of AWS' : '';
  const what = `${url.host} answers${way}${whose}`;
  if (isOff(ahead))
    return { note: `${what}; the clock of this machine is ${describeClock(ahead)}` };
  return what;
}

/** Whom AWS takes the user for. */
export async function whoAmI(
  { aws: { surroundings }, identity }: Asker,
  { registry, signal }: Subject,
): Promise<Outcome> {
  const region = registry.kind === 'private' ? registry.region : undefined;
  const outcome = await callerIdentity(identity, { surroundings, region, signal });
  if (!outcome.ok) throw awsRefusalError(outcome.refusal);
  const { arn, account } = outcome.value;
  if (registry.kind === 'public' || registry.account === account) return arn;
  return {
    note: `${arn}; the registry is that of account ${registry.account}, which has to allow it`,
  };
}

/** Whether the registry takes a token. */
export async function atRegistry(
  app: App,
  { username, secret }: EcrToken,
  { registry, signal }: Subject,
): Promise<Outcome> {
  const credential = { kind: 'password', username, secret } as const;
  await app.checkLogin(serverName(registry.host), credential, { insecure: false, signal });
  return `${registry.host} accepts it`;
}

/** Whether a repository exists, as far as the user may ask. */
export async function repository(
  { aws: { surroundings }, identity }: Asker,
  { registry, reference, signal }: Image,
): Promise<Outcome> {
  // Those of ECR Public are known by their alias, for which there is no such question.
  if (registry.kind === 'public') return { note: 'ECR Public does not say; see pull and push' };
  const { repository: name } = reference;
  const options = { surroundings, names: [name], signal };
  const outcome = await describeRepositories(registry, identity, options);
  if (outcome.ok) {
    const found = outcome.value.find((one) => one.name === name);
    return found?.isImmutable ? `${name} exists; its tags are immutable` : `${name} exists`;
  }
  const { refusal } = outcome;
  if (/^AccessDenied/.test(refusal.type)) return { note: 'you may not ask; see pull and push' };
  if (refusal.type !== 'RepositoryNotFoundException') {
    throw awsRefusalError(refusal, { registry: registry.host });
  }
  const { message, hint } = missingRepository(registry, name);
  throw new FinchError('AWS', message, { hint });
}

/** Whether an image can be pulled. */
export async function mayPull(
  app: App,
  { reference, signal }: Image,
  keychain: Keychain,
): Promise<Outcome> {
  const from = await app.repository(reference, { access: 'pull', insecure: false, keychain });
  const what = reference.digest ?? reference.tag ?? 'latest';
  const found = await from.resolve(what, { signal });
  return found === undefined ? { note: `${what} is not there` } : `${what} is ${found.digest}`;
}

/** Whether an image can be pushed. */
export async function mayPush(
  app: App,
  { reference, signal }: Image,
  keychain: Keychain,
): Promise<Outcome> {
  const to = await app.repository(reference, { access: 'push', insecure: false, keychain });
  await to.tryUpload({ signal });
  return 'an upload can be begun';
}
