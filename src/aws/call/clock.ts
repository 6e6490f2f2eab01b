import type { AwsSurroundings } from '../surroundings.ts';

/** A clock that is off by less is not the reason why AWS refuses a signature: it allows 15 minutes. */
const MOST_MS = 5 * 60_000;

/** How far this machine's clock was found to be before that of AWS. */
const found = new WeakMap<AwsSurroundings, number>();

/** The time by the clock of AWS as far as that is known, in milliseconds since 1970. */
export function awsTime(surroundings: AwsSurroundings): number {
  return surroundings.now() - (found.get(surroundings) ?? 0);
}

/** How far `time` is before that of who answered, in milliseconds; undefined when that tells no time. */
export function aheadOf({ headers }: Response, time: number): number | undefined {
  const theirs = Date.parse(headers.get('date') ?? '');
  return Number.isNaN(theirs) ? undefined : time - theirs;
}

/** Whether a clock is so far off that signatures made by it are refused. */
export function isOff(aheadMs: number | undefined): aheadMs is number {
  return aheadMs !== undefined && Math.abs(aheadMs) > MOST_MS;
}

/**
 * Signs by the clock of AWS from now on, and tells the user.
 * @returns false when that was done before
 */
export function correctClock(surroundings: AwsSurroundings, aheadMs: number): boolean {
  if (found.has(surroundings)) return false;
  found.set(surroundings, aheadMs);
  surroundings.report(`the clock of this machine is ${describeClock(aheadMs)}; set it right`);
  return true;
}

/** `1200 s ahead of that of AWS`. */
export function describeClock(aheadMs: number): string {
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  return `${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of AWS`;
}
