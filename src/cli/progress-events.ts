import type { CopyEvent } from '../copy/events.ts';
import { CopyLedger, contentKind } from '../copy/ledger.ts';
import type { ProgressDisplay } from './progress-display.ts';

/** Between two events about the bytes of one piece of content, in milliseconds. */
const STEP_MS = 100;

/** Bytes that are not told yet. */
interface Pending {
  readonly event: CopyEvent;
  readonly place: string;
  readonly bytes: number;
}

/**
 * Each event as an object for `--progress json`. Bytes that go out are told at most ten times a second for each piece of
 * content; what is told always comes to the same sums. The last one has the totals.
 * @param tell gets the fields of one event
 */
export function progressEvents(
  tell: (event: Readonly<Record<string, unknown>>) => void,
  { now }: { readonly now: () => Date },
): ProgressDisplay {
  const ledger = new CopyLedger();
  const startedAt = now().getTime();
  const pending = new Map<string, Pending>();
  const toldAt = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;

  const flush = (key: string) => {
    const due = pending.get(key);
    if (due === undefined) return;
    pending.delete(key);
    toldAt.set(key, now().getTime());
    const { event, place, bytes } = due;
    tell({ event: 'progress', ...subject(event, place), bytes });
  };

  const flushAll = () => {
    clearTimeout(timer);
    timer = undefined;
    for (const key of [...pending.keys()]) flush(key);
  };

  return {
    update(event, place) {
      ledger.update(event, { at: now().getTime(), place });
      const key = `${place} ${event.descriptor.digest}`;
      if (event.kind === 'progress') {
        const before = pending.get(key)?.bytes ?? 0;
        // What went out and what goes again are never told as one: their sum says neither.
        if (before < 0 !== event.bytes < 0) flush(key);
        const bytes = (pending.get(key)?.bytes ?? 0) + event.bytes;
        if (bytes !== 0) pending.set(key, { event, place, bytes });
        if (now().getTime() - (toldAt.get(key) ?? Number.NEGATIVE_INFINITY) >= STEP_MS) flush(key);
        // What nothing follows is told too; the clock must not keep the program alive.
        else timer ??= setTimeout(flushAll, STEP_MS).unref();
        return;
      }
      flush(key);
      tell(fieldsOf(event, place));
    },
    close() {
      flushAll();
      tell({ event: 'end', ms: now().getTime() - startedAt, totals: ledger.totals() });
    },
  };
}

function subject({ descriptor }: CopyEvent, place: string): Readonly<Record<string, unknown>> {
  return { ...(place !== '' && { repository: place }), digest: descriptor.digest };
}

function fieldsOf(event: CopyEvent, place: string): Readonly<Record<string, unknown>> {
  const { kind, descriptor, ...more } = event;
  const { mediaType, size } = descriptor;
  const about = kind === 'found' ? { kind: contentKind(descriptor), mediaType, size } : more;
  return { event: kind, ...subject(event, place), ...about };
}
