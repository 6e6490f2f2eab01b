import { FinchError, systemCode } from '../errors.ts';
import { isLoopback } from './loopback.ts';

/** What is known of a request that got no answer. */
export interface FailureContext {
  /** `host[:port]`, as messages name it. */
  readonly host: string;
  /** The caller's signal: a failure after it fired is a cancellation. */
  readonly signal?: AbortSignal | undefined;
  /** The proxy that should have connected, and the variable that names it. */
  readonly proxy?: { readonly host: string; readonly variable: string } | undefined;
}

/** What went wrong and what to do about it, for one group of codes. */
interface Explanation {
  readonly message: (host: string) => string;
  readonly hint: (host: string) => string;
}

/** The hint for an answer that no registry gives. */
export const ASK_WHO_RUNS_IT = 'ask who runs the registry, or check for a proxy in between';

/** What helps against every certificate that is refused, for those who know what they do. */
const DO_NOT_CHECK = 'use --insecure-registry if you trust it all the same';

const UNKNOWN_HOST: Explanation = {
  message: (host) => `cannot find the host ${host}`,
  hint: () => 'check the spelling of the registry, the network connection and the proxy settings',
};
const REFUSED: Explanation = {
  message: (host) => `cannot connect to ${host}: connection refused`,
  // Many networks let nothing out but through a proxy.
  hint: (host) =>
    `check that a registry runs at ${host}${isLoopback(host) ? '' : ', and the proxy settings'}`,
};
const UNREACHABLE: Explanation = {
  message: (host) => `cannot connect to ${host}: the network is unreachable`,
  hint: () => 'check the network connection and the proxy settings',
};
const NO_FILES: Explanation = {
  message: (host) => `cannot connect to ${host}: too many open files`,
  hint: () => 'allow more open files with: ulimit -n 1024',
};
const SILENT: Explanation = {
  message: (host) => `${host} did not answer in time`,
  hint: () => 'check the network connection and try again',
};
const CLOSED: Explanation = {
  message: (host) => `the connection to ${host} was closed`,
  hint: () => 'try again; a proxy or the registry may limit the size of a request',
};
const NO_TLS: Explanation = {
  message: (host) => `${host} does not speak TLS`,
  // The same code as for a handshake that the server breaks off.
  hint: (host) =>
    `use --insecure-registry if ${host} speaks plain HTTP; else it may want a client certificate: NAME.cert and NAME.key in certs.d/${host}`,
};
const NO_HTTP: Explanation = {
  message: (host) => `${host} does not speak HTTP as a registry does`,
  hint: (host) => `check the port of ${host}, and for a proxy in between`,
};
const UNTRUSTED: Explanation = {
  message: (host) => `the certificate of ${host} is not trusted`,
  hint: () => `point SSL_CERT_FILE at a file with its certificate authority, or ${DO_NOT_CHECK}`,
};
const EXPIRED: Explanation = {
  message: (host) => `the certificate of ${host} has expired or is not valid yet`,
  hint: (host) =>
    `check this machine's clock, ask who runs ${host} to renew it, or ${DO_NOT_CHECK}`,
};
const OTHER_NAME: Explanation = {
  message: (host) => `the certificate of ${host} is for another host name`,
  hint: () => `use the name that the certificate was made for, or ${DO_NOT_CHECK}`,
};

const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  ENOTFOUND: UNKNOWN_HOST,
  EAI_AGAIN: UNKNOWN_HOST,
  EAI_NONAME: UNKNOWN_HOST,
  EAI_NODATA: UNKNOWN_HOST,
  ENODATA: UNKNOWN_HOST,
  ESERVFAIL: UNKNOWN_HOST,
  ECONNREFUSED: REFUSED,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  EMFILE: NO_FILES,
  ENFILE: NO_FILES,
  ETIMEDOUT: SILENT,
  ECONNRESET: CLOSED,
  ECONNABORTED: CLOSED,
  EPIPE: CLOSED,
  EPROTO: NO_TLS,
  Malformed_HTTP_Response: NO_HTTP,
  InvalidHTTPResponse: NO_HTTP,
  InvalidContentLength: NO_HTTP,
  ResponseHeadersTooLarge: NO_HTTP,
  UnrequestedUpgrade: NO_HTTP,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  CERT_UNTRUSTED: UNTRUSTED,
  CERT_HAS_EXPIRED: EXPIRED,
  CERT_NOT_YET_VALID: EXPIRED,
  ERR_TLS_CERT_ALTNAME_INVALID: OTHER_NAME,
};

/** What failed at the proxy or behind it, of which we see no more than that it failed. */
type ProxyFailure = (host: string, proxy: string) => string;

const CLOSED_BY_PROXY: ProxyFailure = (host, proxy) =>
  `the connection to ${host} through the proxy ${proxy} was closed`;
const NO_HTTP_BY_PROXY: ProxyFailure = (host, proxy) =>
  `what came from ${host} through the proxy ${proxy} is not HTTP`;

const PROXY_FAILURES: Readonly<Record<string, ProxyFailure>> = {
  ERR_PROXY_TUNNEL: (host, proxy) => `the proxy ${proxy} opened no way to ${host}`,
  ENOTFOUND: (_, proxy) => `cannot find the proxy ${proxy}`,
  ECONNREFUSED: (_, proxy) => `cannot connect to the proxy ${proxy}: connection refused`,
  ECONNRESET: CLOSED_BY_PROXY,
  ECONNABORTED: CLOSED_BY_PROXY,
  EPIPE: CLOSED_BY_PROXY,
  EPROTO: (host, proxy) => `what came from ${host} through the proxy ${proxy} is not TLS`,
  Malformed_HTTP_Response: NO_HTTP_BY_PROXY,
  InvalidHTTPResponse: NO_HTTP_BY_PROXY,
  InvalidContentLength: NO_HTTP_BY_PROXY,
  ResponseHeadersTooLarge: NO_HTTP_BY_PROXY,
  UnrequestedUpgrade: NO_HTTP_BY_PROXY,
};

/** Failures of a connection that worked before: the same request may well go through next time. */
const PASSING = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT']);

/**
 * The error for a request that got no answer, or whose answer broke off. A {@link FinchError} stays
 * what it is.
 */
export function transportError(error: unknown, context: FailureContext): FinchError {
  const { host, signal, proxy } = context;
  if (error instanceof FinchError) return error;
  if (signal?.aborted) return new FinchError('CANCELLED', 'cancelled', { cause: error });
  const failedProxy = proxy && PROXY_FAILURES[systemCode(error) ?? ''];
  if (proxy && failedProxy) {
    return new FinchError('NETWORK', failedProxy(host, proxy.host), {
      hint: `check ${proxy.variable} with its user name and password, and NO_PROXY`,
      cause: error,
    });
  }
  const explanation = EXPLANATIONS[systemCode(error) ?? ''];
  if (explanation === undefined) {
    return new FinchError(
      'NETWORK',
      `cannot talk to ${host}: ${systemCode(error) ?? 'no answer'}`,
      { hint: 'check the network connection, and for a proxy in between', cause: error },
    );
  }
  return new FinchError('NETWORK', explanation.message(host), {
    hint: explanation.hint(host),
    cause: error,
  });
}

/** The system's code of a `NETWORK` error's cause: `ECONNREFUSED`, `EPROTO`. */
export function networkCode(error: unknown): string | undefined {
  return error instanceof FinchError && error.code === 'NETWORK'
    ? systemCode(error.cause)
    : undefined;
}

/** Whether the connection broke, or fell silent, so that it is worth trying again. */
export function isPassing(error: unknown): boolean {
  return PASSING.has(networkCode(error) ?? '');
}
