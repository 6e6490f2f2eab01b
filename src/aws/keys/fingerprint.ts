import { expandPath } from '../files/shared-config.ts';
import { loginCachePath, ssoTokenPath } from '../files/sign-in-files.ts';
import { stampOf } from '../files/stamp.ts';
import type { KeySource } from './key-source.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What stays the same as long as the same keys would come out, as 64 hexadecimal digits: the settings that lead to them,
 * and the times of the files that hold what the user signed in with. No secret goes into it.
 */
export async function fingerprintOf(source: KeySource, env: Environment): Promise<string> {
  const parts = await partsOf(source, env);
  return new Bun.CryptoHasher('sha256').update(JSON.stringify(parts)).digest('hex');
}

async function partsOf(source: KeySource, env: Environment): Promise<readonly unknown[]> {
  switch (source.kind) {
    case 'static':
      return [source.kind, source.keys.accessKeyId];
    case 'role':
      return [{ ...source, source: await partsOf(source.source, env) }];
    case 'web-identity':
      return [source, stampOf(expandPath(source.tokenFile, env))];
    case 'sso':
      return [source, stampOf(ssoTokenPath(source, env))];
    case 'login':
      return [source, stampOf(loginCachePath(source.session, env))];
    case 'container':
      return [
        source,
        env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'],
        env['AWS_CONTAINER_CREDENTIALS_FULL_URI'],
      ];
    case 'process':
    case 'metadata':
      return [source, env['AWS_EC2_METADATA_SERVICE_ENDPOINT']];
  }
}
