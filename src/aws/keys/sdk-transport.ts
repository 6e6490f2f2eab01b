import { readWhole } from '../../http/body.ts';
import { hideSecret, hideToken } from '../../http/redact.ts';
import type { HttpRequest } from '../../http/transport.ts';
import { assertSafe } from '../call/endpoints.ts';
import type { KeyContext } from './key-context.ts';

/** The most bytes of an answer. */
const MAX_BYTES = 256 * 1024;

/** How long a service may take to begin its answer, and for each 4 KiB of it. */
const PATIENCE_MS = 10_000;

/** Headers of the SDK's requests that prove who sends them. */
const SECRET_HEADERS = ['x-amz-security-token', 'x-amz-sso_bearer_token'];

/** What answers hold that opens doors, in JSON and in XML. */
const SECRETS = [
  /"(?:accessToken|refreshToken|idToken|secretAccessKey|sessionToken|clientSecret)"\s*:\s*"([^"\\]+)"/g,
  /<(?:SecretAccessKey|SessionToken)>([^<]+)</g,
];

/** A request as the SDK builds it, as far as it matters here. */
interface SdkRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** An answer as the SDK takes it. */
interface SdkAnswer {
  readonly response: {
    readonly statusCode: number;
    readonly headers: Record<string, string>;
    readonly body: Uint8Array;
  };
}

/** What sends the requests of the SDK's clients. */
export interface SdkTransport {
  handle(request: SdkRequest): Promise<SdkAnswer>;
  destroy(): void;
  /** Why the last request got no answer; the SDK's own errors lose it. */
  readonly failure: unknown;
  /** The status of the last answer. */
  readonly status: number | undefined;
}

/**
 * Sends them over finch's own transport, so that proxies, certificate authorities, time limits, the trace and the redactor
 * are the same for them. The SDK's own knows neither `HTTPS_PROXY` nor `AWS_CA_BUNDLE`.
 */
export function sdkTransport(context: KeyContext): SdkTransport {
  let failure: unknown;
  let status: number | undefined;
  return {
    async handle(request) {
      failure = undefined;
      try {
        const response = await send(request, context);
        status = response.statusCode;
        return { response };
      } catch (error) {
        failure = error;
        throw error;
      }
    },
    destroy() {},
    get failure() {
      return failure;
    },
    get status() {
      return status;
    },
  };
}

async function send(
  request: SdkRequest,
  { surroundings, identity, signal }: KeyContext,
): Promise<SdkAnswer['response']> {
  const { method, headers, body } = request;
  const url = addressOf(request);
  // The SDK takes any that the user puts in place of a service's own.
  assertSafe(url, 'AWS keys');
  for (const name of SECRET_HEADERS) hideToken(headers[name] ?? '');
  const ca = await identity.authorities();
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  const { host: _, ...rest } = headers;
  const response = await surroundings.transport({
    method: methodOf(method),
    url,
    headers: { ...rest, 'user-agent': surroundings.userAgent },
    ...(bytes instanceof Uint8Array && { body: () => ({ bytes }) }),
    patienceMs: PATIENCE_MS,
    ...(ca && { tls: { ca } }),
    ...(signal && { signal }),
  });
  const reading = { limit: MAX_BYTES, stallMs: PATIENCE_MS, ...(signal && { signal }) };
  const answer = await readWhole(response, reading);
  hideSecretsOf(new TextDecoder().decode(answer));
  const answered = Object.fromEntries(response.headers);
  return { statusCode: response.status, headers: answered, body: answer };
}

function methodOf(method: string): HttpRequest['method'] {
  if (method === 'GET' || method === 'POST' || method === 'PUT') return method;
  throw new Error(`the AWS SDK sends no ${method} to get keys`);
}

function addressOf({ protocol, hostname, port, path, query = {} }: SdkRequest): URL {
  const url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`);
  for (const [name, value] of Object.entries(query)) {
    for (const each of [value].flat()) url.searchParams.append(name, each ?? '');
  }
  return url;
}

function hideSecretsOf(answer: string): void {
  for (const pattern of SECRETS) {
    for (const [, secret = ''] of answer.matchAll(pattern)) hideSecret(secret);
  }
}
