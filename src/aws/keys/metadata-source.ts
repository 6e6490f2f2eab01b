import type { Settings } from '../files/ini.ts';
import { isTrue } from '../files/settings.ts';
import type { Environment } from '../surroundings.ts';

/** The metadata service of an EC2 instance. */
export interface MetadataSource {
  readonly kind: 'metadata';
  readonly profile: string;
  /** Whether the profile names it; else it is what is left. */
  readonly isNamed: boolean;
  /** Where the user says that it is; it may be no address. */
  readonly endpoint: string | undefined;
  /** Whether its own address is that of IPv6. */
  readonly isIpv6: boolean;
  /** Whether it is not asked without a token. */
  readonly isStrict: boolean;
}

/**
 * The metadata service as the environment wants it, or else the profile's settings.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html
 */
export function metadataSource(
  { profile, isNamed }: Pick<MetadataSource, 'profile' | 'isNamed'>,
  { env, settings }: { readonly env: Environment; readonly settings: Settings | undefined },
): MetadataSource {
  const setting = (name: string): string | undefined =>
    env[`AWS_${name.toUpperCase()}`] || settings?.get(name) || undefined;
  return {
    ...{ kind: 'metadata', profile, isNamed },
    endpoint: setting('ec2_metadata_service_endpoint'),
    isIpv6: setting('ec2_metadata_service_endpoint_mode')?.toLowerCase() === 'ipv6',
    isStrict: isTrue(setting('ec2_metadata_v1_disabled')),
  };
}
