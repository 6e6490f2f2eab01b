import { FinchError } from '../../errors.ts';
import { readStart } from '../../http/body.ts';
import { hideSecret, hideToken } from '../../http/redact.ts';
import type { HttpRequest } from '../../http/transport.ts';
import { assertSafe } from '../call/endpoints.ts';
import {
  answerReason,
  lengthReason,
  type RefusalReason,
  silenceReason,
  wayTo,
} from '../call/read-refusal.ts';
import type { AwsAsked } from '../call/refusal.ts';
import type { KeyContext } from './key-context.ts';

/** The most bytes of an answer. */
const MAX_BYTES = 128 * 1024;

/** How long a service may take to begin its answer, and for each 4 KiB of it. */
const PATIENCE_MS = 4_000;

/** Headers of the SDK's requests that prove who sends them. */
const SECRET_HEADERS = ['x-amz-security-token', 'x-amz-sso_bearer_token'];

/** What answers hold that opens doors. */
const SECRETS =
  /"(?:accessToken|refreshToken|idToken|secretAccessKey|sessionToken|clientSecret)"\s*:\s*"([^"\\]+)"/g;

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

/** What came of a request of the SDK that had no result, in the words of finch's own calls. */
export type SdkRefusal = RefusalReason & Pick<AwsAsked, 'host' | 'proxy' | 'noProxy' | 'attempts'>;

/** What sends the requests of the SDK's clients. */
export interface SdkTransport {
  handle(request: SdkRequest): Promise<SdkAnswer>;
  destroy(): void;
  /** What came of the last request, if it had no result. The SDK's own errors lose this and the next. */
  readonly refusal: SdkRefusal | undefined;
  /** Why the last request was not sent. */
  readonly failure: FinchError | undefined;
}

/**
 * Sends them over finch's own transport, so that proxies, certificate authorities, time limits, the trace and the redactor
 * are the same for them. The SDK's own knows neither `HTTPS_PROXY` nor `AWS_CA_BUNDLE`.
 */
export function sdkTransport(context: KeyContext): SdkTransport {
  let refusal: SdkRefusal | undefined;
  let failure: FinchError | undefined;
  let attempts = 0;
  return {
    async handle(request) {
      const url = addressOf(request);
      attempts += 1;
      const refuse = (reason: RefusalReason) => {
        refusal = { ...reason, ...wayTo(url, context.surroundings.env), attempts };
      };
      const begun = Bun.nanoseconds();
      refusal = undefined;
      failure = undefined;
      try {
        const { response, bytes, whole } = await send(url, request, context);
        if (!whole) {
          refuse(lengthReason(MAX_BYTES));
          throw new Error('the answer is too long');
        }
        const text = new TextDecoder().decode(bytes);
        for (const [, secret = ''] of text.matchAll(SECRETS)) hideSecret(secret);
        if (!response.ok || !isJson(text)) refuse(answerReason(response, text));
        const headers = Object.fromEntries(response.headers);
        return { response: { statusCode: response.status, headers, body: bytes } };
      } catch (error) {
        if (!(error instanceof FinchError)) throw error;
        const waitedMs = (Bun.nanoseconds() - begun) / 1e6;
        const { host } = url;
        if (error.code === 'NETWORK')
          refuse(silenceReason(error, { host, isOver: false, waitedMs }));
        else failure = error;
        throw error;
      }
    },
    destroy() {},
    get refusal() {
      return refusal;
    },
    get failure() {
      return failure;
    },
  };
}

async function send(
  url: URL,
  { method, headers, body }: SdkRequest,
  { surroundings, identity, signal }: KeyContext,
) {
  // The SDK takes any that the user puts in place of a service's own.
  assertSafe(url, 'AWS keys');
  for (const name of SECRET_HEADERS) hideToken(headers[name] ?? '');
  const ca = await identity.authorities();
  const outgoing = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  const { host: _, ...rest } = headers;
  const response = await surroundings.transport({
    method: methodOf(method),
    url,
    headers: { ...rest, 'user-agent': surroundings.userAgent },
    ...(outgoing instanceof Uint8Array && { body: () => ({ bytes: outgoing }) }),
    patienceMs: PATIENCE_MS,
    ...(ca && { tls: { ca } }),
    ...(signal && { signal }),
  });
  const reading = { limit: MAX_BYTES, stallMs: PATIENCE_MS, ...(signal && { signal }) };
  return { response, ...(await readStart(response, reading)) };
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

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
