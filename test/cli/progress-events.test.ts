import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { progressEvents } from '../../src/cli/progress-events.ts';
import { createSpeaker } from '../../src/cli/speaker.ts';
import type { CopyEvent } from '../../src/copy/events.ts';
import { CopyLedger } from '../../src/copy/ledger.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';
import { eventsIn, type PushEvent, replayed } from '../e2e/support/push-events.ts';
import { CANARY } from '../support/canary.ts';

function descriptor(mediaType: string, size: number): Descriptor {
  return { mediaType, digest: digestOf(new TextEncoder().encode(mediaType + size)), size };
}

const LAYER = descriptor(mediaTypes.layerGzip, 1_000_000);
const MANIFEST = descriptor(mediaTypes.manifest, 500);

/** Runs events by a clock that a test sets, and gives what is told. */
function told(steps: readonly { readonly event: CopyEvent; readonly ms: number }[]) {
  let now = 0;
  const events: PushEvent[] = [];
  const time = () => new Date(now);
  const display = progressEvents(
    (event) => events.push({ time: time().toISOString(), ...event } as PushEvent),
    { now: time },
  );
  for (const { event, ms } of steps) {
    now += ms;
    display.update(event, 'host/app');
  }
  display.close();
  return events;
}

describe('progressEvents()', () => {
  test('tells of bytes at most ten times a second, with all of them in the end', () => {
    const found = { event: { kind: 'found', descriptor: LAYER }, ms: 0 } as const;
    const bytes = { event: { kind: 'progress', descriptor: LAYER, bytes: 10 }, ms: 1 } as const;
    const events = told([found, ...Array.from({ length: 1000 }, () => bytes)]);
    const progress = events.filter(({ event }) => event === 'progress');
    expect(progress.length).toBeLessThanOrEqual(11);
    expect(progress.reduce((sum, one) => sum + Number(one['bytes']), 0)).toBe(10_000);
  });

  test('says of content what it is once, and then which', () => {
    const kinds = ['found', 'started', 'done'] as const;
    const events = told(kinds.map((kind) => ({ event: { kind, descriptor: LAYER }, ms: 0 })));
    const { digest, mediaType, size } = LAYER;
    const time = new Date(0).toISOString();
    const subject = { time, repository: 'host/app', digest };
    expect(events.slice(0, 3)).toEqual([
      { ...subject, event: 'found', kind: 'layer', mediaType, size },
      { ...subject, event: 'started' },
      { ...subject, event: 'done' },
    ]);
  });

  test('replays to the same totals, whatever happened', () => {
    const event = fc.oneof(
      fc.record({
        kind: fc.constantFrom('started', 'exists', 'throttled', 'done'),
        descriptor: fc.constantFrom(LAYER, MANIFEST),
      }),
      fc.record({
        kind: fc.constantFrom('progress', 'resumed'),
        descriptor: fc.constantFrom(LAYER, MANIFEST),
        bytes: fc.integer({ min: -2000, max: 2000 }),
      }),
      fc.record({
        kind: fc.constant('mounted'),
        descriptor: fc.constantFrom(LAYER, MANIFEST),
        from: fc.constant('base'),
      }),
    );
    const step = fc.record({ event, ms: fc.integer({ min: 0, max: 150 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (random) => {
        const found = [LAYER, MANIFEST].map((one) => ({
          event: { kind: 'found', descriptor: one } as const,
          ms: 0,
        }));
        const steps = [...found, ...(random as { event: CopyEvent; ms: number }[])];
        const ledger = new CopyLedger();
        for (const one of steps) ledger.update(one.event, { at: 0 });
        const events = told(steps);
        expect(replayed(events)).toEqual(ledger.totals());
        expect(events.at(-1)).toMatchObject({ event: 'end', totals: ledger.totals() });
      }),
    );
  });
});

describe('createSpeaker()', () => {
  test('writes text until it speaks JSON, and then every line as an event without secrets', () => {
    let written = '';
    const stderr = {
      ...{ isTerminal: false, columns: 80 },
      write: (text: string) => {
        written += text;
      },
    };
    const speaker = createSpeaker({ stderr, now: () => new Date(0) });
    speaker.tell({ event: 'start' });
    speaker.write('as it is\n');
    expect(written).toBe('as it is\n');
    written = '';
    speaker.speakJson();
    speaker.write(`one\ntwo\u001b[31m password=${CANARY}\n`);
    speaker.tell({ event: 'start', references: [{ name: 'a' }] });
    const [one, two, start] = eventsIn(written);
    const time = new Date(0).toISOString();
    expect(one).toEqual({ version: 1, event: 'note', time, text: 'one' } as object as PushEvent);
    expect(two?.['text']).toBe('two [31m password=REDACTED');
    expect(start).toMatchObject({ event: 'start', references: [{ name: 'a' }] });
    expect(written.includes(CANARY)).toBe(false);
  });
});
