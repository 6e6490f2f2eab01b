import { hasCode, systemCode } from '../errors.ts';
import { SPACE_HINT } from '../host/io-error.ts';

/**
 * The error codes of the distribution API, and the three that every registry adds to them:
 * `RANGE_INVALID`, `PAGINATION_NUMBER_INVALID`, `UNKNOWN`.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
export type RegistryErrorCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DENIED'
  | 'DIGEST_INVALID'
  | 'MANIFEST_BLOB_UNKNOWN'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'SIZE_INVALID'
  | 'TOOMANYREQUESTS'
  | 'UNAUTHORIZED'
  | 'UNSUPPORTED'
  | 'RANGE_INVALID'
  | 'PAGINATION_NUMBER_INVALID'
  | 'UNKNOWN';

/** Extra parts of a {@link RegistryError}. */
export interface RegistryErrorOptions {
  readonly detail?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer to the client that says no: status, code of the API, and what is wrong in words. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly status: number;
  readonly code: RegistryErrorCode;
  readonly detail: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: RegistryErrorCode,
    { message, detail, headers = {} }: RegistryErrorOptions & { readonly message: string },
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.headers = headers;
  }
}

/**
 * The answer for anything that a handler threw. What is neither a {@link RegistryError} nor the
 * client's fault tells the client nothing about this machine.
 */
export function errorResponse(error: unknown): Response {
  const { status, code, message, detail, headers } = toRegistryError(error);
  const body = { errors: [{ code, message, ...(detail !== undefined && { detail }) }] };
  return Response.json(body, { status, headers });
}

function toRegistryError(error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  const from = (status: number, code: RegistryErrorCode, message: string) =>
    new RegistryError(status, code, { message });
  if (hasCode(error, 'CONTENT_MISMATCH')) return from(400, 'DIGEST_INVALID', error.message);
  if (hasCode(error, 'DOCUMENT_INVALID')) return from(400, 'MANIFEST_INVALID', error.message);
  if (hasCode(error, 'REFERENCE_INVALID')) return from(400, 'NAME_INVALID', error.message);
  if (hasCode(error, 'DIGEST_INVALID')) return from(400, 'DIGEST_INVALID', error.message);
  if (hasCode(error, 'CONTENT_MISSING', 'CONTENT_DAMAGED'))
    return from(404, 'BLOB_UNKNOWN', error.message);
  if (hasCode(error, 'IO') && error.hint === SPACE_HINT) {
    const message = 'the registry has no space left on its disk';
    return new RegistryError(507, 'UNKNOWN', { message, detail: { reason: 'no space left' } });
  }
  if (isOutOfFiles(error) || (hasCode(error, 'IO') && isOutOfFiles(error.cause))) {
    const message = 'the registry has too many files open; try again later';
    return new RegistryError(503, 'TOOMANYREQUESTS', { message, headers: { 'Retry-After': '1' } });
  }
  return from(500, 'UNKNOWN', 'the registry could not do this; its log says why');
}

function isOutOfFiles(error: unknown): boolean {
  return ['EMFILE', 'ENFILE'].includes(systemCode(error) ?? '');
}
