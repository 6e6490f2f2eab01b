import type { Profile, SharedConfig } from '../files/shared-config.ts';
import { type SsoSource, ssoSource } from '../files/sso-source.ts';
import { missingSetting, noProfile, unusableIdentity } from '../identity-errors.ts';
import type { Environment } from '../surroundings.ts';
import { type MetadataSource, metadataSource } from './metadata-source.ts';
import { environmentKeys, hasStaticKeys, profileKeys, type StaticSource } from './static-keys.ts';

/** Where keys come from, once everything that says so has been read. Nobody was asked yet. */
export type KeySource =
  | StaticSource
  | RoleSource
  | WebIdentitySource
  | SsoSource
  | LoginSource
  | { readonly kind: 'process'; readonly profile: string; readonly command: string }
  | { readonly kind: 'container' }
  | MetadataSource;

/** A role that is assumed with other keys. */
export interface RoleSource {
  readonly kind: 'role';
  readonly profile: string;
  readonly roleArn: string;
  readonly source: KeySource;
  readonly sessionName: string | undefined;
  readonly externalId: string | undefined;
  readonly mfaSerial: string | undefined;
  readonly durationSeconds: number | undefined;
}

/** A role that is assumed with a token of another identity provider, which a file holds. */
export interface WebIdentitySource {
  readonly kind: 'web-identity';
  readonly from: string;
  readonly roleArn: string;
  readonly tokenFile: string;
  readonly sessionName: string | undefined;
}

/** A session that `aws login` has begun. */
export interface LoginSource {
  readonly kind: 'login';
  readonly profile: string;
  /** The ARN of who has signed in. */
  readonly session: string;
}

/** What {@link keySource} looks at. */
interface Question {
  readonly env: Environment;
  /** The profile that the user named: the environment's keys and roles then do not count. */
  readonly profile?: string | undefined;
}

/** The profile that counts: the one that was named, that of the environment, or `default`. */
export function profileName({ env, profile }: Question): string {
  return profile ?? (env['AWS_PROFILE'] || env['AWS_DEFAULT_PROFILE'] || 'default');
}

/**
 * Where the keys come from, in the order of the AWS CLI: the environment's keys, a role of the profile, a web
 * identity, SSO, keys of the credentials file, a session of `aws login`, `credential_process`, keys of the config
 * file, the container, and the metadata service last.
 * https://github.com/boto/botocore/blob/1.43.11/botocore/credentials.py#L81
 * @throws FinchError `AWS_IDENTITY` when the first that applies is not complete, or the profile is not there
 */
export function keySource(question: Question, config: SharedConfig): KeySource {
  const { env, profile: named } = question;
  const fromEnvironment = named === undefined ? environmentKeys(env) : undefined;
  if (fromEnvironment) return fromEnvironment;
  const name = profileName(question);
  const profile = config.profiles.get(name);
  const isChosen = named !== undefined || env['AWS_PROFILE'] || env['AWS_DEFAULT_PROFILE'];
  if (profile === undefined && isChosen) {
    throw noProfile(name, { names: config.profiles.keys(), env });
  }
  const walk: Walk = { env, config, visited: [name] };
  if (profile && assumesRole(profile)) return roleSource(profile, walk);
  const found =
    webIdentity(profile, named === undefined ? env : {}) ??
    (profile && profileSource(profile, config));
  if (found) return found;
  if (hasContainer(env)) return { kind: 'container' };
  return metadataSource({ profile: name, isNamed: false }, { env, settings: profile?.settings });
}

/** Whether a container service says where it gives keys. */
function hasContainer(env: Environment): boolean {
  return (
    Boolean(env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI']) ||
    Boolean(env['AWS_CONTAINER_CREDENTIALS_FULL_URI'])
  );
}

/** The way through profiles that name each other. */
interface Walk {
  readonly env: Environment;
  readonly config: SharedConfig;
  readonly visited: readonly string[];
}

function assumesRole({ settings }: Profile): boolean {
  return settings.has('role_arn') && !settings.has('web_identity_token_file');
}

function roleSource(profile: Profile, walk: Walk): RoleSource {
  const { name, settings } = profile;
  const duration = Number(settings.get('duration_seconds') || undefined);
  return {
    kind: 'role',
    profile: name,
    roleArn: settings.get('role_arn') ?? '',
    source: sourceOfRole(profile, walk),
    sessionName: settings.get('role_session_name'),
    externalId: settings.get('external_id'),
    mfaSerial: settings.get('mfa_serial'),
    durationSeconds: Number.isSafeInteger(duration) ? duration : undefined,
  };
}

function sourceOfRole({ name, settings }: Profile, walk: Walk): KeySource {
  const sourceProfile = settings.get('source_profile');
  const credentialSource = settings.get('credential_source');
  if (sourceProfile !== undefined && credentialSource !== undefined) {
    throw unusableIdentity(
      `AWS profile "${name}" has both source_profile and credential_source`,
      `remove one of them from profile ${name} in ~/.aws/config`,
    );
  }
  if (credentialSource !== undefined) return namedSource(credentialSource, name, walk);
  if (sourceProfile === undefined) {
    throw missingSetting(name, 'source_profile or credential_source', 'assumes a role');
  }
  const source = walk.config.profiles.get(sourceProfile);
  if (source === undefined) {
    throw unusableIdentity(
      `AWS profile "${name}" has the source_profile "${sourceProfile}", which does not exist`,
      `correct source_profile of profile ${name} in ~/.aws/config`,
    );
  }
  const isVisited = walk.visited.includes(sourceProfile);
  // A profile may name itself: its keys, and beside them the role that they assume.
  if (isVisited && !(sourceProfile === name && hasStaticKeys(source))) {
    throw unusableIdentity(
      `AWS profiles assume each other's roles in a circle: ${[...walk.visited, sourceProfile].join(' -> ')}`,
      `give profile ${name} in ~/.aws/config a source_profile that has keys`,
    );
  }
  if (!hasStaticKeys(source) && assumesRole(source)) {
    return roleSource(source, { ...walk, visited: [...walk.visited, sourceProfile] });
  }
  const found = webIdentity(source, {}) ?? profileSource(source, walk.config);
  if (found) return found;
  throw unusableIdentity(
    `AWS profile "${sourceProfile}" has no credentials, and profile "${name}" assumes a role with them`,
    `add keys with: aws configure --profile ${sourceProfile}`,
  );
}

/** The source that `credential_source` names; its names are compared without regard to case, as the AWS CLI does. */
function namedSource(name: string, profile: string, { env, config }: Walk): KeySource {
  switch (name.toLowerCase()) {
    case 'environment': {
      const found = environmentKeys(env);
      if (found) return found;
      throw unusableIdentity(
        `AWS profile "${profile}" takes its keys from the environment, where AWS_ACCESS_KEY_ID is not set`,
        'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
      );
    }
    case 'ecscontainer':
      if (hasContainer(env)) return { kind: 'container' };
      throw unusableIdentity(
        `AWS profile "${profile}" takes its keys from the container, and this is none that gives any`,
        'set AWS_CONTAINER_CREDENTIALS_FULL_URI, or choose another profile with AWS_PROFILE',
      );
    case 'ec2instancemetadata':
      return metadataSource(
        { profile, isNamed: true },
        { env, settings: config.profiles.get(profile)?.settings },
      );
    default:
      throw unusableIdentity(
        `AWS profile "${profile}" has the credential_source "${name}", which is not known`,
        'use Environment, EcsContainer or Ec2InstanceMetadata',
      );
  }
}

/** What the environment says counts before what the profile says, setting by setting. */
function webIdentity(
  profile: Profile | undefined,
  env: Environment,
): WebIdentitySource | undefined {
  const setting = (name: string) => env[`AWS_${name.toUpperCase()}`] ?? profile?.settings.get(name);
  const tokenFile = setting('web_identity_token_file');
  if (!tokenFile) return undefined;
  const from = env['AWS_WEB_IDENTITY_TOKEN_FILE'] ? 'the environment' : `profile ${profile?.name}`;
  const roleArn = setting('role_arn');
  if (!roleArn) {
    throw unusableIdentity(
      `a web identity is configured in ${from} but no role`,
      'set AWS_ROLE_ARN, or role_arn in the profile',
    );
  }
  const sessionName = setting('role_session_name');
  return { kind: 'web-identity', from, roleArn, tokenFile, sessionName };
}

function profileSource(profile: Profile, config: SharedConfig): KeySource | undefined {
  const { name, settings } = profile;
  const session = settings.get('login_session');
  const command = settings.get('credential_process');
  return (
    ssoSource(profile, config) ??
    profileKeys(profile, 'credentials') ??
    (session !== undefined ? { kind: 'login', profile: name, session } : undefined) ??
    (command !== undefined ? { kind: 'process', profile: name, command } : undefined) ??
    profileKeys(profile, 'config')
  );
}
