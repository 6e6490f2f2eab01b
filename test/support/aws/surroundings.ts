import type { AwsSurroundings } from '../../../src/aws/surroundings.ts';
import { proxyFor } from '../../../src/http/proxy.ts';
import { transportWith } from '../../../src/http/transport.ts';

/** Surroundings with an environment, and what was traced in them; without a home of its own it has none that anything could be in. */
export function surroundingsWith(
  given: Readonly<Record<string, string>>,
): AwsSurroundings & { readonly traced: readonly string[] } {
  const env = { HOME: '/dev/null', ...given };
  const traced: string[] = [];
  return {
    env,
    home: undefined,
    transport: transportWith({ proxyFor: (url) => proxyFor(url, env) }),
    userAgent: 'finch/test',
    now: () => Date.now(),
    trace: (line) => traced.push(line),
    report: (line) => traced.push(line),
    traced,
  };
}
