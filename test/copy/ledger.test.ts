import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { CopyEvent } from '../../src/copy/events.ts';
import { CopyLedger, resultOf } from '../../src/copy/ledger.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-types.ts';

function descriptor(mediaType: string, size: number): Descriptor {
  return { mediaType, digest: digestOf(new TextEncoder().encode(mediaType + size)), size };
}

const LAYER = descriptor(mediaTypes.layerGzip, 1000);
const MANIFEST = descriptor(mediaTypes.manifest, 50);

/** What one layer comes to, by steps of which each takes a second. */
function after(...steps: readonly Readonly<Record<string, unknown>>[]) {
  const ledger = new CopyLedger();
  let at = 0;
  for (const step of steps) {
    at += 1000;
    ledger.update({ descriptor: LAYER, ...step } as CopyEvent, { at });
  }
  const [entry] = ledger.all();
  if (entry === undefined) throw new Error('nothing is known');
  return { ...entry, result: resultOf(entry), totals: ledger.totals() };
}

const started = [{ kind: 'found' }, { kind: 'started' }];
const progress = (bytes: number) => ({ kind: 'progress', bytes });

describe('CopyLedger', () => {
  test('counts what went out and what is there, when some goes again', () => {
    expect(
      after(...started, progress(600), progress(-400), progress(800), { kind: 'done' }),
    ).toMatchObject({
      ...{ state: 'done', result: 'sent', position: 1000, sentBytes: 1400, resumedBytes: 0 },
      ...{ startedAt: 2000, endedAt: 6000 },
      totals: { blobs: 1, sent: 1, bytes: 1000, bytesSent: 1400 },
    });
  });

  test('counts what was there of an earlier try, and what the registry lost of it', () => {
    const resumed = (bytes: number) => ({ kind: 'resumed', bytes });
    expect(after(...started, resumed(700), progress(300), { kind: 'done' })).toMatchObject({
      ...{ result: 'sent', sentBytes: 300, resumedBytes: 700 },
      totals: { bytesSent: 300, bytesResumed: 700 },
    });
    expect(after(...started, resumed(700), resumed(-700), progress(100))).toMatchObject({
      ...{ result: 'unfinished', position: 100, resumedBytes: 0 },
      totals: { unfinished: 1, bytesSent: 100, bytesResumed: 0 },
    });
  });

  test('keeps how content came: mounted, there already, or there when it was to be written', () => {
    expect(after(...started, { kind: 'mounted', from: 'base' }, { kind: 'done' })).toMatchObject({
      ...{ state: 'mounted', result: 'mounted', mountedFrom: 'base', sentBytes: 0 },
      totals: { mounted: 1, sent: 0, bytesMounted: 1000, bytesSent: 0 },
    });
    expect(after({ kind: 'found' }, { kind: 'exists' })).toMatchObject({
      totals: { exists: 1, bytesExisting: 1000 },
    });
    expect(after(...started, { kind: 'done' })).toMatchObject({
      ...{ state: 'done', result: 'exists' },
      totals: { exists: 1, sent: 0, bytesExisting: 1000 },
    });
  });

  test('takes a document as sent whole when nobody told of its bytes', () => {
    const ledger = new CopyLedger();
    for (const kind of ['found', 'started', 'done'] as const) {
      ledger.update({ kind, descriptor: MANIFEST }, { at: 0 });
    }
    expect(ledger.totals()).toMatchObject({ sent: 1, bytesSent: 50 });
  });

  test('knows until when nothing is sent, as long as nothing is', () => {
    const waiting = { kind: 'waiting', ms: 30_000, why: 'the registry asks to' };
    expect(after(...started, waiting).pause).toEqual({
      until: 33_000,
      why: 'the registry asks to',
    });
    expect(after(...started, waiting, progress(1)).pause).toBeUndefined();
    expect(after(...started, waiting, { kind: 'throttled' }).pause).toBeDefined();
  });

  test('begins anew when the copy of something does, and forgets no byte that went out', () => {
    expect(after(...started, progress(600), { kind: 'started' }, progress(1000))).toMatchObject({
      ...{ position: 1000, sentBytes: 1600, startedAt: 2000 },
    });
  });

  test('tells the same content apart by where it goes', () => {
    const ledger = new CopyLedger();
    ledger.update({ kind: 'exists', descriptor: LAYER }, { at: 0, place: 'a/app' });
    ledger.update({ kind: 'found', descriptor: LAYER }, { at: 0, place: 'b/app' });
    expect(ledger.totals()).toMatchObject({ blobs: 2, exists: 1, unfinished: 1, bytes: 2000 });
  });

  test('never has more than the size or less than nothing, and all parts make the whole', () => {
    const event = fc.record({
      kind: fc.constantFrom('found', 'started', 'exists', 'progress', 'resumed', 'mounted', 'done'),
      descriptor: fc.constantFrom(LAYER, MANIFEST),
      bytes: fc.integer({ min: -2000, max: 2000 }),
      from: fc.constant('base'),
    });
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const ledger = new CopyLedger();
        for (const one of events) ledger.update(one as CopyEvent, { at: 0 });
        for (const {
          position,
          descriptor: { size },
          sentBytes,
          resumedBytes,
        } of ledger.all()) {
          expect(position >= 0 && position <= size && sentBytes >= 0 && resumedBytes >= 0).toBe(
            true,
          );
        }
        const { blobs, sent, exists, mounted, unfinished, bytesSent } = ledger.totals();
        expect(sent + exists + mounted + unfinished).toBe(blobs);
        expect(bytesSent).toBe(ledger.all().reduce((sum, { sentBytes }) => sum + sentBytes, 0));
      }),
    );
  });
});
