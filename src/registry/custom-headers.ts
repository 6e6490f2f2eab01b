import { FinchError } from '../errors.ts';
import { hideSecret } from '../http/redact.ts';
import { isJsonObject, type JsonObject } from '../oci/json.ts';
import { excerpt, quote } from '../text.ts';

/** The most header fields that are added to a request. */
const MAX_FIELDS = 100;

/** The most characters of one value. */
const MAX_VALUE = 8 * 1024;

/** https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2 */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Names of fields whose values are not for others. */
const SECRET = /auth|cookie|key|pass|secret|token/i;

/** Fields that say how the message itself is sent. */
const FRAMING = new Set([
  ...['connection', 'content-length', 'expect', 'host', 'keep-alive', 'proxy-connection'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
]);

/**
 * Header fields from a file: a table of names, in small letters afterwards, with a text or a list of
 * texts each. Values are never quoted in errors, for they may be secret.
 * @throws what `fault` makes of a field that no request can have
 */
export function readHeaders(
  table: unknown,
  fault: (what: string) => FinchError,
): Readonly<Record<string, string>> {
  if (!isJsonObject(table)) throw fault('its headers are not a table');
  const fields = Object.entries(table);
  if (fields.length > MAX_FIELDS) throw fault(`it has more than ${MAX_FIELDS} headers`);
  return Object.fromEntries(
    fields.map(([name, value]) => {
      if (!TOKEN.test(name)) throw fault(`${quote(name)} is no name of a header`);
      if (FRAMING.has(name.toLowerCase())) throw fault(`header ${name} is not for files to set`);
      const values: readonly unknown[] = Array.isArray(value) ? value : [value];
      const joined = values.map((one) => (isValue(one) ? one : undefined));
      if (joined.includes(undefined)) throw fault(`header ${name} has no value that can be sent`);
      for (const one of joined) if (one !== undefined && SECRET.test(name)) hideSecret(one);
      return [name.toLowerCase(), joined.join(', ')] as const;
    }),
  );
}

/**
 * `HttpHeaders` of a `config.json`, which go to the registry with every request. Logins are not kept
 * there, so `Authorization` is left out.
 * https://docs.docker.com/reference/cli/docker/#custom-http-headers
 * @throws FinchError `CONFIG_INVALID` when they are no headers
 */
export function configHeaders(config: JsonObject, path: string): Readonly<Record<string, string>> {
  const { authorization: _, ...headers } = readHeaders(
    config['HttpHeaders'] ?? {},
    (what) =>
      new FinchError('CONFIG_INVALID', `"HttpHeaders" in ${excerpt(path)}: ${what}`, {
        hint: 'correct the file',
      }),
  );
  return headers;
}

/** https://www.rfc-editor.org/rfc/rfc9110#section-5.5 */
function isValue(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_VALUE && /^[\t\x20-\x7e]*$/.test(value);
}
