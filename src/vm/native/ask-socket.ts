import { connect } from 'node:net';
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
export function askSocket(path: string): Promise<SocketAnswer> {
  const { promise, resolve } = Promise.withResolvers<SocketAnswer>();
  const socket = connect({ path });
  socket.setTimeout(PATIENCE_MS, () => resolve('silent'));
  socket.on('connect', () => resolve('answers'));
  socket.on('error', (error) => {
    resolve(ANSWERS[systemCode(error) ?? ''] ?? 'silent');
  });
  return promise.finally(() => socket.destroy());
}
