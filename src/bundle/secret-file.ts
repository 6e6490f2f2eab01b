import { isJsonObject } from '../oci/json.ts';

/** Files in which programs keep logins and keys, and folders of nothing else. */
const SECRET_NAMES: ReadonlySet<string> = new Set([
  ...['config.json', 'auth.json', 'credentials', 'credentials.json', 'bridge.json', 'hosts.toml'],
  ...['.netrc', '_netrc', '.npmrc', '.pypirc', '.git-credentials', '.dockercfg', '.env'],
  ...['ecr-state.json', 'token-cache.json', 'creds.sock', 'shadow'],
]);
const SECRET_FOLDERS: ReadonlySet<string> = new Set([
  ...['.aws', '.ssh', '.gnupg', '.docker', '.ecr', '.kube', '.password-store', 'keyrings'],
]);
const SECRET_ENDING = /\.(?:pem|key|p12|pfx|jks|kdbx)$|^id_[a-z0-9]+$/;

/**
 * Whether a file is one for logins or keys, by its path, as far as that shows it. Such a file is no part of a bundle,
 * whatever is taken out of it.
 * @param path with slashes of either kind
 */
export function isSecretFile(path: string): boolean {
  const parts = path.toLowerCase().split(/[/\\]+/);
  const name = parts.at(-1) ?? '';
  if (SECRET_NAMES.has(name) || SECRET_ENDING.test(name)) return true;
  return parts.slice(0, -1).some((part) => SECRET_FOLDERS.has(part));
}

/** Whether a text is a file of logins, under whatever name, or begins with a private key. */
export function holdsLogins(text: string): boolean {
  if (/^\s*-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) return true;
  if (/^\s*\[[^\]\n]+\]\s*$/m.test(text) && /^\s*aws_secret_access_key\s*=/im.test(text))
    return true;
  try {
    const json: unknown = JSON.parse(text);
    return (
      isJsonObject(json) && ['auths', 'SecretAccessKey', 'private_key'].some((key) => key in json)
    );
  } catch {
    return false;
  }
}
