import { FinchError } from '../errors.ts';

/** A JSON object whose members are not known yet. */
export type JsonObject = { readonly [key: string]: unknown };

/** The largest manifest or index that finch reads or writes: 4 MiB, which every registry must take. */
export const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;

/** The largest image configuration that finch reads: 8 MiB. */
export const MAX_CONFIG_BYTES = 8 * 1024 * 1024;

/**
 * The object that UTF-8 JSON `bytes` hold.
 * @param what names the document in the message, for example `index sha256:…`
 * @throws FinchError `DOCUMENT_INVALID` when it is no JSON, or no object
 */
export function parseJsonObject(bytes: Uint8Array, what: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new FinchError('DOCUMENT_INVALID', `${what} is not JSON`, { cause });
  }
  if (!isJsonObject(value)) {
    throw new FinchError('DOCUMENT_INVALID', `${what} is not a JSON object`);
  }
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
