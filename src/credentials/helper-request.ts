import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { hideSecret } from '../http/redact.ts';
import { isJsonObject, type JsonObject, parseJson } from '../oci/json.ts';
import { readAll } from '../streams/bounded.ts';
import type { Credential } from './credential.ts';
import { fromHelperLogin } from './helper-protocol.ts';
import { partName, type ServerName, tryParseServer } from './server-name.ts';

/** The registry that a caller of finch's credential helper means. */
export interface AskedServer {
  readonly server: ServerName;
  /** The repository, where the caller asks for a part of a registry, as crane does. */
  readonly repository: string | undefined;
}

/** The most that is read from a caller, in bytes. A server has a hundred, a token a few thousand. */
const MAX_REQUEST_BYTES = 64 * 1024;

const MAX_SERVER_LENGTH = 4096;

/**
 * Scheme, host and path. The host names no user and is never empty. What this refuses could mean one
 * registry to the caller and another one to finch.
 */
const SERVER = /^((?:https?:\/\/)?[a-z0-9._:[\]-]+)(?:\/([\x21-\x7e]*))?$/i;

/** The path of the registry's API, in any version, with what may stand behind it. */
const API_PATH = /^(?:v[012](?:\/.*)?)?$/;

/** Where docker keeps what Docker Hub gives beside a login, under keys of their own. */
const BESIDE_LOGIN = /^v1\/./;

const REPOSITORY = /^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*/;

/**
 * What a caller writes, without one line end behind it and without spaces around it.
 * @throws FinchError `USAGE` when it is endless or no text, `IO`
 */
export async function readRequest(
  stdin: AsyncIterable<Uint8Array>,
  { signal }: AbortOptions,
): Promise<string> {
  const bytes = await readAll(stdin, {
    limit: MAX_REQUEST_BYTES,
    tooLarge: () => invalid('what stdin holds is larger than 64 KiB'),
  });
  signal?.throwIfAborted();
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.replace(/\r?\n$/, '').replace(/^ +|(?<! ) +$/g, '');
  } catch {
    // The decoder's error has nothing to add.
    throw invalid('what stdin holds is not UTF-8 text');
  }
}

/**
 * The registry that a caller's text names, or what docker keeps beside the login of one; undefined when it
 * names none.
 * @throws FinchError `USAGE` when the text is empty
 */
export function parseAsked(text: string): AskedServer | undefined {
  if (text === '') throw noServer();
  const [, server, path = ''] = SERVER.exec(text) ?? [];
  if (server === undefined || text.length > MAX_SERVER_LENGTH) return undefined;
  const whole = tryParseServer(server);
  if (whole === undefined) return undefined;
  if (BESIDE_LOGIN.test(path)) return { server: partName(text), repository: undefined };
  const repository = API_PATH.test(path) ? undefined : REPOSITORY.exec(path)?.[0];
  return { server: whole, repository };
}

/**
 * The registry whose login a caller changes.
 * @throws FinchError `USAGE` when the text names none, or only a part of one: finch keeps no logins for
 *   parts, and another one's login is not to be lost
 */
export function parseChanged(text: string): ServerName {
  const asked = parseAsked(text);
  if (asked === undefined) throw invalid('the server names no registry');
  if (asked.repository === undefined) return asked.server;
  throw invalid(`a login for a part of ${asked.server.registry} cannot be kept or removed`);
}

/** What a caller wants to be kept, as it writes it. */
export interface GivenLogin {
  /** The server, without spaces around it; never empty. */
  readonly url: string;
  /** Never empty. */
  readonly username: string;
  readonly secret: string;
}

/**
 * What a caller wants to be kept, whatever server that is for.
 * @throws FinchError `USAGE` when the text is no such JSON object, or it names no server or no user
 */
export function parseGiven(text: string): GivenLogin {
  const request = parseObject(text);
  const [server, username, secret] = ['ServerURL', 'Username', 'Secret'].map((name) => {
    // Programs in Go read names in any case, the last of which counts.
    const key = Object.keys(request).findLast((it) => it.toLowerCase() === name.toLowerCase());
    const value = key === undefined ? '' : request[key];
    if (typeof value === 'string') return value;
    throw invalid(`"${name}" is not a string`);
  }) as [string, string, string];
  hideSecret(secret, { user: username });
  const url = server.trim();
  if (url === '') throw noServer();
  if (username === '') throw invalid('no credentials username');
  return { url, username, secret };
}

/**
 * The login that a caller wants to be kept.
 * @throws FinchError `USAGE` when the text is no such JSON object, or something is missing in it
 */
export function parseLogin(text: string): { server: ServerName; credential: Credential } {
  const { url, username, secret } = parseGiven(text);
  const server = parseChanged(url);
  if (secret === '') throw invalid('no credentials secret');
  const credential = fromHelperLogin({ Username: username, Secret: secret });
  if (typeof credential === 'object') return { server, credential };
  throw invalid(`the login for ${server.registry} ${credential}`);
}

function parseObject(text: string): JsonObject {
  let value: unknown;
  try {
    value = parseJson(new TextEncoder().encode(firstObject(text)), 'it');
  } catch {
    // The parser's error quotes the text, which holds a secret.
  }
  if (isJsonObject(value)) return value;
  throw invalid('what stdin holds is no JSON object');
}

/** A text up to the end of the object that it begins with: programs in Go read no further. */
function firstObject(text: string): string {
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*(?:"|$)|[{}]/gs)) {
    if (token === '{') depth += 1;
    if (token === '}') depth -= 1;
    if (token === '}' && depth <= 0) return text.slice(0, index + 1);
  }
  return text;
}

function noServer(): FinchError {
  return invalid('no credentials server URL');
}

function invalid(message: string): FinchError {
  return new FinchError('USAGE', message, { hint: 'see finch credential --help' });
}
