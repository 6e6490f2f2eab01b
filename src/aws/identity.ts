import type { AbortOptions } from '../content.ts';
import type { EndpointVariant } from './files/settings.ts';

/** What requests to AWS are signed with. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Belongs to keys of a short life. */
  readonly sessionToken?: string;
  /** When keys of a short life end. */
  readonly expires?: Date;
  /**
   * Of the keys of a role: the id of those that the first role was assumed with, where something on this machine (a program,
   * a container, the metadata service) gave them.
   */
  readonly assumedWith?: string;
}

/** The services that finch calls, as they are named in signatures. */
export type AwsService = 'ecr' | 'ecr-public' | 'sts';

/**
 * Who the user is at AWS, by the environment and the files that the AWS CLI reads. Where one of those files cannot be read
 * or understood, whatever needs it throws FinchError `AWS_IDENTITY` or `IO`.
 */
export interface AwsIdentity {
  /** Where the keys come from, for messages: `the environment`, `profile dev`. */
  readonly source: string;
  /** Whether to get the keys may take a code of an MFA device, which a user takes time to type. */
  readonly needsCode: boolean;
  /**
   * What stays the same as long as the same role, or the same keys, would come out, as 64 hexadecimal digits: it follows
   * the environment and the files (profile, its settings, times of files), and asks nobody. Whose keys a program, a
   * container or a machine gives it cannot tell: {@link knownKey} can. With `assumedWith` of keys, or of what is known
   * of them, it is another for each.
   * @throws FinchError `AWS_IDENTITY` when there can be no keys
   */
  fingerprint(keys?: Pick<AwsKeys, 'assumedWith'>): Promise<string>;
  /**
   * What is known of the keys without asking AWS. `accessKeyId`: of the environment, of a profile that holds it; and of what gives
   * keys on this machine (a program, a container, the metadata service), which is asked for them as by {@link keys}.
   * `assumedWith`: where a role is assumed with keys of this machine, which is asked for those.
   * @throws FinchError as {@link keys}
   */
  knownKey(options?: AbortOptions): Promise<Partial<Pick<AwsKeys, 'accessKeyId' | 'assumedWith'>>>;
  /**
   * The keys; asked for once, and again when they have a minute left and are older than one, or after a failure. Who asks
   * meanwhile gets the same.
   * @throws FinchError `AWS_IDENTITY` when there are none, with what to do about it
   */
  keys(options?: AbortOptions): Promise<AwsKeys>;
  /** The region of the environment or the profile. */
  region(): Promise<string | undefined>;
  /** The endpoint that the environment or the profile puts in place of a service's own. */
  endpointOf(service: AwsService): Promise<URL | undefined>;
  /** Which of a service's own names the environment or the profile asks for. */
  variant(): Promise<EndpointVariant>;
  /** Certificate authorities as PEM, by `AWS_CA_BUNDLE` or the profile's `ca_bundle`. */
  authorities(): Promise<readonly string[] | undefined>;
}
