import type { AbortOptions } from '../content.ts';
import type { EcrRegistry } from './ecr-host.ts';
import type { AwsIdentity } from './identity.ts';
import type { AwsSurroundings } from './surroundings.ts';

/** A password of Amazon ECR, whose user is always `AWS`. */
export interface EcrToken {
  readonly username: 'AWS';
  readonly secret: string;
  readonly expires: Date;
}

/** How a token is asked for. */
export interface EcrTokenOptions extends AbortOptions {
  /** The profile that the user named, past the environment and `finch.yaml`. */
  readonly profile?: string | undefined;
  /** Whether what is remembered does not count: the registry refused it. */
  readonly afresh?: boolean | undefined;
  /**
   * The secret that the registry refused, where `afresh` is. One that somebody else has asked for since then
   * counts; without this, none does.
   */
  readonly refused?: string | undefined;
  /** `false`: AWS is asked in any case, and neither the token nor a failure is remembered. Default: true. */
  readonly remember?: boolean | undefined;
}

/** What finch does with AWS. */
export interface Aws {
  /** The world around it, for calls that are made with an identity of it. */
  readonly surroundings: AwsSurroundings;
  /** Who the user is at a registry: `finch.yaml` may name a profile for it. Without one: who the user is in general. */
  identity(options?: {
    readonly registry?: EcrRegistry | undefined;
    readonly profile?: string | undefined;
  }): Promise<AwsIdentity>;
  /**
   * A token for a registry that has not ended: one that is remembered, of this process, of others or of the
   * official helper, or a new one. Who asks while another is asking gets the same, and what has failed for
   * that one is not tried again, in a helper for five seconds: it ends with an error of which `isRepeated` holds.
   * @throws FinchError `AWS_IDENTITY`, `AWS` when AWS refuses, `NETWORK`
   */
  token(registry: EcrRegistry, options?: EcrTokenOptions): Promise<EcrToken>;
  /** The registries for which a token is remembered that has not ended, as `https://HOST`. Asks nobody. */
  remembered(): Promise<readonly string[]>;
}
