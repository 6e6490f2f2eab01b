import { describe, expect, test } from 'bun:test';
import type { FinchError } from '../../src/errors.ts';
import { layerOf } from '../support/content-store-contract.ts';
import { type Fault, refusal } from '../support/faulty-registry-faults.ts';
import { ecrLike, ghcrLike } from '../support/faulty-registry-profiles.ts';
import {
  BODY,
  blob,
  bodies,
  expectOneWriter,
  expectWritten,
  STATUS,
  send,
  write,
} from './sending.ts';

const SIZE = blob.bytes.length;
const MIB = 1024 * 1024;
const chunks = { way: 'chunks', chunkBytes: 1_000_000 } as const;

describe('a chunk that is refused with 416', () => {
  test('and Range and Location goes on from there', async () => {
    // The first chunk is kept, but its answer is lost: the second try is out of order.
    await using sent = await send({
      traits: chunks,
      faults: [
        { on: BODY, nth: 1, does: 'lose' },
        {
          on: STATUS,
          nth: 1,
          does: 'alter',
          to: (reply) => ({ ...reply, headers: { ...reply.headers, range: '0-0' } }),
        },
      ],
    });
    expectWritten(sent);
    expect(sent.registry.bodyBytes()).toBeLessThanOrEqual(SIZE + 2 * 1_000_000);
  });

  test('and nothing else is asked about, once', async () => {
    await using sent = await send({
      traits: chunks,
      faults: [{ on: BODY, nth: 2, does: 'reply', with: { status: 416 } }],
    });
    expectWritten(sent);
    expect(sent.registry.count(STATUS)).toBeGreaterThan(0);
    expect(sent.registry.bodyBytes()).toBe(SIZE + 1_000_000);
  });

  test('because it is too large comes again as smaller ones', async () => {
    const chosen = layerOf(11 * MIB);
    const traits = { way: 'chunks', chunkBytes: 8 * MIB } as const;
    await using sent = await send({ ...chosen, traits, profile: { ...ghcrLike } });
    expectWritten(sent);
    const kept = sent.registry.log.filter(({ status }) => status === 202 || status === 201);
    const lengths = kept.map(({ bodyBytes }) => bodyBytes).filter((n) => n > 0);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(4 * MIB);
  });

  test('in passing is no reason for smaller ones', async () => {
    const traits = { way: 'chunks', chunkBytes: 8 * MIB } as const;
    const faults: Fault[] = [{ on: BODY, nth: 2, does: 'reply', with: { status: 416 } }];
    await using sent = await send({ ...layerOf(20 * MIB), traits, faults });
    expectWritten(sent);
    expect(bodies(sent.registry).at(-1)).toEndWith(`+${4 * MIB}`);
    expect(sent.memory.traits(sent.registry.host)).toEqual(traits);
  });

  test('twice does not have a registry get shorter ones than it takes', async () => {
    const faults: Fault[] = [{ on: 'PATCH', nth: [2, 3], does: 'reply', with: { status: 416 } }];
    const as = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
    await using sent = await send({ ...layerOf(25 * MIB), as, profile: ecrLike, faults });
    expectWritten(sent);
    const patches = bodies(sent.registry).filter((one) => one.startsWith('PATCH'));
    expect(patches.filter((one) => !one.endsWith(`+${10 * MIB}`))).toEqual([]);
    expect(sent.memory.traits(as)).toEqual({});
  });

  test('every time ends, and does not go on for ever', async () => {
    await using sent = await send({
      traits: chunks,
      faults: [{ on: /^PATCH|^PUT .*uploads/, does: 'reply', with: refusal(416, 'RANGE_INVALID') }],
    });
    expect(sent.error).toMatchObject({ name: 'FinchError' });
    expect(sent.registry.log.length).toBeLessThan(60);
  });
});

describe('a body that is refused with 413', () => {
  test('is halved until it is let through, and the next blob of that registry begins so', async () => {
    const profile = { maxBody: 1_200_000 };
    await using sent = await send({ profile });
    expectWritten(sent);
    const refused = sent.registry.log.filter(({ status }) => status === 413).length;
    expect(refused).toBeGreaterThan(0);
    const next = await write(sent, layerOf(2_000_000, 2));
    expectWritten(next);
    expect(sent.registry.log.filter(({ status }) => status === 413)).toHaveLength(refused);
  });

  test('however small it is, is an error that says so', async () => {
    await using sent = await send({ profile: { maxBody: 1000 } });
    const error = sent.error as FinchError;
    expect(error).toMatchObject({ name: 'FinchError' });
    expect(`${error.message} ${error.hint}`).toMatch(/large|413|limit/i);
    expect(sent.registry.log.length).toBeLessThan(60);
  });
});

describe('a registry that has trouble', () => {
  test.each([500, 502, 503, 504, 522, 408])(
    'and says %i gets the rest, not the whole',
    async (status) => {
      await using sent = await send({
        traits: chunks,
        faults: [{ on: BODY, nth: 2, does: 'reply', with: { status } }],
      });
      expectWritten(sent);
      expect(sent.registry.state.allSessions).toHaveLength(1);
      expect(sent.registry.bodyBytes()).toBe(SIZE + 1_000_000);
    },
  );

  test('of changing kinds at every chunk gets them all', async () => {
    const traits = { way: 'chunks', chunkBytes: 250_000 } as const;
    let n = 0;
    await using sent = await send({
      traits,
      faults: [
        {
          on: BODY,
          // Twice each chunk, of which there are twelve: more than the tries that a blob has without progress.
          nth: Array.from({ length: 36 }, (_, i) => i + 1).filter((i) => i % 3 !== 0),
          does: 'reply',
          with: () => ({ status: [500, 502, 503, 504, 522][n++ % 5] ?? 500 }),
        },
      ],
    });
    expectWritten(sent);
    expect(sent.registry.state.allSessions).toHaveLength(1);
    expect(n).toBeGreaterThan(8);
  });

  test('and never gets better is told of after a few tries', async () => {
    await using sent = await send({ faults: [{ on: BODY, does: 'reply', with: { status: 500 } }] });
    expect(sent.error).toMatchObject({ name: 'FinchError' });
    expect(sent.registry.count(BODY)).toBeLessThan(20);
  });
});

describe('the end of an upload', () => {
  test.each(['reset', 'close'] as const)(
    'whose answer is lost by %s is looked for, and the blob is not sent again',
    async (by) => {
      await using sent = await send({
        faults: [{ on: /^PUT .*digest=/, nth: 1, does: 'lose', by }],
      });
      expectWritten(sent);
      expect(sent.registry.bodyBytes()).toBe(SIZE);
      expect(sent.registry.count('HEAD')).toBe(2);
    },
  );

  test.each([500, 502, 504])(
    'that is kept but answered with %i is looked for, and the blob is not sent again',
    async (status) => {
      await using sent = await send({
        faults: [{ on: /^PUT .*digest=/, nth: 1, does: 'alter', to: () => ({ status }) }],
      });
      expectWritten(sent);
      expect(sent.registry.bodyBytes()).toBe(SIZE);
    },
  );

  test('that is told twice does no harm', async () => {
    await using sent = await send({
      faults: [{ on: /^PUT .*digest=/, nth: 1, does: 'cut' }],
    });
    expectWritten(sent);
    expectOneWriter(sent.registry);
  });

  test('with another digest than was sent begins anew once', async () => {
    await using sent = await send({
      faults: [
        { on: /^PUT .*digest=/, nth: 1, does: 'reply', with: refusal(400, 'DIGEST_INVALID') },
      ],
    });
    expectWritten(sent);
    expect(bodies(sent.registry).length).toBeLessThanOrEqual(2);
    expect(sent.registry.state.allSessions).toHaveLength(2);
  });

  test('with another digest every time fails after one more try', async () => {
    await using sent = await send({
      faults: [{ on: /^PUT .*digest=/, does: 'reply', with: refusal(400, 'DIGEST_INVALID') }],
    });
    expect(sent.error).toMatchObject({ code: 'CONTENT_MISMATCH' });
    expect(sent.registry.count(/^PUT .*digest=/)).toBe(2);
  });

  test('that says it kept another digest is an error', async () => {
    const headers = { 'docker-content-digest': layerOf(5).descriptor.digest };
    await using sent = await send({
      faults: [{ on: /^PUT .*digest=/, does: 'alter', to: (reply) => ({ ...reply, headers }) }],
    });
    expect(sent.error).toMatchObject({ code: 'CONTENT_MISMATCH' });
  });
});
