/**
 * How long a server asks to wait, in milliseconds from `now`: whole seconds or a date.
 * https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 * @returns undefined when the header is missing or means nothing; 0 for a date in the past
 */
export function retryAfterMs(header: string | null, now: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  // Only a date has a comma and letters; Date.parse alone would also read "5.5" or "-1" as one.
  const time = /^[A-Za-z]+,? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : Math.max(0, time - now);
}
