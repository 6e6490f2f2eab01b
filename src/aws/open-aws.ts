import type { Aws } from './aws.ts';
import type { AwsIdentity } from './identity.ts';
import { openIdentity } from './keys/open-identity.ts';
import type { AwsSurroundings } from './surroundings.ts';
import { EcrTokens } from './tokens/ecr-tokens.ts';

/** Options of {@link openAws}. */
interface OpenAwsOptions {
  /**
   * The profile that `finch.yaml` names for a host.
   * @throws FinchError `CONFIG_INVALID`, `IO`
   */
  readonly profileFor: (host: string) => Promise<string | undefined>;
}

/** Everything that finch does with AWS. Nobody is asked and no file is read before it is needed. */
export function openAws(surroundings: AwsSurroundings, { profileFor }: OpenAwsOptions): Aws {
  const tokens = new EcrTokens(surroundings);
  const identities = new Map<string | undefined, Promise<AwsIdentity>>();
  const identity: Aws['identity'] = async ({ registry, profile } = {}) => {
    const named = profile ?? (registry && (await profileFor(registry.host)));
    const known = identities.get(named) ?? openIdentity(surroundings, { profile: named });
    identities.set(named, known);
    return await known;
  };
  return {
    surroundings,
    identity,
    async token(registry, { profile, ...options } = {}) {
      return await tokens.token(registry, () => identity({ registry, profile }), options);
    },
    async remembered() {
      return (await tokens.remembered()).map((host) => `https://${host}`);
    },
  };
}
