import { isJsonObject, type JsonObject } from '../oci/json.ts';
import { type Credential, TOKEN_USER } from './credential.ts';

/** Base64 as tools write it: either alphabet, with padding or without. */
const BASE64 = /^[\w+/-]+={0,2}$/;

/** The members of an entry that make a login, as {@link writeAuthEntry} sets them; undefined: not there. */
export type AuthMembers = Readonly<
  Record<'auth' | 'identitytoken' | 'registrytoken' | 'username' | 'password', string | undefined>
>;

/** What an entry of `auths` says. */
export interface AuthEntry {
  /** Undefined for a token that stands for no user name. */
  readonly username: string | undefined;
  readonly credential: Credential;
}

/**
 * The login in one entry of `auths`: a token of the registry before an identity token before a password.
 * Undefined when there is none, because a helper keeps it or because only an e-mail address is there.
 * https://github.com/docker/cli/blob/v28.3.3/cli/config/configfile/file.go
 * @throws SyntaxError when there is one that cannot be read; its message shows nothing of it
 */
export function readAuthEntry(entry: unknown): AuthEntry | undefined {
  // Go writes, and reads, an empty entry as null.
  if (entry === undefined || entry === null) return undefined;
  if (!isJsonObject(entry)) throw new SyntaxError('the entry is no object');
  const registryToken = textOf(entry, 'registrytoken');
  const identityToken = textOf(entry, 'identitytoken');
  const login = decode(textOf(entry, 'auth')) ?? {
    username: textOf(entry, 'username'),
    secret: textOf(entry, 'password'),
  };
  const username = login.username === TOKEN_USER ? undefined : login.username || undefined;
  if (registryToken !== '') {
    return { username, credential: { kind: 'registry-token', token: registryToken } };
  }
  const token = identityToken || (login.username === TOKEN_USER ? login.secret : '');
  if (token !== '') {
    const user = username === undefined ? {} : { username };
    return { username, credential: { kind: 'identity-token', token, ...user } };
  }
  if (username === undefined) return undefined;
  return { username, credential: { kind: 'password', username, secret: login.secret } };
}

/** The members that keep a login, and those that must go so that nothing of another login is left. */
export function writeAuthEntry(credential: Credential): AuthMembers {
  const none = { auth: undefined, username: undefined, password: undefined };
  const tokens = { identitytoken: undefined, registrytoken: undefined };
  switch (credential.kind) {
    case 'password':
      return { ...none, ...tokens, ...writeLogin(credential.username, credential.secret) };
    case 'identity-token': {
      const { username, token } = credential;
      // As docker does: a name with an empty password.
      const user = username === undefined ? {} : writeLogin(username, '');
      return { ...none, ...tokens, ...user, identitytoken: token };
    }
    case 'registry-token':
      return { ...none, ...tokens, registrytoken: credential.token };
    default:
      return credential satisfies never;
  }
}

function writeLogin(username: string, password: string): Partial<AuthMembers> {
  // In `auth` the first colon ends the name.
  if (username.includes(':')) return { username, password };
  return { auth: Buffer.from(`${username}:${password}`).toString('base64') };
}

function textOf(entry: JsonObject, name: keyof AuthMembers): string {
  const value = entry[name] ?? '';
  if (typeof value !== 'string') throw new SyntaxError(`"${name}" is no text`);
  return value;
}

/** The user name and the secret of `auth`; some tools fill it up with NULs. */
function decode(auth: string): { username: string; secret: string } | undefined {
  const encoded = auth.replace(/\s+/g, '');
  if (encoded === '') return undefined;
  if (!BASE64.test(encoded)) throw new SyntaxError('"auth" is not base64');
  const text = utf8(Buffer.from(encoded, 'base64')).replace(/(?<!\0)\0+$/, '');
  const colon = text.indexOf(':');
  if (colon < 1) throw new SyntaxError('"auth" has no user name');
  return { username: text.slice(0, colon), secret: text.slice(colon + 1) };
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new SyntaxError('"auth" is not UTF-8 text');
  }
}
