import type { PasswordLogin } from '../credentials/credential.ts';
import { DEFAULT_REGISTRY } from '../oci/reference.ts';
import { ecrLoginHint } from './ecr-advice.ts';

/** What is special about the logins of one service, beyond what holds for all registries. */
interface Profile {
  /** Its registries, as users name them. */
  readonly registry: RegExp;
  /** What to try when a login is refused. */
  readonly login: string;
  /** What to try when an account may not do what it wants to. Default: as for everyone. */
  readonly denied?: string;
}

/**
 * What users of these services are most often stopped by. How their token servers work needs no entry:
 * one flow serves them all.
 */
const PROFILES: readonly Profile[] = [
  {
    registry: /^docker\.io$/,
    login:
      'with two-factor authentication Docker Hub takes a personal access token in place of the password: https://docs.docker.com/security/access-tokens/',
  },
  {
    registry: /^(?:.+\.)?ghcr\.io$/,
    login:
      'ghcr.io takes a personal access token (classic) in place of the password: https://github.com/settings/tokens',
    denied:
      'to push, the token needs the scope write:packages, and its account a right to the package: https://github.com/settings/tokens',
  },
  {
    registry: /^registry\.gitlab\.com$/,
    login:
      'with two-factor authentication GitLab takes a personal or deploy token in place of the password',
    denied: 'to push, the token needs the scopes read_registry and write_registry',
  },
  {
    registry: /^quay\.io$/,
    login: 'Quay takes a robot account, or the encrypted password of the account settings',
  },
  {
    registry: /\.azurecr\.io$/,
    login:
      'get a token with: az acr login --expose-token --name NAME; its user name is 00000000-0000-0000-0000-000000000000',
  },
  {
    registry: /(?:^|\.)gcr\.io$|-docker\.pkg\.dev$/,
    login: 'as the user oauth2accesstoken, give what this prints: gcloud auth print-access-token',
  },
  {
    registry: /\.jfrog\.io$/,
    login: 'Artifactory takes an identity token of the user profile in place of the password',
  },
];

/**
 * User names whose password is a refresh token, for a token server that wants to be sent one as such.
 * https://learn.microsoft.com/en-us/azure/container-registry/container-registry-authentication
 */
export const TOKEN_USERS: ReadonlySet<string> = new Set([
  '<token>',
  '00000000-0000-0000-0000-000000000000',
]);

/** The command that logs in to a registry. */
export function loginCommand(registry: string): string {
  return registry === DEFAULT_REGISTRY ? 'finch login' : `finch login ${registry}`;
}

/** What is most likely wrong with a login that a registry refuses, where that is known. */
export function loginHint(registry: string, login: PasswordLogin): string | undefined {
  // Harbor's robots have names like robot$ci, of which shells make this.
  if (login.username === 'robot')
    return "a robot's name holds a $; give it in single quotes: 'robot$NAME'";
  return ecrLoginHint(registry, login) ?? profileOf(registry)?.login;
}

/** What to do when a registry knows who asks and says no. `what` is what was asked about. */
export function deniedHint(registry: string, what: string): string {
  const general = `check that your account may use ${what}, or log in as another with: ${loginCommand(registry)}`;
  return profileOf(registry)?.denied ?? general;
}

function profileOf(registry: string): Profile | undefined {
  return PROFILES.find((profile) => profile.registry.test(registry));
}
