/** Languages that have names for time zones of their own: the first that names the zone is taken. */
const LOCALES = ['en-US', 'en-GB', 'en-AU', 'en-IN', 'en-ZA', 'ja-JP'] as const;

/**
 * A function that gives a moment, rounded to the second, as Go's `time.Time.String` prints it:
 * `2021-08-07 02:19:45 +0900 JST`. A zone without an abbreviation is named by its offset, `-03`, as
 * the time zone database does.
 * https://pkg.go.dev/time@go1.26.0#Time.String
 * @param timeZone a name of the time zone database. Default: this machine's zone
 */
export function goTimeFormat(timeZone?: string): (moment: Date) => string {
  const zone = timeZone === undefined ? {} : { timeZone };
  const clock = new Intl.DateTimeFormat('en-US', {
    ...zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'longOffset',
  });
  const names = LOCALES.map(
    (locale) => new Intl.DateTimeFormat(locale, { ...zone, timeZoneName: 'short' }),
  );
  return (moment) => {
    const rounded = new Date(Math.round(moment.getTime() / 1000) * 1000);
    const part = partsOf(clock, rounded);
    const offset = part('timeZoneName').replace('GMT', '').replace(':', '') || '+0000';
    const name = names
      .values()
      .map((format) => partsOf(format, rounded)('timeZoneName'))
      .find((text) => /^[A-Z]{3,5}$/.test(text));
    const date = `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`;
    const time = `${part('hour')}:${part('minute')}:${part('second')}`;
    return `${date} ${time} ${offset} ${name ?? offset.replace(/00$/, '')}`;
  };
}

function partsOf(format: Intl.DateTimeFormat, moment: Date) {
  const parts = format.formatToParts(moment);
  return (type: Intl.DateTimeFormatPartTypes): string =>
    parts.find((part) => part.type === type)?.value ?? '';
}
