import { expandPath } from '../files/shared-config.ts';
import { loginCachePath, ssoTokenPath } from '../files/sign-in-files.ts';
import { stampOf } from '../files/stamp.ts';
import type { AwsKeys } from '../identity.ts';
import type { Environment } from '../surroundings.ts';
import type { KeySource } from './key-source.ts';

/**
 * What stays the same as long as the same role, or the same keys, would come out, as 64 hexadecimal digits: the settings that
 * lead there, and the times of the files that hold what the user signed in with. Of a program, a container and a machine it
 * tells only which one would be asked: they give the keys of whomever they like; so the id of those keys goes into it too
 * where a role is assumed with them, and it is known. No secret does.
 */
export async function fingerprintOf(
  source: KeySource,
  { env, assumedWith }: Pick<AwsKeys, 'assumedWith'> & { readonly env: Environment },
): Promise<string> {
  const parts = partsOf(source, env);
  return hashOf(JSON.stringify(assumedWith === undefined ? parts : [parts, assumedWith]));
}

function partsOf(source: KeySource, env: Environment): readonly unknown[] {
  switch (source.kind) {
    case 'static':
      return [source.kind, source.keys.accessKeyId];
    case 'role':
      return [{ ...source, source: partsOf(source.source, env) }];
    case 'web-identity':
      return [source, stampOf(expandPath(source.tokenFile, env))];
    case 'sso':
      return [source, stampOf(ssoTokenPath(source, env))];
    case 'login':
      return [source, stampOf(loginCachePath(source.session, env))];
    case 'container': {
      const file = env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];
      return [
        source,
        env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'],
        env['AWS_CONTAINER_CREDENTIALS_FULL_URI'],
        hashOf(env['AWS_CONTAINER_AUTHORIZATION_TOKEN'] ?? ''),
        file && [file, stampOf(expandPath(file, env))],
      ];
    }
    case 'process':
    case 'metadata':
      return [source];
  }
}

function hashOf(text: string): string {
  return new Bun.CryptoHasher('sha256').update(text).digest('hex');
}
