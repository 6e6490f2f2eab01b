import { isJsonObject, type JsonObject } from '../../oci/json.ts';
import { printable } from '../../text.ts';
import type { AwsCallOptions } from '../call/call.ts';
import type { AwsOutcome } from '../call/refusal.ts';
import type { EcrPlace } from '../ecr-host.ts';
import type { AwsIdentity } from '../identity.ts';
import { callEcr } from './ecr-call.ts';

/**
 * What the names of the caller's repositories at ECR Public begin with, behind the host; empty for who has
 * none there.
 * https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/API_DescribeRegistries.html
 * @throws FinchError as {@link callEcr}
 */
export function publicAliases(
  place: EcrPlace & { readonly kind: 'public' },
  identity: AwsIdentity,
  options: AwsCallOptions,
): Promise<AwsOutcome<readonly string[]>> {
  const call = { action: 'DescribeRegistries', input: {}, read: readAliases };
  return callEcr(place, call, { ...options, identity });
}

function readAliases({ registries }: JsonObject): readonly string[] | undefined {
  if (!Array.isArray(registries)) return undefined;
  return registries.filter(isJsonObject).flatMap(({ aliases }) => {
    const known = Array.isArray(aliases) ? aliases.filter(isJsonObject) : [];
    return known.flatMap(({ name }) => (typeof name === 'string' ? printable(name) : []));
  });
}
