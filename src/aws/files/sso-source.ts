import { missingSetting, unusableIdentity } from '../identity-errors.ts';
import type { Profile, SharedConfig } from './shared-config.ts';

/** A role that IAM Identity Center gives to whoever has signed in. */
export interface SsoSource {
  readonly kind: 'sso';
  readonly profile: string;
  readonly startUrl: string;
  readonly region: string;
  readonly account: string;
  readonly role: string;
  /** The name of the `sso-session` section; undefined in the older form of the settings. */
  readonly session: string | undefined;
}

/**
 * What a profile says about IAM Identity Center, in both forms; undefined when it names no account and no role of it.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html
 * @throws FinchError `AWS_IDENTITY` when a setting is missing, or two of them differ
 */
export function ssoSource(
  { name, settings }: Profile,
  { ssoSessions }: SharedConfig,
): SsoSource | undefined {
  if (!settings.has('sso_account_id') && !settings.has('sso_role_name')) return undefined;
  const session = settings.get('sso_session');
  const shared = session === undefined ? new Map<string, string>() : ssoSessions.get(session);
  if (shared === undefined) {
    throw unusableIdentity(
      `AWS profile "${name}" has the sso_session "${session}", which does not exist`,
      `add a section [sso-session ${session}] to ~/.aws/config: aws configure sso`,
    );
  }
  const need = (setting: string): string => {
    const own = settings.get(setting);
    const ofSession = shared.get(setting);
    if (own !== undefined && ofSession !== undefined && own !== ofSession) {
      throw unusableIdentity(
        `${setting} of AWS profile "${name}" differs from that of sso-session "${session}"`,
        `remove ${setting} from profile ${name} in ~/.aws/config`,
      );
    }
    const value = ofSession || own;
    if (!value) throw missingSetting(name, setting, 'uses SSO');
    return value;
  };
  return {
    kind: 'sso',
    profile: name,
    startUrl: need('sso_start_url'),
    region: need('sso_region'),
    account: need('sso_account_id'),
    role: need('sso_role_name'),
    session,
  };
}
