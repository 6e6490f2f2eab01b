import { type ErrorCode, FinchError, type FinchErrorOptions } from '../errors.ts';
import { readStart } from '../http/body.ts';
import { cleanText } from '../http/clean-text.ts';
import { isJsonObject } from '../oci/json.ts';
import { DEFAULT_REGISTRY } from '../oci/reference.ts';

/** What is read of an error's body: 64 KiB. */
const MAX_ERROR_BYTES = 64 * 1024;

/** What a registry said when it said no. */
export interface Refusal {
  readonly status: number;
  /** The codes of its error body, for example `NAME_UNKNOWN`; empty when it had none. */
  readonly codes: readonly string[];
  /** One line that is safe to show: `denied: requested access to the resource is denied`. */
  readonly reason: string;
}

/**
 * Reads why a request was refused. Never throws because of what the body holds.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
export async function readRefusal(response: Response): Promise<Refusal> {
  const { bytes } = await readStart(response, { limit: MAX_ERROR_BYTES }).catch(() => ({
    bytes: new Uint8Array(),
  }));
  const text = new TextDecoder().decode(bytes);
  const errors = parseErrors(text);
  const { status } = response;
  const fallback = cleanText(`${status} ${response.statusText}`);
  return {
    status,
    codes: errors.map(({ code }) => code).filter((code) => code !== ''),
    reason: errors.map(describeError).find((line) => line !== '') ?? fallback,
  };
}

/** Whose request was refused, and what else is known of it. */
export interface RefusalContext {
  readonly registry: string;
  /** The repository, if the request was for one. */
  readonly name?: string;
}

/** The error for a request that was refused: its code by the status, its hint by what can be done. */
export function refusalError(
  refusal: Refusal,
  { registry, name }: RefusalContext,
  options: FinchErrorOptions = {},
): FinchError {
  const message = `registry ${registry}: ${refusal.reason}`;
  return new FinchError(errorCode(refusal.status), message, {
    ...hintFor(refusal.status, { registry, ...(name !== undefined && { name }) }),
    ...options,
  });
}

/** The command that logs in to a registry. */
export function loginCommand(registry: string): string {
  return registry === DEFAULT_REGISTRY ? 'finch login' : `finch login ${registry}`;
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

function hintFor(status: number, { registry, name }: RefusalContext): FinchErrorOptions {
  const what = name === undefined ? registry : `${registry}/${name}`;
  if (status === 401) return { hint: `log in with: ${loginCommand(registry)}` };
  if (status === 403) {
    return {
      hint: `check that your account may use ${what}, or log in as another with: ${loginCommand(registry)}`,
    };
  }
  if (status === 413) return { hint: 'a proxy before the registry limits the size of requests' };
  if (status === 429)
    return { hint: 'the registry limits how often it may be asked; wait a while' };
  if (status >= 500) return { hint: 'the registry has a problem of its own; try again later' };
  return {};
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
