import { plainEnvironment } from '../host/plain-environment.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the user's keys and passwords are. Of the variables of AWS all: the keys in them may be who the user is. */
const KEYS = /^(?:AWS_\w+|DOCKER_CONFIG|REGISTRY_AUTH_FILE|GNUPGHOME|GPG_TTY|PASSWORD_STORE_\w+)$/i;

/**
 * What the process of the bridge gets of the user's environment. It lives as long as the machine, and answers as the
 * user was when it began: other keys of AWS, or another profile, count from the next `finch vm start` on, while what
 * is in the files of AWS counts at once. What it has no use for it does not get: there may be secrets in it.
 */
export function bridgeEnvironment(env: Environment, home: string): Record<string, string> {
  const keys = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && KEYS.test(name) ? [[name, value] as const] : [],
  );
  return { ...plainEnvironment(env), ...Object.fromEntries(keys), FINCH_HOME: home };
}
