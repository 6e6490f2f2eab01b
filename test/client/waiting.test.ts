import { describe, expect, test } from 'bun:test';
import { refusal } from '../support/faulty-registry-faults.ts';
import { buildImage, layerTar } from '../support/images.ts';
import { expectPushed, push } from './pushing.ts';
import { BODY, blob, expectWritten, send } from './sending.ts';

const SIZE = blob.bytes.length;
const AT = Date.parse('2026-01-02T03:04:05Z');

/** The answer of a registry that is busy. */
const busy = (status: number, headers: Record<string, string>) => {
  const reply = refusal(status, 'TOOMANYREQUESTS');
  return { ...reply, headers: { ...reply.headers, ...headers } };
};

test('a registry whose disk is full is not asked again and again', async () => {
  await using sent = await send({
    faults: [{ on: BODY, does: 'reply', with: refusal(507, 'UNKNOWN') }],
  });
  expect(sent.error).toMatchObject({ code: 'REGISTRY' });
  expect(sent.waits).toEqual([]);
});

describe('a registry in maintenance', () => {
  test('that names a date is waited for until then, which is told', async () => {
    const date = (now: number) => new Date(now + 120_000).toUTCString();
    await using sent = await send({
      faults: [
        {
          on: 'POST',
          nth: 1,
          does: 'reply',
          with: () => busy(503, { 'retry-after': date(Date.now()) }),
        },
      ],
    });
    expectWritten(sent);
    const [wait = 0] = sent.waits;
    expect(wait).toBeGreaterThan(110_000);
    expect(wait).toBeLessThanOrEqual(121_000);
  });

  test('is told of as a wait, with its length', async () => {
    await using sent = await send({
      faults: [{ on: BODY, nth: 1, does: 'reply', with: busy(503, { 'retry-after': '120' }) }],
    });
    expectWritten(sent);
    const waiting = sent.steps.filter((step) => step.kind === 'waiting');
    expect(waiting).toContainEqual(expect.objectContaining({ ms: 120_000 }));
  });
});

describe('Retry-After', () => {
  test.each([
    ['7', { 'retry-after': '7' }, 7000, 7000],
    ['0', { 'retry-after': '0' }, 0, 60_000],
    ['a negative number', { 'retry-after': '-5' }, 0, 60_000],
    ['a year', { 'retry-after': '31536000' }, 0, 300_000],
    ['nothing that makes sense', { 'retry-after': 'soon' }, 0, 60_000],
    ['a date that is past', { 'retry-after': new Date(AT).toUTCString() }, 0, 60_000],
    ['nothing', {}, 0, 60_000],
  ] as const)('of %s is followed within reason', async (_name, headers, least, most) => {
    await using sent = await send({
      faults: [{ on: BODY, nth: 1, does: 'reply', with: busy(429, { ...headers }) }],
    });
    const total = sent.waits.reduce((sum, ms) => sum + ms, 0);
    expect(total).toBeGreaterThanOrEqual(least);
    expect(total).toBeLessThanOrEqual(most);
    if (sent.error === undefined) expectWritten(sent);
    else expect(sent.error).toMatchObject({ name: 'FinchError' });
  });

  test('as Docker Hub says it, in seconds since 1970, is followed', async () => {
    const epoch = () => String(Math.ceil(Date.now() / 1000) + 9);
    await using sent = await send({
      faults: [
        { on: BODY, nth: 1, does: 'reply', with: () => busy(429, { 'x-retry-after': epoch() }) },
      ],
    });
    expectWritten(sent);
    expect(sent.waits.some((ms) => ms > 7000 && ms <= 10_000)).toBe(true);
  });
});

test.each([403, 500])('too many requests is a reason to wait also as a %i', async (status) => {
  await using sent = await send({
    faults: [{ on: 'POST', nth: 1, does: 'reply', with: busy(status, { 'retry-after': '3' }) }],
  });
  expectWritten(sent);
  expect(sent.waits).toContain(3000);
  expect(sent.registry.bodyBytes()).toBe(SIZE);
});

test('a registry that throttles is asked for less at once', async () => {
  await using sent = await send({
    faults: [{ on: BODY, nth: 1, does: 'reply', with: busy(429, { 'retry-after': '1' }) }],
  });
  expectWritten(sent);
  expect(sent.steps).toContainEqual({ kind: 'throttled' });
});

test('a registry that is busy is left alone by all that goes on at once', async () => {
  const layers = Array.from({ length: 12 }, (_, i) => layerTar(`layer ${i}`, `file-${i}`));
  const held = Promise.withResolvers<void>();
  let isWaiting = false;
  const pushing = push(buildImage({ layers }), {
    faults: [{ on: BODY, nth: 1, does: 'reply', with: busy(429, { 'retry-after': '5' }) }],
    sleep: async () => {
      isWaiting = true;
      await held.promise;
    },
    prepare: ({ registry }) => {
      const untilQuiet = async () => {
        for (let before = -1; !isWaiting || registry.log.length > before; ) {
          before = registry.log.length;
          await Bun.sleep(30);
        }
      };
      // What was on its way when the answer came may still come in; of 13 blobs that is not all.
      void untilQuiet().then(() => {
        quiet = registry.count(BODY);
        held.resolve();
      });
    },
  });
  let quiet = Number.NaN;
  await using pushed = await pushing;
  expectPushed(pushed);
  expect(quiet).toBeLessThan(9);
});
