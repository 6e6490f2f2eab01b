/** More whole seconds than this are no time to wait but a moment: seconds since 1970. */
const FIRST_EPOCH_SECONDS = 1_000_000_000;

/** As many are milliseconds since 1970. */
const FIRST_EPOCH_MS = 1_000_000_000_000;

/** A date that says no time zone is of Greenwich. */
const ZONE = /(?:GMT|UTC|Z|[+-]\d{2}:?\d{2})$/i;

/** The beginnings of a date: `Sun, 06 Nov`, `Sunday, 06-Nov`, `Sun Nov`, `1994-11-06T`. */
const DATE = /^(?:[A-Za-z]{3,9},? |\d{4}-\d{2}-\d{2}T)/;

/**
 * How long an answer asks to wait, in milliseconds from `now`: by `Retry-After`, or where that says nothing by
 * `X-Retry-After`, as Docker Hub does.
 * @returns undefined when neither is there or means anything
 */
export function askedWaitMs(headers: Headers, now: number): number | undefined {
  return (
    retryAfterMs(headers.get('retry-after'), now) ?? retryAfterMs(headers.get('x-retry-after'), now)
  );
}

/**
 * How long such a header asks to wait, in milliseconds from `now`, in every form that servers use: seconds, a
 * date, or seconds or milliseconds since 1970.
 * https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 * @returns undefined when the header is missing or means nothing; 0 for a moment in the past
 */
export function retryAfterMs(header: string | null, now: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d+(?:\.\d+)?$/.test(text)) {
    const number = Number(text);
    if (number >= FIRST_EPOCH_MS) return Math.max(0, number - now);
    if (number >= FIRST_EPOCH_SECONDS) return Math.max(0, number * 1000 - now);
    return Math.ceil(number * 1000);
  }
  // Date.parse alone would also read "-1".
  const time = DATE.test(text) ? Date.parse(ZONE.test(text) ? text : `${text} GMT`) : Number.NaN;
  return Number.isNaN(time) ? undefined : Math.max(0, time - now);
}
