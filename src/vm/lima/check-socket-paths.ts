import { join } from 'node:path';
import { FinchError } from '../../errors.ts';
import type { MachineFolder } from '../machine-folder.ts';
import { instanceFolder, type Lima } from './find-limactl.ts';

/** The longest name that Lima gives a socket: that of ssh, which appends random characters while it makes it. */
const LONGEST = 'ssh.sock.1234567890123456';

/** The bytes that a socket's path must stay below. https://man7.org/linux/man-pages/man7/unix.7.html */
const LIMIT = process.platform === 'linux' ? 108 : 104;

/**
 * Checks that the sockets of a machine can be where Lima would make them.
 * @throws FinchError `VM`
 */
export function checkSocketPaths(lima: Lima, { socket }: Pick<MachineFolder, 'socket'>): void {
  for (const path of [join(instanceFolder(lima), LONGEST), socket]) {
    const length = Buffer.byteLength(path);
    if (length < LIMIT) continue;
    throw new FinchError(
      'VM',
      `sockets of the virtual machine cannot be in ${lima.home}: a path would have ${length} bytes, and may have ${LIMIT - 1}`,
      { hint: 'choose a shorter folder with LIMA_HOME, or with FINCH_HOME' },
    );
  }
}
