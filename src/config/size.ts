const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** Digits, at most one space, and a unit of which the letter for the power is enough. */
const SIZE = /^(\d+\.?\d*|\.\d+) ?(?:([kmgtp])(?:i?b)?|b)?$/i;

/**
 * The bytes that a size means, as Docker's tools write it: `4GiB`, `4g`, `512 MB`, `1073741824`. All units have the
 * base 1024. Undefined when it is none, or more bytes than can be counted exactly.
 */
export function parseSize(text: string): number | undefined {
  const [whole, digits, power = ''] = SIZE.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const exponent = ' kmgtp'.indexOf(power.toLowerCase() || ' ');
  const bytes = Math.floor(Number(digits) * 1024 ** exponent);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A number of bytes as Docker's tools show it, with four digits: `4GiB`, `7.785GiB`, `512MiB`. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number(value.toPrecision(4))}${UNITS[unit]}`;
}
