import { FinchError, type FinchErrorOptions } from '../errors.ts';
import { quote } from '../text.ts';
import { strictJsonFault } from './strict-json.ts';

/** A JSON object whose members are not known yet. */
export type JsonObject = { readonly [key: string]: unknown };

/** The largest manifest or index that finch reads or writes: 4 MiB, which every registry must take. */
export const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;

/** The largest image configuration that finch reads: 8 MiB. */
export const MAX_CONFIG_BYTES = 8 * 1024 * 1024;

/** The most values in a document unless it is said otherwise. An index of 4 MiB hardly has 100,000. */
const MAX_VALUES = 200_000;

/** Options of {@link parseJson}. */
export interface ParseJsonOptions {
  /** The most values, those in lists and objects counted. Default: 200,000. */
  readonly maxValues?: number;
}

/**
 * The value that UTF-8 JSON `bytes` hold. Stricter than most parsers, so that no two of them read the
 * same bytes as different things: no object has a key twice, and no byte order mark comes first.
 * @param what names the document in the message, for example `index sha256:…`
 * @throws FinchError `DOCUMENT_INVALID`
 */
export function parseJson(
  bytes: Uint8Array,
  what: string,
  { maxValues = MAX_VALUES }: ParseJsonOptions = {},
): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalidDocument(`${what} is not JSON`, { cause });
  }
  // Before the engine's parser, which runs out of stack where lists are nested without end.
  const fault = strictJsonFault(text, maxValues);
  if (fault !== undefined) throw invalidDocument(`${what} ${fault}`);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalidDocument(`${what} is not JSON`, { cause });
  }
}

/**
 * The object that UTF-8 JSON `bytes` hold.
 * @param what names the document in the message, for example `index sha256:…`
 * @throws FinchError `DOCUMENT_INVALID` as {@link parseJson}, and when it is no object
 */
export function parseJsonObject(
  bytes: Uint8Array,
  what: string,
  options: ParseJsonOptions = {},
): JsonObject {
  const value = parseJson(bytes, what, options);
  if (!isJsonObject(value)) throw invalidDocument(`${what} is not a JSON object`);
  return value;
}

/** Whether `value` is an object: not an array, not null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The members of `value` that are strings, or nothing when there is no such object. */
export function stringMap(value: unknown): Readonly<Record<string, string>> | undefined {
  if (!isJsonObject(value)) return undefined;
  const pairs = Object.entries(value).filter(
    (pair): pair is [string, string] => typeof pair[1] === 'string',
  );
  return Object.fromEntries(pairs);
}

/**
 * Checks that no key of `json` is one of `keys` but for upper and lower case: Go's parser takes `Layers`
 * for `layers`, and finch does not.
 * @throws FinchError `DOCUMENT_INVALID`
 */
export function refuseOtherCase(json: JsonObject, keys: ReadonlySet<string>, what: string): void {
  for (const key of Object.keys(json)) {
    if (keys.has(key)) continue;
    // Upper case first: it also maps the long s, which Go folds too.
    const folded = key.toUpperCase().toLowerCase();
    for (const known of keys) {
      if (known.toLowerCase() !== folded) continue;
      throw invalidDocument(`${what} has ${quote(key)}, which other programs read as "${known}"`);
    }
  }
}

/** The error about a document that breaks its specification. */
export function invalidDocument(message: string, options: FinchErrorOptions = {}): FinchError {
  const hint = 'it is damaged or made by a faulty program; get it again from where it was made';
  return new FinchError('DOCUMENT_INVALID', message, { hint, ...options });
}
