import { formatBytes, formatTimeLeft } from '../humanize.ts';

/**
 * How fast it goes and how long it takes: `1.2 MiB/s, 12 s left`; without the time where nobody could say, and empty
 * while the rate is not known.
 * @param rate bytes a second
 * @param left bytes that are still to come
 */
export function paceText(rate: number | undefined, left: number): string {
  if (rate === undefined || !Number.isFinite(rate)) return '';
  const shown = `${formatBytes(rate)}/s`;
  // What moves slower than a byte a second stands still.
  const time = left > 0 && rate >= 1 ? formatTimeLeft((left / rate) * 1000) : undefined;
  return time === undefined ? shown : `${shown}, ${time} left`;
}
