import type { Content } from '../../content.ts';
import type { Carrier } from '../../http/transport.ts';
import type { Courier } from '../courier/courier.ts';
import type { Journal } from './journal.ts';
import type { NextRequest } from './next-request.ts';
import type { Progress } from './progress.ts';
import type { Session } from './session.ts';

/** What {@link carrierOf} needs to know beside the request. */
export interface CarriageOptions {
  readonly courier: Courier | undefined;
  readonly journal: Journal | undefined;
  readonly content: Content;
  readonly progress: Progress;
  readonly asStream: boolean;
}

/**
 * Who hears the answer to a request of an upload, whatever becomes of this process: the courier, which is
 * written down with the upload before it gets anything. Undefined when none can be had, or nobody could go on
 * with the upload.
 */
export async function carrierOf(
  session: Session,
  { start, end, closes }: NextRequest,
  { courier, journal, content, progress, asStream }: CarriageOptions,
): Promise<Carrier | undefined> {
  if (courier === undefined || !journal?.keeps(session) || start === end) return undefined;
  const process = await courier.start();
  if (process === undefined) return undefined;
  journal.carriedBy(process, session);
  const upload = { ...journal.key, end, closes };
  const pace = content.file?.pace;
  const onSent = (bytes: number) => {
    pace?.took(bytes);
    progress.wentOut(bytes);
  };
  return courier.carrier({ upload, asStream, bytesPerSecond: pace?.bytesPerSecond, onSent });
}
