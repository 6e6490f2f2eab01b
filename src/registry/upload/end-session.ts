import { pause, type RetryOptions } from '../../http/retry.ts';
import type { RepositoryApi } from '../api.ts';
import { cancelUpload } from './open-upload.ts';
import type { Session } from './session.ts';
import { askStatus } from './status.ts';

/** How long a registry may take to hear of it, in milliseconds: the user waits for the command to end. */
const PATIENCE_MS = 2000;

/** How often it is told, and milliseconds in between. */
const TRIES = 3;
const PAUSE_MS = 100;

/** What is known of the upload. */
export interface EndOptions {
  /** Of the blob, in bytes. */
  readonly size: number;
  readonly retry: RetryOptions;
}

/**
 * Tells the registry that nobody goes on with a session, as well as it can be done: a registry that does
 * not hear it drops the session some day. Never throws.
 */
export async function endSession(
  api: RepositoryApi,
  session: Session,
  { size, retry }: EndOptions,
): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  let at = session;
  try {
    for (let left = TRIES; left > 0; left -= 1) {
      // What was broken off may have moved it, and may still do so.
      const status = await askStatus(api, at, { signal, sentTo: size, hasStaleRange: false });
      if (status.kind === 'at') at = status.session;
      if (await cancelUpload(api, at.location, { signal })) return;
      await pause(PAUSE_MS, { ...retry, signal });
    }
  } catch {
    // Out of time, or out of reach.
  }
}
