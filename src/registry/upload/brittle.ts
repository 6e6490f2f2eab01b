import type { AbortOptions, Content } from '../../content.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { RepositoryApi } from '../api.ts';
import type { Standing } from './outcome.ts';
import type { Progress } from './progress.ts';
import { send } from './send.ts';
import type { Session } from './session.ts';
import { askStatus } from './status.ts';

/** Shorter blobs are sent as fast as somebody finds out what their registry forgives: 64 MiB. */
export const LARGE_BYTES = 64 * 1024 * 1024;

/** How much of a blob is sent to find out whether its registry is brittle. */
export const PROBE_BYTES = 64 * 1024;

/** What {@link probe} found out. */
export interface Probed {
  readonly standing: Standing;
  /** Undefined when it did not come to that, or what was answered says nothing of it. */
  readonly isBrittle?: boolean;
}

/** Whether the address of an upload says how far it is, as those of distribution do. */
export function hasState({ location }: Session): boolean {
  return location.searchParams.has('_state');
}

/**
 * Finds out with the first bytes of a new upload whether the registry drops one that is asked about at its
 * address from before them, which is all that is left to who did not hear the answer: whether it is brittle.
 * distribution 2 does so, also for every other request (`blobUploadDispatcher`), and 3 does not.
 */
export async function probe(
  api: RepositoryApi,
  session: Session,
  {
    signal,
    ...what
  }: AbortOptions & {
    readonly descriptor: Descriptor;
    readonly content: Content;
    readonly progress: Progress;
  },
): Promise<Probed> {
  const next = { start: 0, end: PROBE_BYTES, closes: false, hasRange: true };
  const how = { asStream: true, hasStaleRange: false, signal };
  const outcome = await send(api, session, { ...what, ...how, next });
  if (outcome.kind === 'unsure' || outcome.kind === 'renewed') return { standing: outcome };
  // Who does not take it so may take the blob at once.
  if (outcome.kind !== 'at') {
    const takesNone = outcome.kind === 'refused' && outcome.isUnsupported;
    return { standing: { kind: 'lost' }, ...(takesNone && { isBrittle: false }) };
  }
  const asked = { sentTo: PROBE_BYTES, hasStaleRange: false, signal };
  const { kind } = await askStatus(api, session, asked);
  if (kind === 'lost') return { standing: { kind: 'lost' }, isBrittle: true };
  return { standing: outcome, ...(kind === 'at' && { isBrittle: false }) };
}
