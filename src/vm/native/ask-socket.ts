import { statSync } from 'node:fs';
import { systemCode } from '../../errors.ts';

/** What became of a connection: `answers`, `denied` to this user, or `silent` for whatever other reason. */
export type SocketAnswer = 'answers' | 'denied' | 'silent';

/** Who does not take a connection within that time takes none. */
const PATIENCE_MS = 2_000;

/** What an error of the system means, where it is not that nobody is there. */
const ANSWERS: Readonly<Record<string, SocketAnswer>> = {
  EACCES: 'denied',
  EPERM: 'denied',
  // Taken, and hung up at once.
  ECONNRESET: 'answers',
};

/** Whether somebody takes connections at a Unix socket. Sends nothing, and never fails. */
export async function askSocket(path: string): Promise<SocketAnswer> {
  // Most commands ask, and on most machines there is none: then it is not worth the code of sockets.
  if (isMissing(path)) return 'silent';
  const { connect } = await import('node:net');
  const { promise, resolve } = Promise.withResolvers<SocketAnswer>();
  const socket = connect({ path });
  socket.setTimeout(PATIENCE_MS, () => resolve('silent'));
  socket.on('connect', () => resolve('answers'));
  socket.on('error', (error) => {
    resolve(ANSWERS[systemCode(error) ?? ''] ?? 'silent');
  });
  return promise.finally(() => socket.destroy());
}

function isMissing(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    // It may be in a folder that is closed to this user.
    return false;
  }
}
