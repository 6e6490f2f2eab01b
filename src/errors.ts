/**
 * What went wrong, for code that must decide by it. Everything a user can meet is one of these;
 * a programmer's mistake stays a plain `Error`.
 */
export type ErrorCode =
  /** The command line itself: an unknown command or flag, a missing argument, flags that exclude each other. */
  | 'USAGE'
  | 'REFERENCE_INVALID'
  | 'DIGEST_INVALID'
  | 'PLATFORM_INVALID'
  /** A `--format` template that does not parse, or uses a function that finch does not have. */
  | 'TEMPLATE_INVALID'
  /** A manifest, index or image configuration that breaks its specification. */
  | 'DOCUMENT_INVALID'
  /** A file that is no image archive, or a broken one. */
  | 'ARCHIVE_INVALID'
  /** No image of that name or id in the local store. */
  | 'IMAGE_NOT_FOUND'
  /** A short id that several images share. */
  | 'IMAGE_AMBIGUOUS'
  /** A platform that the image does not have here. */
  | 'PLATFORM_MISSING'
  /** Content that should be there is not: a digest that neither side holds. */
  | 'CONTENT_MISSING'
  /** Content of the local store that has changed or gone behind its back. */
  | 'CONTENT_DAMAGED'
  /** Bytes that do not have the digest or the size that names them. */
  | 'CONTENT_MISMATCH'
  /** The local store cannot be used: made by a newer finch, damaged. */
  | 'STORE_UNUSABLE'
  /** `config.json` or `finch.yaml` cannot be read as such. */
  | 'CONFIG_INVALID'
  /** A credential helper cannot be run, or does not keep to its protocol. */
  | 'CREDENTIAL_STORE'
  /** No login is kept for a server. */
  | 'LOGIN_NOT_FOUND'
  /** Nothing says who the user is at AWS, or what says so cannot be used. */
  | 'AWS_IDENTITY'
  /** AWS refused a call. */
  | 'AWS'
  /** The virtual machine, or the program that runs it, does not do what it should. */
  | 'VM'
  /** The registry wants a login, or did not accept the one it got (401). */
  | 'UNAUTHENTICATED'
  /** The registry knows who asks and says no (403). */
  | 'DENIED'
  /** The registry has no such repository, tag or digest (404). */
  | 'REMOTE_NOT_FOUND'
  /** Any other answer of a registry that is not the one the protocol allows. */
  | 'REGISTRY'
  /** No answer at all: name look-up, connection, TLS, time-out. */
  | 'NETWORK'
  /** The operating system refused a file, a folder or a port. */
  | 'IO'
  /** The user interrupted, or a sibling failed first. */
  | 'CANCELLED';

/** Extra parts of a {@link FinchError}. */
export interface FinchErrorOptions {
  /** The next thing to do, best a command line. One sentence, lower case, no full stop. */
  readonly hint?: string;
  /** What was caught below. Never shown to the user without the redactor's pass. */
  readonly cause?: unknown;
}

/**
 * An error that is meant for the user: `message` says what failed and names the thing, `hint` says
 * what to do next. Lower case, no full stop, no secret.
 */
export class FinchError extends Error {
  override readonly name = 'FinchError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: FinchErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {});
    this.code = code;
    this.hint = options.hint;
  }
}

/** Whether `error` is a {@link FinchError} with one of the codes. */
export function hasCode(error: unknown, ...codes: readonly ErrorCode[]): error is FinchError {
  return error instanceof FinchError && codes.includes(error.code);
}

/** The operating system's code (`ENOENT`, `ECONNREFUSED`) of an error, if it has one. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
