import { join } from 'node:path';
import type { Environment } from '../surroundings.ts';
import { homeFolder } from './shared-config.ts';
import type { SsoSource } from './sso-source.ts';

/**
 * The file in which `aws sso login` keeps its token: named by the session, and in the older form by the address.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html
 */
export function ssoTokenPath(
  { session, startUrl }: Pick<SsoSource, 'session' | 'startUrl'>,
  env: Environment,
): string | undefined {
  const name = new Bun.CryptoHasher('sha1').update(session ?? startUrl).digest('hex');
  const home = homeFolder(env);
  return home && join(home, '.aws', 'sso', 'cache', `${name}.json`);
}

/** The file in which `aws login` keeps its token. */
export function loginCachePath(session: string, env: Environment): string | undefined {
  const home = homeFolder(env);
  const folder = env['AWS_LOGIN_CACHE_DIRECTORY'] || (home && join(home, '.aws', 'login', 'cache'));
  return (
    folder && join(folder, `${new Bun.CryptoHasher('sha256').update(session).digest('hex')}.json`)
  );
}
