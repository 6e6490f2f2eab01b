import { FinchError, systemCode } from '../errors.ts';

/** What to do when the disk is full. */
export const SPACE_HINT = 'free some space and try again';
/** What to do when a file or folder is not one, or may not be written to. */
export const ACCESS_HINT = 'check it with: ls -ld, or choose another home with FINCH_HOME';

/** What to do when a disk does not do what it should. */
const DISK_HINT = 'check the disk, or choose another home with FINCH_HOME';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EBUSY: 'something is mounted there, or another program has it',
  EDQUOT: 'the disk quota is used up',
  EEXIST: 'something else has that name',
  EFBIG: 'it would be larger than files may be here',
  EIO: 'the disk reported an error',
  EISDIR: 'it is a folder',
  ELOOP: 'too many symbolic links',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
  ENFILE: 'too many open files',
  ENOENT: 'no such file or folder',
  ENOSPC: 'no space left on the disk',
  ENOTDIR: 'a part of the path is not a folder',
  ENOTEMPTY: 'a folder that is not empty has that name',
  EXDEV: 'it is on another file system',
  ENXIO: 'it is a socket or a device that is not there',
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
  const hint = hintFor(code, action);
  return new FinchError('IO', `cannot ${action} ${path}: ${reason}`, {
    cause: error,
    ...(hint !== undefined && { hint }),
  });
}

function hintFor(code: string | undefined, action: 'read' | 'write'): string | undefined {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return SPACE_HINT;
    case 'EFBIG':
      return 'allow larger files with: ulimit -f unlimited';
    case 'EMFILE':
      return 'allow more open files with: ulimit -n 1024';
    case 'EXDEV':
      return 'keep the whole home on one file system';
    case 'ENXIO':
      return 'check it with: ls -l';
    case 'EACCES':
    case 'EBUSY':
    case 'EPERM':
    case 'EROFS':
      return ACCESS_HINT;
    case 'EIO':
      return DISK_HINT;
    case 'EEXIST':
    case 'EISDIR':
    case 'ELOOP':
    case 'ENAMETOOLONG':
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ENOTEMPTY':
      return action === 'write' ? ACCESS_HINT : 'check the path with: ls -ld';
    default:
      return undefined;
  }
}
