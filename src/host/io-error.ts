import { FinchError, systemCode } from '../errors.ts';

/** What to do when the disk is full. */
export const SPACE_HINT = 'free some space and try again';
/** What to do when a file or folder may not be written to. */
export const ACCESS_HINT = 'check who owns it with: ls -ld, or choose another home with FINCH_HOME';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'the disk quota is used up',
  EIO: 'the disk reported an error',
  EISDIR: 'it is a folder',
  ELOOP: 'too many symbolic links',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
  ENFILE: 'too many open files',
  ENOENT: 'no such file or folder',
  ENOSPC: 'no space left on the disk',
  ENOTDIR: 'a part of the path is not a folder',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
};

/**
 * What to tell the user when the operating system refused to `action` the file or folder at `path`.
 * An error that is a FinchError already comes back as it is.
 */
export function ioError(error: unknown, action: 'read' | 'write', path: string): FinchError {
  if (error instanceof FinchError) return error;
  const code = systemCode(error);
  const reason = code === undefined ? 'unknown error' : (REASONS[code] ?? code);
  const hint = hintFor(code);
  return new FinchError('IO', `cannot ${action} ${path}: ${reason}`, {
    cause: error,
    ...(hint !== undefined && { hint }),
  });
}

function hintFor(code: string | undefined): string | undefined {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return SPACE_HINT;
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return ACCESS_HINT;
    default:
      return undefined;
  }
}
