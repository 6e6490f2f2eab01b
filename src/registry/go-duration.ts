const UNITS: Readonly<Record<string, number>> = {
  ...{ ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3 },
  ...{ ms: 1, s: 1000, m: 60_000, h: 3_600_000 },
};

/**
 * A length of time as Go programs write it, `1m30s`, in milliseconds.
 * https://pkg.go.dev/time#ParseDuration
 * @returns undefined when it is none, or not longer than nothing
 */
export function parseDuration(text: string): number | undefined {
  if (text.length > 100 || !/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(text))
    return undefined;
  let sum = 0;
  for (const [, number, unit = ''] of text.matchAll(/([\d.]+)([a-zµμ]+)/g)) {
    sum += Number(number) * (UNITS[unit] ?? 0);
  }
  return sum > 0 ? sum : undefined;
}
