import type { Descriptor } from '../oci/descriptor.ts';
import { isDocumentType, isImageConfigType, isIndexType } from '../oci/media-types.ts';
import type { CopyEvent } from './events.ts';

/** What is known of the copy of one piece of content to one place. */
export interface LedgerEntry {
  /** Where it goes, for example `ghcr.io/me/app`; empty where there is only one place. */
  readonly place: string;
  readonly descriptor: Descriptor;
  readonly state: 'waiting' | 'active' | 'exists' | 'mounted' | 'done';
  /** Bytes that are there, from 0 to the size. */
  readonly position: number;
  /** Bytes that went out, those that went in vain among them. */
  readonly sentBytes: number;
  /** Bytes that the target had kept of an earlier process's try. */
  readonly resumedBytes: number;
  /** The repository that the target took it from. */
  readonly mountedFrom?: string;
  /** Until when nothing is sent, and why; of the past once that moment is over. */
  readonly pause?: { readonly until: number; readonly why: string };
  /** When the copy of it began and ended, in milliseconds since 1970. */
  readonly startedAt?: number;
  readonly endedAt?: number;
}

/** What a copy comes to in all. */
export interface LedgerTotals {
  /** Pieces of content, and how many of them ended in which way. */
  readonly blobs: number;
  readonly sent: number;
  readonly exists: number;
  readonly mounted: number;
  readonly unfinished: number;
  /** The sizes of all of them. */
  readonly bytes: number;
  readonly bytesSent: number;
  readonly bytesResumed: number;
  readonly bytesMounted: number;
  readonly bytesExisting: number;
}

/** How the copy of one piece of content ended. */
type LedgerResult = 'sent' | 'exists' | 'mounted' | 'unfinished';

/** How it ended for what an entry is about. Content of which no byte had to go was there. */
export function resultOf({ state, descriptor, ...entry }: LedgerEntry): LedgerResult {
  if (state === 'exists' || state === 'mounted') return state;
  if (state !== 'done') return 'unfinished';
  const isMoved = entry.sentBytes > 0 || entry.resumedBytes > 0 || descriptor.size === 0;
  return isMoved ? 'sent' : 'exists';
}

/** The word for content in front of its digest. */
export function contentKind({ mediaType }: Descriptor): 'index' | 'manifest' | 'config' | 'layer' {
  if (isIndexType(mediaType)) return 'index';
  if (isDocumentType(mediaType)) return 'manifest';
  return isImageConfigType(mediaType) ? 'config' : 'layer';
}

/** The state of a copy to one or more places, as its events tell it. Bars, receipts and replays all count by it. */
export class CopyLedger {
  readonly #entries = new Map<string, LedgerEntry>();
  #sentBytes = 0;

  /** Whether nothing has been found yet. */
  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /** Bytes that went out in all. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Every piece of content, in the order in which they were found. */
  all(): readonly LedgerEntry[] {
    return [...this.#entries.values()];
  }

  /**
   * Takes in one event, and gives what is known of its content then.
   * @param at milliseconds since 1970
   */
  update(event: CopyEvent, { at, place = '' }: { at: number; place?: string }): LedgerEntry {
    const { descriptor } = event;
    const key = `${place} ${descriptor.digest}`;
    const fresh = { place, descriptor, state: 'waiting', position: 0 } as const;
    const before = this.#entries.get(key) ?? { ...fresh, sentBytes: 0, resumedBytes: 0 };
    const after = next(before, event, at);
    this.#entries.set(key, after);
    this.#sentBytes += after.sentBytes - before.sentBytes;
    return after;
  }

  /** What it comes to so far. */
  totals(): LedgerTotals {
    const all = this.all();
    const ended = (wanted: LedgerResult) => all.filter((entry) => resultOf(entry) === wanted);
    const [sent, exists, mounted] = [ended('sent'), ended('exists'), ended('mounted')];
    const sizes = (entries: readonly LedgerEntry[]) =>
      sum(entries.map(({ descriptor }) => descriptor.size));
    return {
      blobs: all.length,
      ...{ sent: sent.length, exists: exists.length, mounted: mounted.length },
      unfinished: all.length - sent.length - exists.length - mounted.length,
      bytes: sizes(all),
      bytesSent: this.#sentBytes,
      bytesResumed: sum(all.map(({ resumedBytes }) => resumedBytes)),
      bytesMounted: sizes(mounted),
      bytesExisting: sizes(exists),
    };
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function next(before: LedgerEntry, event: CopyEvent, at: number): LedgerEntry {
  if (event.kind === 'found' || event.kind === 'throttled') return before;
  const { size } = event.descriptor;
  const moved = (bytes: number) => Math.min(size, Math.max(0, before.position + bytes));
  const { startedAt = at } = before;
  const rest = before.pause === undefined ? before : withoutPause(before);
  const state = before.state === 'waiting' ? 'active' : before.state;
  switch (event.kind) {
    case 'started':
      return { ...rest, startedAt, state: 'active', position: 0, resumedBytes: 0 };
    case 'exists':
      return { ...rest, state: 'exists', position: size, endedAt: at };
    case 'progress': {
      const sentBytes = before.sentBytes + Math.max(0, event.bytes);
      return { ...rest, startedAt, state, sentBytes, position: moved(event.bytes) };
    }
    case 'resumed': {
      const resumedBytes = Math.max(0, before.resumedBytes + event.bytes);
      return { ...rest, startedAt, state, resumedBytes, position: moved(event.bytes) };
    }
    case 'mounted':
      return { ...rest, startedAt, state: 'mounted', position: size, mountedFrom: event.from };
    case 'waiting':
      return { ...rest, startedAt, state, pause: { until: at + event.ms, why: event.why } };
    case 'done': {
      const ended = before.state === 'mounted' ? 'mounted' : 'done';
      const sentBytes = sentOf(before);
      return { ...rest, sentBytes, startedAt, state: ended, position: size, endedAt: at };
    }
  }
}

function withoutPause({ pause: _, ...rest }: LedgerEntry): LedgerEntry {
  return rest;
}

/** Who writes a document need not tell of its bytes. */
function sentOf({ descriptor, sentBytes }: LedgerEntry): number {
  return sentBytes === 0 && isDocumentType(descriptor.mediaType) ? descriptor.size : sentBytes;
}
