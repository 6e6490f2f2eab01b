import { withHostGates } from './host-gate.ts';
import { proxyFor } from './proxy.ts';
import { withTrace } from './trace.ts';
import { type Transport, transportWith } from './transport.ts';
import { withWarnings } from './warnings.ts';

/** Who hears of requests, and by which proxies they go. */
export interface OpenTransportOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** One line for `--debug`. */
  readonly trace: (line: string) => void;
  /** One line for the user. */
  readonly report: (line: string) => void;
}

/** The transport that all requests of one process share: it tells of each, and waits where a host asks for it. */
export function openTransport({ env, trace, report }: OpenTransportOptions): Transport {
  const options = { trace, proxyFor: (url: URL) => proxyFor(url, env) };
  const told = withWarnings(withTrace(transportWith(options), options), report);
  return withHostGates(told, {
    onWait: (host, ms) => report(`registry ${host} asks to wait ${Math.ceil(ms / 1000)} s`),
  });
}
