import { isJsonObject, type JsonObject } from '../oci/json.ts';

declare global {
  // https://github.com/tc39/proposal-json-parse-with-source, which the engine has and the types lack.
  interface JSON {
    rawJSON(text: string): unknown;
    isRawJSON(value: unknown): boolean;
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown;
  }
}

/**
 * The value of a JSON text, which `JSON.stringify` writes with every number as it was written: one that
 * the engine would change, such as `1.0`, `1e400` or one above 2^53, is kept as an opaque object.
 * @throws SyntaxError; RangeError when it is nested deeper than the engine's stack
 */
export function parseExactJson(text: string): unknown {
  return JSON.parse(text, (_key, value, { source }) => {
    const isChanged = typeof value === 'number' && source !== undefined && source !== String(value);
    return isChanged ? JSON.rawJSON(source) : value;
  });
}

/** Whether a value of {@link parseExactJson} is an object: not an array, not null, not a number. */
export function isExactObject(value: unknown): value is JsonObject {
  return isJsonObject(value) && !JSON.isRawJSON(value);
}
