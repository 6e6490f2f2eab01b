import type { AbortOptions } from '../content.ts';
import { type ErrorCode, FinchError, type FinchErrorOptions } from '../errors.ts';
import { readStart } from '../http/body.ts';
import { cleanText } from '../http/clean-text.ts';
import { ASK_WHO_RUNS_IT } from '../http/failure.ts';
import { isJsonObject } from '../oci/json.ts';
import { type Denial, denialOf, describeDenial } from './grants.ts';
import { deniedHint, loginCommand } from './profiles.ts';

/** What is read of an error's body: 64 KiB. */
const MAX_ERROR_BYTES = 64 * 1024;

/** How long the body of an error is waited for. */
const ERROR_STALL_MS = 10_000;

/** Header fields that a registry alone gives. */
const REGISTRY_FIELDS = [
  'docker-distribution-api-version',
  'docker-content-digest',
  'docker-upload-uuid',
] as const;

/** How nginx says so, in a page. http://nginx.org/en/docs/http/ngx_http_ssl_module.html#errors */
const NO_CERTIFICATE = /no required SSL certificate was sent/i;

/** What a registry said when it said no. */
export interface Refusal {
  readonly status: number;
  /** The codes of its error body, for example `NAME_UNKNOWN`; empty when it had none. */
  readonly codes: readonly string[];
  /** One line that is safe to show: `denied: requested access to the resource is denied`. */
  readonly reason: string;
  /** What the token was for that the request carried, if it carried one of somebody's. */
  readonly denial?: Denial;
  /** Whether a proxy before it wants to see a client certificate. */
  readonly wantsCertificate?: boolean;
}

/**
 * Whether an answer is a page for people: a proxy's, the login page of a network, of a web server. As an
 * answer to anything but the question for a blob it means that no registry has spoken. Quay calls
 * everything HTML that has no other type; a registry's own header fields tell it from a page.
 */
export function isWebPage({ headers }: Response): boolean {
  const isHtml = /^\s*(?:text\/html|application\/xhtml\+xml)\b/i;
  if (!isHtml.test(headers.get('content-type') ?? '')) return false;
  return (
    headers.get('content-length') !== '0' && !REGISTRY_FIELDS.some((name) => headers.has(name))
  );
}

/**
 * Reads why a request was refused. Never throws because of what the body holds.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
export async function readRefusal(
  response: Response,
  { signal }: AbortOptions = {},
): Promise<Refusal> {
  const reading = readStart(response, { limit: MAX_ERROR_BYTES, stallMs: ERROR_STALL_MS, signal });
  const { bytes } = await reading.catch(() => ({ bytes: new Uint8Array() }));
  const text = new TextDecoder().decode(bytes);
  const errors = parseErrors(text);
  const { status } = response;
  const plain = cleanText(`${status} ${response.statusText}`);
  const wantsCertificate = status === 400 && NO_CERTIFICATE.test(text);
  const page = isWebPage(response) ? `a web page came as the answer (${plain})` : plain;
  const fallback = wantsCertificate ? `it wants a client certificate (${plain})` : page;
  const denial = denialOf(response);
  return {
    status,
    codes: errors.map(({ code }) => code).filter((code) => code !== ''),
    reason: errors.map(describeError).find((line) => line !== '') ?? fallback,
    ...(denial !== undefined && { denial }),
    ...(wantsCertificate && { wantsCertificate }),
  };
}

/** Whose request was refused, and what else is known of it. */
export interface RefusalContext {
  readonly registry: string;
  /** The repository, if the request was for one. */
  readonly name?: string;
}

/**
 * The error for a request that was refused: its code by the status, its hint by what can be done. Who
 * has just got a token is known, so that a 401 means the same as a 403.
 */
export function refusalError(
  { status, reason, denial, wantsCertificate }: Refusal,
  context: RefusalContext,
  options: FinchErrorOptions = {},
): FinchError {
  const meant = status === 401 && denial !== undefined ? 403 : status;
  const why = denial === undefined ? reason : `${reason} (${describeDenial(denial)})`;
  return new FinchError(errorCode(meant), `registry ${context.registry}: ${why}`, {
    hint: wantsCertificate ? certificateHint(context.registry) : hintFor(meant, context),
    ...options,
  });
}

/** Where to put a client certificate for a registry. */
export function certificateHint(registry: string): string {
  return `it may want a client certificate: put NAME.cert and NAME.key into certs.d/${registry} of finch's home`;
}

function errorCode(status: number): ErrorCode {
  switch (status) {
    case 401:
      return 'UNAUTHENTICATED';
    case 403:
      return 'DENIED';
    case 404:
      return 'REMOTE_NOT_FOUND';
    default:
      return 'REGISTRY';
  }
}

function hintFor(status: number, { registry, name }: RefusalContext): string {
  const what = name === undefined ? registry : `${registry}/${name}`;
  if (status === 401) return `log in with: ${loginCommand(registry)}`;
  if (status === 403) return deniedHint(registry, what);
  if (status === 404) return `check the name ${what}, and that ${registry} is a registry`;
  if (status === 413) return 'a proxy before the registry limits the size of requests';
  if (status === 429) return 'the registry limits how often it may be asked; wait a while';
  if (status >= 500) return 'the registry has a problem of its own; try again later';
  return ASK_WHO_RUNS_IT;
}

function parseErrors(text: string): readonly { code: string; message: string }[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return [];
  }
  if (!isJsonObject(json)) return [];
  // Some token servers and proxies answer {"details": …} or {"message": …} instead of a list.
  const { errors = [json] } = json;
  if (!Array.isArray(errors)) return [];
  return errors.filter(isJsonObject).map((error) => ({
    code: shown(error['code'] ?? error['error']),
    message: shown(error['message'] ?? error['details'] ?? error['error_description']),
  }));
}

function shown(value: unknown): string {
  return typeof value === 'string' ? cleanText(value) : '';
}

function describeError({ code, message }: { code: string; message: string }): string {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return [words, message].filter((part) => part !== '').join(': ');
}
