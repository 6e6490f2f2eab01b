import type { Aws } from '../aws/aws.ts';
import { awsRefusalError } from '../aws/call/refusal-error.ts';
import { type CallerIdentity, callerIdentity } from '../aws/call/sts-calls.ts';
import { type EcrRegistry, ecrOfRegion } from '../aws/ecr-host.ts';
import type { AwsIdentity } from '../aws/identity.ts';
import type { AbortOptions } from '../content.ts';
import { writtenEcrHost } from '../credentials/written-ecr.ts';
import { FinchError } from '../errors.ts';
import { printable } from '../text.ts';

/** For which registries something is set up. */
export interface RegistryWishes {
  /** As the user wrote them. */
  readonly hosts: readonly string[];
  readonly isPublic: boolean;
  readonly profile: string | undefined;
}

/** A registry that is set up, with whom AWS takes the user for there. */
export interface ChosenRegistry {
  readonly host: string;
  /** What is worth knowing about who that is, as sentences. */
  readonly remarks: readonly string[];
}

const PUBLIC_HOST = 'public.ecr.aws';

/**
 * The registries of Amazon ECR that the user means, each with whom AWS takes the user for there. Who names none
 * means that of their own account in their region.
 * @throws FinchError `USAGE` for what is no registry of Amazon ECR; `AWS_IDENTITY`, `AWS`, `NETWORK`
 */
export async function chooseRegistries(
  { hosts, isPublic, profile }: RegistryWishes,
  aws: Aws,
  options: AbortOptions,
): Promise<readonly ChosenRegistry[]> {
  const named = ecrHosts(hosts);
  const callers = new Map<string, CallerIdentity>();
  const whoIs = async (identity: AwsIdentity, region: string | undefined) => {
    const partition = region === undefined ? '' : ecrOfRegion(region).suffix;
    const key = `${await identity.fingerprint()} ${partition}`;
    const caller = callers.get(key) ?? (await ask(identity, { ...options, aws, region }));
    callers.set(key, caller);
    return caller;
  };
  const own = async () => {
    const identity = await aws.identity({ profile });
    const region = await identity.region();
    if (region === undefined && isPublic) return [];
    if (region === undefined) throw noRegion();
    const { account } = await whoIs(identity, region);
    return ecrHosts([`${account}.dkr.ecr.${region}.${ecrOfRegion(region).suffix}`]);
  };
  const registries = [
    ...(named.length > 0 ? named : await own()),
    ...(isPublic ? ecrHosts([PUBLIC_HOST]) : []),
  ];
  const chosen = new Map<string, ChosenRegistry>();
  for (const registry of registries) {
    const identity = await aws.identity({ registry, profile });
    const region = registry.kind === 'private' ? registry.region : undefined;
    const caller = await whoIs(identity, region);
    const remarks = remarksOn(registry, caller, identity);
    chosen.set(registry.host, { host: registry.host, remarks });
  }
  return [...chosen.values()];
}

async function ask(
  identity: AwsIdentity,
  { aws, ...options }: AbortOptions & { readonly aws: Aws; readonly region: string | undefined },
): Promise<CallerIdentity> {
  const { surroundings } = aws;
  const outcome = await callerIdentity(identity, { surroundings, ...options });
  if (!outcome.ok) throw awsRefusalError(outcome.refusal);
  return outcome.value;
}

function remarksOn(
  registry: EcrRegistry,
  { arn, account }: CallerIdentity,
  { source }: AwsIdentity,
): readonly string[] {
  const who = `${registry.host}: you are ${printable(arn)}, by the keys of ${source}`;
  if (registry.kind === 'public' || registry.account === account) return [who];
  return [who, `${registry.host} is another account's, which has to let you in`];
}

/**
 * The registries of Amazon ECR that the user has written, each once.
 * @throws FinchError `USAGE` when one is none
 */
export function ecrHosts(hosts: readonly string[]): readonly EcrRegistry[] {
  const registries = hosts.map(writtenEcrHost);
  return [...new Map(registries.map((registry) => [registry.host, registry])).values()];
}

function noRegion(): FinchError {
  return new FinchError('AWS_IDENTITY', 'nothing says in which region your registry is', {
    hint: 'name the registry, as ACCOUNT.dkr.ecr.REGION.amazonaws.com, or set AWS_REGION',
  });
}
