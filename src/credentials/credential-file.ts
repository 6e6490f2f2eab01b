import { join } from 'node:path';

/** The file that logins are kept in: `$DOCKER_CONFIG/config.json`, else `config.json` in finch's home. */
export function credentialFile(
  env: Readonly<Record<string, string | undefined>>,
  home: string,
): string {
  return join(env['DOCKER_CONFIG'] || home, 'config.json');
}
