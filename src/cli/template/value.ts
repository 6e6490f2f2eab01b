/** What a template sees of a value: Go's kinds, as far as JSON-like data has them. */
export type Kind = 'nil' | 'bool' | 'number' | 'string' | 'list' | 'map';

/** The kind of any JavaScript value. Dates are strings; functions and symbols are nil. */
export function kindOf(value: unknown): Kind {
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'number':
    case 'bigint':
      return 'number';
    case 'string':
      return 'string';
    case 'object':
      if (value === null) return 'nil';
      if (value instanceof Date) return 'string';
      return Array.isArray(value) ? 'list' : 'map';
    default:
      return 'nil';
  }
}

/** A kind with its article, for messages. */
export function nameKind(value: unknown): string {
  const kind = kindOf(value);
  return kind === 'nil' ? 'nil' : `a ${kind}`;
}

/** The entries of a map in the order of their keys, as Go ranges over and prints them. */
export function sortedEntries(map: object): readonly (readonly [string, unknown])[] {
  return Object.entries(map)
    .filter(([, value]) => typeof value !== 'function')
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Whether `if` takes its first branch: not for false, 0, nil and what is empty. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (kindOf(value) === 'map') return sortedEntries(Object(value)).length > 0;
  return kindOf(value) !== 'nil' && Boolean(value);
}

/** How deep {@link formatValue} goes into lists and maps: cyclic data must end too. */
const MAX_VALUE_DEPTH = 64;

/**
 * A value as Go's `%v` prints it: `[a b]` for a list, `map[k:v]` for a map, `<nil>`.
 * @param scalar prints what is neither list nor map. Default: {@link formatScalar}
 * https://pkg.go.dev/fmt@go1.26.0#hdr-Printing
 */
export function formatValue(
  value: unknown,
  scalar: (value: unknown) => string = formatScalar,
  depth = 0,
): string {
  if (depth > MAX_VALUE_DEPTH) return '…';
  if (Array.isArray(value)) {
    return `[${value.map((item) => formatValue(item, scalar, depth + 1)).join(' ')}]`;
  }
  if (kindOf(value) !== 'map') return scalar(value);
  const entries = sortedEntries(Object(value)).map(
    ([key, item]) => `${scalar(key)}:${formatValue(item, scalar, depth + 1)}`,
  );
  return `map[${entries.join(' ')}]`;
}

/** A string, number, boolean or nil as Go's `%v` prints it. */
export function formatScalar(value: unknown): string {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '' : value.toISOString();
  if (kindOf(value) === 'nil') return '<nil>';
  return typeof value === 'number' ? formatNumber(value) : String(value);
}

function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  const size = Math.abs(value);
  // Go changes to an exponent below 1e-4, JavaScript below 1e-6; Go's exponent has two digits.
  const text = size !== 0 && size < 1e-4 ? value.toExponential() : String(value);
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

/**
 * A value as compact JSON without HTML escapes, as Go's encoder writes it.
 * @returns an empty text for what JSON cannot say, as docker does
 */
export function formatJson(value: unknown): string {
  try {
    const text = JSON.stringify(value ?? null) ?? 'null';
    return text.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
  } catch {
    return '';
  }
}
