import { FinchError } from '../errors.ts';
import { isJsonObject, type JsonObject, parseJson } from '../oci/json.ts';
import { quote } from '../text.ts';
import { type Credential, TOKEN_USER } from './credential.ts';
import type { KeptLogin } from './credential-store.ts';
import { isKeyOf, parseServer, type ServerName, tryParseServer } from './server-name.ts';

// What goes between a program and its credential helper.
// https://github.com/docker/docker-credential-helpers/blob/v0.9.3/credentials/credentials.go

/** What a helper says when it has no login for a server. */
export const NOT_FOUND = 'credentials not found in native keychain';

/** The longest server that is given to a helper, in bytes. */
const MAX_SERVER_BYTES = 4096;

/** The most values in an answer: a list of 10,000 logins. */
const MAX_VALUES = 10_000;

const HELPER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** What breaks lines and headers. */
const CONTROL = /\p{Cc}/u;

/** Such a character in a secret, which may have lines: the keys of Google's service accounts are JSON. */
const CONTROL_IN_SECRET = /[^\P{Cc}\t\r\n]/u;

/** The keys of a login, which no server has as its name. */
const LOGIN_KEYS = ['ServerURL', 'Username', 'Secret'];

/** A login as helpers write it. */
export interface HelperLogin {
  readonly Username: string;
  readonly Secret: string;
}

/** Whether `name` may stand behind `docker-credential-`: no path, no flag, nothing that a shell would read. */
export function isHelperName(name: string): boolean {
  return HELPER_NAME.test(name);
}

/** What a helper says when it makes credentials of its own and keeps none, with whatever around it. */
export function isNotImplemented(text: string): boolean {
  return /not implemented|unimplemented/i.test(text);
}

/**
 * Checks what a helper is told as the server. Helpers join lines, so that one with a line feed would name
 * another host than it seems to.
 * @throws FinchError `USAGE`
 */
export function assertServerText(text: string): void {
  if (text !== '' && text.length <= MAX_SERVER_BYTES && parseServer(text)) return;
  throw new FinchError('USAGE', `${quote(text)} names no registry`, {
    hint: 'a server is HOST[:PORT], for example ghcr.io or localhost:5000',
  });
}

/** A credential as helpers have it; undefined for one that the protocol cannot carry. */
export function toHelperLogin(credential: Credential): HelperLogin | undefined {
  switch (credential.kind) {
    case 'password':
      return { Username: credential.username, Secret: credential.secret };
    case 'identity-token':
      return { Username: TOKEN_USER, Secret: credential.token };
    case 'registry-token':
      return undefined;
    default:
      return credential satisfies never;
  }
}

/**
 * JSON as Go's encoder writes it, in which callers may look for it byte by byte; what a terminal would obey
 * is escaped too.
 */
export function goJson(value: object): string {
  return JSON.stringify(value).replace(
    /[<>&\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/**
 * The credential that a helper's login is; undefined when it is empty, which some write for none.
 * @returns a string when it cannot be used: the end of a sentence about the helper's answer
 */
export function fromHelperLogin({
  Username,
  Secret,
}: HelperLogin): Credential | string | undefined {
  if (Username === '' && Secret === '') return undefined;
  if (CONTROL.test(Username) || CONTROL_IN_SECRET.test(Secret)) {
    return 'has a control character in the user name or the secret';
  }
  if (!Username.isWellFormed() || !Secret.isWellFormed()) {
    return 'has a user name or a secret that is no Unicode';
  }
  if (Username === TOKEN_USER) return { kind: 'identity-token', token: Secret };
  // https://www.rfc-editor.org/rfc/rfc7617#section-2
  if (Username.includes(':')) return 'has a user name with a colon, which no registry can be told';
  return { kind: 'password', username: Username, secret: Secret };
}

/**
 * The credential in the answer to `get`; undefined when it is empty.
 * @param helper names the helper in messages
 * @throws FinchError `CREDENTIAL_STORE` when it is none, or one for another server. No message and no
 *   cause holds any of it.
 */
export function parseGetAnswer(
  answer: Uint8Array,
  { helper, server }: { readonly helper: string; readonly server: ServerName },
): Credential | undefined {
  const json = parseObject(answer, helper);
  const ServerURL = stringIn(json, 'ServerURL', helper);
  const login = {
    Username: stringIn(json, 'Username', helper),
    Secret: stringIn(json, 'Secret', helper),
  };
  const credential = fromHelperLogin(login);
  if (typeof credential === 'string') throw unusable(helper, credential);
  if (credential !== undefined && ServerURL !== '' && !isKeyOf(server, ServerURL)) {
    throw unusable(helper, `is for another server than ${server.registry}`);
  }
  return credential;
}

/**
 * The logins in the answer to `list`. What is no login, or has a key that is not fit to be shown, is left out.
 * @param helper names the helper in messages
 * @throws FinchError `CREDENTIAL_STORE`
 */
export function parseListAnswer(answer: Uint8Array, helper: string): readonly KeptLogin[] {
  const list = parseObject(answer, helper);
  // One would be shown with the secret in the place of a user name.
  if (LOGIN_KEYS.some((key) => Object.hasOwn(list, key))) {
    throw unusable(helper, 'to list is a login');
  }
  return Object.entries(list).flatMap(([key, user]) => {
    if (typeof user !== 'string' || CONTROL.test(user)) return [];
    if (tryParseServer(key) === undefined) return [];
    return { key, username: user === '' || user === TOKEN_USER ? undefined : user };
  });
}

function parseObject(answer: Uint8Array, helper: string): JsonObject {
  let value: unknown;
  try {
    value = parseJson(answer, 'it', { maxValues: MAX_VALUES });
  } catch {
    // Without the cause: the engine quotes what it could not read, and that may be the secret.
    throw unusable(helper, 'is not JSON');
  }
  // Go programs write an empty map as null.
  if (value === null) return {};
  if (!isJsonObject(value)) throw unusable(helper, 'is not a JSON object');
  return value;
}

function stringIn(json: JsonObject, key: string, helper: string): string {
  const value = Object.hasOwn(json, key) ? json[key] : '';
  if (typeof value === 'string') return value;
  throw unusable(helper, `has a ${key} that is not a string`);
}

function unusable(helper: string, why: string): FinchError {
  return new FinchError('CREDENTIAL_STORE', `the answer of ${helper} ${why}`, {
    hint: `try it with: ${helper} list`,
  });
}
