import type { AbortOptions } from '../content.ts';
import { type ErrorCode, FinchError, type FinchErrorOptions } from '../errors.ts';
import { readStart } from '../http/body.ts';
import { cleanText } from '../http/clean-text.ts';
import { ASK_WHO_RUNS_IT } from '../http/failure.ts';
import { askedWaitMs } from '../http/retry-after.ts';
import { isJsonObject } from '../oci/json.ts';
import { ecrAdvice } from './ecr-advice.ts';
import { type Denial, denialOf, describeDenial } from './grants.ts';
import { deniedHint, loginCommand } from './profiles.ts';
import type { Access } from './scope.ts';

/** What is read of an error's body: 64 KiB. */
const MAX_ERROR_BYTES = 64 * 1024;

/** The most errors whose codes are looked at. */
const MAX_CODES = 10;

/** How long the body of an error is waited for. */
const ERROR_STALL_MS = 10_000;

/** The types of pages for people. */
const HTML = /^\s*(?:text\/html|application\/xhtml\+xml)\b/i;

/** Header fields that a registry alone gives. */
const REGISTRY_FIELDS = [
  'docker-distribution-api-version',
  'docker-content-digest',
  'docker-upload-uuid',
] as const;

/** Statuses of a registry that is too busy for now. */
const BUSY: ReadonlySet<number> = new Set([429, 503]);

/** How nginx says so, in a page. http://nginx.org/en/docs/http/ngx_http_ssl_module.html#errors */
const NO_CERTIFICATE = /no required SSL certificate was sent/i;

/** What a registry said when it said no. */
export interface Refusal {
  readonly status: number;
  /** The codes of its error body, for example `NAME_UNKNOWN`; empty when it had none. */
  readonly codes: readonly string[];
  /** One line that is safe to show: `denied: requested access to the resource is denied`. */
  readonly reason: string;
  /** The host that said so, where the registry led to another one. */
  readonly host?: string;
  /** What the token was for that the request carried, if it carried one of somebody's. */
  readonly denial?: Denial;
  /** Whether a proxy before it wants to see a client certificate. */
  readonly wantsCertificate?: boolean;
  /** How long to wait before it is asked again, in milliseconds, where it says so. */
  readonly waitMs?: number;
}

/**
 * Whether an answer is a page for people: a proxy's, the login page of a network, of a web server. As an
 * answer to anything but the question for a blob it means that no registry has spoken. Quay calls
 * everything HTML that has no other type; a registry's own header fields tell it from a page.
 */
export function isWebPage({ headers }: Response): boolean {
  if (!HTML.test(headers.get('content-type') ?? '')) return false;
  return (
    headers.get('content-length') !== '0' && !REGISTRY_FIELDS.some((name) => headers.has(name))
  );
}

/** Whose answers are read as refusals. */
export interface RefusalOptions extends AbortOptions {
  /** The registry that was asked. Default: whoever answers. */
  readonly endpoint?: { owns(url: URL): boolean };
}

/**
 * Reads why a request was refused. Never throws because of what the body holds.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
export async function readRefusal(
  response: Response,
  { endpoint, signal }: RefusalOptions = {},
): Promise<Refusal> {
  const reading = readStart(response, { limit: MAX_ERROR_BYTES, stallMs: ERROR_STALL_MS, signal });
  const { bytes } = await reading.catch(() => ({ bytes: new Uint8Array() }));
  const text = new TextDecoder().decode(bytes);
  const errors = parseErrors(text);
  const { status } = response;
  const url = URL.parse(response.url);
  const isElsewhere = url !== null && endpoint !== undefined && !endpoint.owns(url);
  const plain = cleanText(`${status} ${response.statusText}`);
  const wantsCertificate = status === 400 && NO_CERTIFICATE.test(text);
  const page = isWebPage(response) ? `a web page came as the answer (${plain})` : plain;
  const fallback = wantsCertificate ? `it wants a client certificate (${plain})` : page;
  const denial = denialOf(response);
  const waitMs = BUSY.has(status) ? askedWaitMs(response.headers, Date.now()) : undefined;
  return {
    status,
    codes: errors.slice(0, MAX_CODES).flatMap(({ code }) => code || []),
    reason: firstReason(errors) ?? fallback,
    ...(isElsewhere && { host: cleanText(url.host) }),
    ...(denial !== undefined && { denial }),
    ...(wantsCertificate && { wantsCertificate }),
    ...(waitMs !== undefined && { waitMs }),
  };
}

/** Whose request was refused, and what else is known of it. */
export interface RefusalContext {
  readonly registry: string;
  /** The repository, if the request was for one. */
  readonly name?: string;
  /** What is done with it. Default: it is not known. */
  readonly access?: Access;
}

/**
 * The error for a request that was refused: its code by the status, its hint by what can be done. Who
 * has just got a token is known, so that a 401 means the same as a 403. To a host that the registry led
 * to we show no login, and so none helps.
 */
export function refusalError(
  refusal: Refusal,
  context: RefusalContext,
  options: FinchErrorOptions = {},
): FinchError {
  const { status, reason, host, denial, wantsCertificate } = refusal;
  const { registry } = context;
  if (host !== undefined && status !== 404) {
    const message = `registry ${registry} leads to ${host}, which refuses the request: ${reason}`;
    const hint = `try again later, or ask who runs ${registry}`;
    return new FinchError('REGISTRY', message, { hint, ...options });
  }
  const meant = status === 401 && denial !== undefined ? 403 : status;
  const why = denial === undefined ? reason : `${reason} (${describeDenial(denial)})`;
  const special = wantsCertificate
    ? { hint: certificateHint(registry) }
    : ecrAdvice(refusal, context);
  const general = {
    message: `registry ${registry}: ${why}`,
    hint: waitHint(refusal) ?? hintFor(meant, context),
  };
  const { code, message, hint } = {
    ...{ code: errorCode(meant), ...general },
    ...options,
    ...special,
  };
  return new FinchError(code, message, { ...options, hint });
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

/** When to try again, where that is worth a word. */
function waitHint({ waitMs = 0 }: Refusal): string | undefined {
  if (waitMs < 1000) return undefined;
  const seconds = Math.ceil(waitMs / 1000);
  const minutes = Math.ceil(seconds / 60);
  const hours = Math.ceil(minutes / 60);
  if (hours > 48) return 'the registry asks to wait for days; ask who runs it';
  const time =
    seconds < 120 ? `${seconds} s` : minutes < 120 ? `${minutes} minutes` : `${hours} hours`;
  return `the registry asks to wait ${time}; try again then`;
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
    code: textOf(error['code'] ?? error['error']),
    message: textOf(error['message'] ?? error['details'] ?? error['error_description']),
  }));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** What the first error says that says something, safe to show. */
function firstReason(
  errors: readonly { readonly code: string; readonly message: string }[],
): string | undefined {
  for (const { code, message } of errors) {
    const words = cleanText(code).toLowerCase().replaceAll('_', ' ');
    const line = [words, cleanText(message)].filter((part) => part !== '').join(': ');
    if (line !== '') return line;
  }
  return undefined;
}
