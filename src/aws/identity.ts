import type { AbortOptions } from '../content.ts';

/** What requests to AWS are signed with. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Belongs to keys of a short life. */
  readonly sessionToken?: string;
  /** When keys of a short life end. */
  readonly expires?: Date;
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
  /**
   * What stays the same as long as the same keys would come out, as 64 hexadecimal digits: it follows
   * the environment and the files (profile, its settings, times of files), and asks nobody.
   * @throws FinchError `AWS_IDENTITY` when there can be no keys
   */
  fingerprint(): Promise<string>;
  /** The access key id, where it is known without asking anybody: of the environment, of a profile that holds it. */
  knownKeyId(): Promise<string | undefined>;
  /**
   * The keys; asked for once, and again when they have a minute left. An error is that of the first time, but for
   * a caller who gave up.
   * @throws FinchError `AWS_IDENTITY` when there are none, with what to do about it
   */
  keys(options?: AbortOptions): Promise<AwsKeys>;
  /** The region of the environment or the profile. */
  region(): Promise<string | undefined>;
  /** The endpoint that the environment or the profile puts in place of a service's own. */
  endpointOf(service: AwsService): Promise<URL | undefined>;
  /** Certificate authorities as PEM, by `AWS_CA_BUNDLE` or the profile's `ca_bundle`. */
  authorities(): Promise<readonly string[] | undefined>;
}
