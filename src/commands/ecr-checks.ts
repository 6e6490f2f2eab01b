import type { App } from '../app.ts';
import type { Aws } from '../aws/aws.ts';
import { aheadOf, describeClock, isOff } from '../aws/call/clock.ts';
import { ecrEndpoint } from '../aws/call/endpoints.ts';
import { awsRefusalError } from '../aws/call/refusal-error.ts';
import { callerIdentity } from '../aws/call/sts-calls.ts';
import { describeRepositories } from '../aws/ecr/repositories.ts';
import { type EcrRegistry, parseEcrHost } from '../aws/ecr-host.ts';
import type { AwsIdentity } from '../aws/identity.ts';
import type { AbortOptions } from '../content.ts';
import { clientViews } from '../credentials/clients.ts';
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

/** What one check found. A `note` stops nothing; `skipped` was not asked because of what failed before it. */
export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'note' | 'FAIL' | 'skipped';
  readonly what: string;
  readonly hint?: string | undefined;
}

/** What a check that went well says; `note` where the user should know something. */
type Outcome = string | { readonly note: string };

/**
 * Goes the way that a push to Amazon ECR goes, one step after the other, and says what each finds. A step
 * that fails is no error; those that need what it should have given are skipped.
 */
export async function* examine(app: App, subject: Subject): AsyncGenerator<Finding> {
  const { registry, reference, profile, signal } = subject;
  const aws = await app.aws();
  const failed = new Set<string>();
  const step = async (
    check: string,
    needs: readonly string[],
    run: () => Promise<Outcome>,
  ): Promise<Finding> => {
    const missing = needs.find((need) => failed.has(need));
    if (missing !== undefined) {
      failed.add(check);
      return { check, state: 'skipped', what: `not asked, because of "${missing}"` };
    }
    try {
      const found = await run();
      return typeof found === 'string'
        ? { check, state: 'ok', what: found }
        : { check, state: 'note', what: found.note };
    } catch (error) {
      if (!(error instanceof FinchError) || signal?.aborted) throw error;
      failed.add(check);
      return { check, state: 'FAIL', what: error.message, hint: error.hint };
    }
  };
  let identity: AwsIdentity | undefined;
  const known = () => {
    if (identity === undefined) throw new Error('there is no identity');
    return identity;
  };
  yield* clientFindings(app, registry);
  yield await step('finch login', [], () => ownLogin(app, subject));
  yield await step('keys', [], async () => {
    identity = await aws.identity({ registry, profile });
    const { expires, accessKeyId } = await identity.keys({ signal });
    const ends = expires === undefined ? '' : `, until ${expires.toISOString()}`;
    return `${identity.source}: ${accessKeyId}${ends}`;
  });
  yield await step('endpoint', ['keys'], () => reach(aws, known(), subject));
  yield await step('identity', ['keys'], () => whoAmI(aws, known(), subject));
  yield await step('token', ['keys', 'endpoint'], async () => {
    const { expires } = await aws.token(registry, { profile, afresh: true, signal });
    return `AWS gives one, which is good until ${expires.toISOString()}`;
  });
  yield await step('registry', ['token'], () => atRegistry(app, aws, subject));
  if (reference === undefined) return;
  yield await step('repository', ['token'], () =>
    repository(aws, known(), { ...subject, reference }),
  );
  yield await step('pull', ['registry', 'repository'], () => mayPull(app, reference, { signal }));
  yield await step('push', ['registry', 'repository'], () => mayPush(app, reference, { signal }));
}

/** What docker and others would use, which is not finch's business, and so is never a failure. */
async function* clientFindings(app: App, registry: EcrRegistry): AsyncGenerator<Finding> {
  const { env, home, now } = app.host;
  const { platform } = process;
  const options = { env, home, platform, now: () => now().getTime() };
  for (const { file, readers, uses, problem } of await clientViews(
    serverName(registry.host),
    options,
  )) {
    const what = `${file} (${readers}): ${uses}`;
    yield problem === undefined
      ? { check: 'configuration', state: 'ok', what }
      : { check: 'configuration', state: 'note', what: `${what}; ${problem}` };
  }
}

async function ownLogin(app: App, { registry, signal }: Subject): Promise<Outcome> {
  const logins = await app.logins();
  const found = await logins.find(serverName(registry.host), { signal });
  if (found === undefined) return { note: 'none; finch asks without one' };
  if (found.isMade) return `made from ${found.place}`;
  return { note: `the login in ${found.place} is used before AWS credentials` };
}

async function reach(
  { surroundings }: Aws,
  identity: AwsIdentity,
  { registry, signal }: Subject,
): Promise<Outcome> {
  const { transport, env } = surroundings;
  const { url, isOverridden } = await ecrEndpoint(registry, identity, { env });
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

async function whoAmI(
  { surroundings }: Aws,
  identity: AwsIdentity,
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

async function atRegistry(
  app: App,
  aws: Aws,
  { registry, profile, signal }: Subject,
): Promise<Outcome> {
  const { username, secret } = await aws.token(registry, { profile, signal });
  const credential = { kind: 'password', username, secret } as const;
  await app.checkLogin(serverName(registry.host), credential, { insecure: false, signal });
  return `${registry.host} accepts it`;
}

async function repository(
  { surroundings }: Aws,
  identity: AwsIdentity,
  { registry, reference, signal }: Subject & { readonly reference: Reference },
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
  throw awsRefusalError(refusal, { registry: registry.host });
}

async function mayPull(app: App, reference: Reference, { signal }: AbortOptions): Promise<Outcome> {
  const from = await app.repository(reference, { access: 'pull', insecure: false });
  const what = reference.digest ?? reference.tag ?? 'latest';
  const found = await from.resolve(what, { signal });
  return found === undefined ? { note: `${what} is not there` } : `${what} is ${found.digest}`;
}

async function mayPush(app: App, reference: Reference, { signal }: AbortOptions): Promise<Outcome> {
  const to = await app.repository(reference, { access: 'push', insecure: false });
  await to.tryUpload({ signal });
  return 'an upload can be begun';
}

/** The registry that a host is. @throws FinchError `USAGE` when it is none of Amazon ECR */
export function ecrRegistry(host: string): EcrRegistry {
  const registry = parseEcrHost(host);
  if (registry !== undefined) return registry;
  throw new FinchError('USAGE', `${host} is no registry of Amazon ECR`, {
    hint: 'name one as in 111222333444.dkr.ecr.eu-west-1.amazonaws.com, or public.ecr.aws',
  });
}
