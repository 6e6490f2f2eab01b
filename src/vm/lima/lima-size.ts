import { formatSize, parseSize } from '../../config/size.ts';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A number of bytes as Lima reads it: exact, in the largest unit of which it is a multiple. */
export function limaSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value > 0 && value % 1024 === 0 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value}${UNITS[unit]}`;
}

/** What the user is told of a disk that is to be smaller than it is, both in bytes. */
export function staysLarger(
  disk: 'boot' | 'data',
  { configured, current }: { readonly configured: number; readonly current: number },
): string {
  return `Shrinking the ${disk} disk is not supported (configured: ${shownSize(configured)}, current: ${shownSize(current)}), skipping resize`;
}

/** A number of bytes for the user: short where that is exact. */
export function shownSize(bytes: number): string {
  const short = formatSize(bytes);
  return parseSize(short) === bytes ? short : limaSize(bytes);
}
