import type { CopyEvent } from '../../../src/copy/events.ts';
import { CopyLedger, type LedgerTotals } from '../../../src/copy/ledger.ts';
import type { Descriptor } from '../../../src/oci/descriptor.ts';
import { isDigest } from '../../../src/oci/digest.ts';

/** One line of `--progress json`. */
export type PushEvent = Readonly<Record<string, unknown>> & {
  readonly event: string;
  readonly time: string;
};

/** The fields of a receipt that tests read. */
export interface Receipt {
  readonly version: number;
  readonly status: string;
  readonly references: readonly {
    readonly name: string;
    readonly digest: string;
    readonly status: string;
    readonly verified: boolean;
    readonly error?: { readonly code: string; readonly message: string };
  }[];
  readonly blobs: readonly {
    readonly repository: string;
    readonly digest: string;
    readonly result: string;
    readonly size: number;
    readonly bytesSent: number;
    readonly bytesResumed: number;
    readonly mountedFrom?: string;
  }[];
  readonly totals: LedgerTotals;
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
}

/** The events in what a run wrote to stderr, which is nothing else; each has the version and a time. */
export function eventsIn(stderr: string): readonly PushEvent[] {
  return stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const event = JSON.parse(line) as PushEvent & { readonly version: unknown };
      if (event.version !== 1 || Number.isNaN(Date.parse(event.time))) {
        throw new Error(`no event: ${line}`);
      }
      return event;
    });
}

/** What the events of a copy come to, by the reducer of finch. */
export function replayed(events: readonly PushEvent[]): LedgerTotals {
  const ledger = new CopyLedger();
  const known = new Map<unknown, Descriptor>();
  for (const { event, time, repository, digest, mediaType, size, ...more } of events) {
    if (!isDigest(digest)) continue;
    if (event === 'found') {
      known.set(digest, { digest, mediaType: String(mediaType), size: Number(size) });
    }
    const descriptor = known.get(digest);
    if (descriptor === undefined) throw new Error(`${digest} was never found`);
    const at = Date.parse(time);
    ledger.update({ ...more, kind: event, descriptor } as unknown as CopyEvent, {
      at,
      place: String(repository),
    });
  }
  return ledger.totals();
}

/** The sum of a field of all events of a kind, as anyone would count who has read the README only. */
export function sumOf(
  events: readonly PushEvent[],
  kind: string,
  { from = Number.NEGATIVE_INFINITY } = {},
): number {
  return events
    .filter(({ event, bytes }) => event === kind && Number(bytes) > from)
    .reduce((sum, { bytes }) => sum + Number(bytes), 0);
}
