import { withHostGates } from './host-gate.ts';
import { type ProxyServer, proxyFor } from './proxy.ts';
import { withTrace } from './trace.ts';
import { type Transport, transportWith } from './transport.ts';
import { withWarnings } from './warnings.ts';

/** Who hears of requests, and by which proxies they go. */
export interface OpenTransportOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** One line for `--debug`, made where somebody reads it. */
  readonly trace: (line: () => string) => void;
  /** One line for the user. */
  readonly report: (line: string) => void;
}

/** The transport that all requests of one process share: it tells of each, and waits where a host asks for it. */
export function openTransport({ env, trace, report }: OpenTransportOptions): Transport {
  const proxies = new Map<string, ProxyServer | undefined>();
  const known = (url: URL) => {
    const { origin } = url;
    if (!proxies.has(origin)) proxies.set(origin, proxyFor(url, env));
    return proxies.get(origin);
  };
  const options = { trace, proxyFor: known };
  const told = withWarnings(withTrace(transportWith(options), options), report);
  return withHostGates(told, {
    onWait: (host, ms) => report(`registry ${host} asks to wait ${Math.ceil(ms / 1000)} s`),
  });
}
