import { isJsonObject } from '../oci/json.ts';
import { quote } from '../text.ts';

/** The keys, and the positions in lists, that lead to a value from the root. */
export type ConfigPath = readonly (string | number)[];

/** Thrown by a {@link Shape} about the value at a path. Whoever knows the file says where that is. */
export class ConfigFault extends Error {
  readonly path: ConfigPath;
  /** What to do about it, where that is more than to correct the file. */
  readonly hint: string | undefined;

  constructor(path: ConfigPath, message: string, { hint }: { hint?: string | undefined } = {}) {
    super(message);
    this.path = path;
    this.hint = hint;
  }
}

/**
 * What a value of a configuration is to be: gives it as its type. A value that is missing, or left empty, is
 * undefined.
 * @throws ConfigFault when it is something else
 */
export type Shape<T> = (value: unknown, path: ConfigPath) => T | undefined;

/** A text. Numbers are none: whoever means one as a text puts it in quotes. */
export const text: Shape<string> = (value, path) => {
  if (isMissing(value)) return undefined;
  if (typeof value !== 'string') throw faultAt(path, 'is not a text');
  return value;
};

/** A number. */
export const number: Shape<number> = (value, path) => {
  if (isMissing(value)) return undefined;
  if (typeof value !== 'number') throw faultAt(path, 'is not a number');
  return value;
};

/** A number without a fraction. */
export const integer: Shape<number> = (value, path) => {
  if (isMissing(value)) return undefined;
  if (!Number.isSafeInteger(value)) throw faultAt(path, 'is not a whole number');
  return number(value, path);
};

/** Yes or no. */
export const flag: Shape<boolean> = (value, path) => {
  if (isMissing(value)) return undefined;
  if (typeof value !== 'boolean') throw faultAt(path, 'is not true or false');
  return value;
};

/**
 * A value that is more than its shape says.
 * @param check gives it as what it is, or throws ConfigFault
 */
export function refined<T, U>(shape: Shape<T>, check: (value: T, path: ConfigPath) => U): Shape<U> {
  return (value, path) => {
    const read = shape(value, path);
    return read === undefined ? undefined : check(read, path);
  };
}

/** A value that may not be missing. */
export function required<T>(shape: Shape<T>): Shape<T> {
  return (value, path) => {
    const read = shape(value, path);
    if (read === undefined) throw faultAt(path, 'is missing');
    return read;
  };
}

/** A list of values of one shape; the empty ones are left out. */
export function list<T>(item: Shape<T>): Shape<readonly T[]> {
  return (value, path) => {
    if (isMissing(value)) return undefined;
    if (!Array.isArray(value)) throw faultAt(path, 'is not a list');
    return value
      .map((entry: unknown, i) => item(entry, [...path, i]))
      .filter((entry) => entry !== undefined);
  };
}

/** Values of one shape under names that the user chose, in the order of the file; the empty ones are left out. */
export function named<T>(item: Shape<T>): Shape<ReadonlyMap<string, T>> {
  return (value, path) => {
    if (isMissing(value)) return undefined;
    const entries = Object.entries(objectOf(value, path)).flatMap(([key, entry]) => {
      const read = item(entry, [...path, key]);
      return read === undefined ? [] : [[key, read] as const];
    });
    return new Map(entries);
  };
}

/** An object with keys of its own; others may stand beside them. */
export function fields<T extends object>(
  shapes: {
    readonly [Key in keyof T]-?: Shape<Exclude<T[Key], undefined>>;
  },
): Shape<T> {
  return (value, path) => {
    if (isMissing(value)) return undefined;
    const object = objectOf(value, path);
    const entries = Object.entries<Shape<unknown>>(shapes).map(([key, shape]) => [
      key,
      shape(Object.hasOwn(object, key) ? object[key] : undefined, [...path, key]),
    ]);
    // Every key of T has had its shape.
    return Object.fromEntries(entries) as T;
  };
}

/**
 * An object in which no other keys stand than those that a shape knows: one that is misspelt would do nothing.
 * @param hints what to do instead of some others
 */
export function onlyFields<T extends object>(
  shapes: {
    readonly [Key in keyof T]-?: Shape<Exclude<T[Key], undefined>>;
  },
  hints: Readonly<Record<string, string>> = {},
): Shape<T> {
  const known = fields<T>(shapes);
  return (value, path) => {
    const read = known(value, path);
    const keys = isJsonObject(value) ? Object.keys(value) : [];
    const other = keys.find((key) => !Object.hasOwn(shapes, key));
    if (other === undefined) return read;
    const what = `is unknown here, known are: ${Object.keys(shapes).join(', ')}`;
    const hint = Object.hasOwn(hints, other) ? hints[other] : undefined;
    throw faultAt([...path, other], what, { hint });
  };
}

/** @param what the end of a sentence that begins with the key */
function faultAt(
  path: ConfigPath,
  what: string,
  options: { hint?: string | undefined } = {},
): ConfigFault {
  const key = path.findLast((part) => typeof part === 'string');
  const subject = key === undefined ? 'the file' : quote(key);
  return new ConfigFault(path, `${subject} ${what}`, options);
}

function objectOf(value: unknown, path: ConfigPath): Readonly<Record<string, unknown>> {
  if (!isJsonObject(value)) throw faultAt(path, 'is not a map of keys to values');
  return value;
}

function isMissing(value: unknown): boolean {
  return value === undefined || value === null;
}
