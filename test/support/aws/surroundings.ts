import type { AwsSurroundings } from '../../../src/aws/surroundings.ts';
import { proxyFor } from '../../../src/http/proxy.ts';
import { transportWith } from '../../../src/http/transport.ts';

/** Surroundings with an environment, and what was traced in them. */
export function surroundingsWith(
  env: Readonly<Record<string, string>>,
): AwsSurroundings & { readonly traced: readonly string[] } {
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
