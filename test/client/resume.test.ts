import { describe, expect, test } from 'bun:test';
import { layerOf } from '../support/content-store-contract.ts';
import type { Fault, Reply } from '../support/faulty-registry-faults.ts';
import { refusal } from '../support/faulty-registry-faults.ts';
import { ecrLike, olaregLike, zotLike } from '../support/faulty-registry-profiles.ts';
import { RegistryState } from '../support/faulty-registry-state.ts';
import { BODY, blob, bodies, expectWritten, memoryOf, STATUS, send } from './sending.ts';

const SIZE = blob.bytes.length;

/** Whatever an answer's headers were, some are now others; undefined takes one away. */
function saying(headers: Readonly<Record<string, string | undefined>>) {
  return (reply: Reply): Reply => {
    const said = Object.entries({ ...reply.headers, ...headers });
    const kept = said.filter((entry): entry is [string, string] => entry[1] !== undefined);
    return { ...reply, headers: Object.fromEntries(kept) };
  };
}

/** The connection of the first body breaks when the registry has kept a million bytes. */
const broken: Fault = { on: BODY, nth: 1, does: 'cut', after: 1_000_000 };

describe('an upload whose connection breaks', () => {
  test.each(['reset', 'close'] as const)('by %s goes on where the registry stands', async (by) => {
    await using sent = await send({
      faults: [{ on: BODY, nth: 1, does: 'cut', after: 1_000_000, by }],
    });
    expectWritten(sent);
    expect(sent.registry.state.allSessions).toHaveLength(1);
    expect(sent.registry.bodyBytes()).toBe(SIZE);
    expect(sent.registry.count(STATUS)).toBe(1);
  });

  test('many times goes on each time, as long as there is progress', async () => {
    const faults = [{ on: BODY, does: 'cut', after: 200_000 } as const];
    await using sent = await send({ faults });
    expectWritten(sent);
    expect(sent.registry.state.allSessions).toHaveLength(1);
    expect(sent.registry.bodyBytes()).toBe(SIZE);
    expect(sent.registry.count(BODY)).toBeGreaterThan(14);
  });

  test('without any progress ends after a few tries', async () => {
    await using sent = await send({ faults: [{ on: BODY, does: 'cut', after: 0 }] });
    expect(sent.error).toMatchObject({ code: 'NETWORK' });
    expect(sent.registry.count(BODY)).toBeLessThan(20);
  });

  test('begins anew where the registry has lost the session', async () => {
    await using sent = await send({ profile: zotLike, faults: [broken] });
    expectWritten(sent);
    expect(sent.registry.state.allSessions).toHaveLength(2);
    expect(sent.registry.bodyBytes()).toBe(1_000_000 + SIZE);
  });

  test.each([400, 404, 410])(
    'begins anew where a session that is lost is a %i',
    async (unknownSession) => {
      await using sent = await send({ profile: { ...zotLike, unknownSession }, faults: [broken] });
      expectWritten(sent);
      expect(sent.registry.state.allSessions).toHaveLength(2);
    },
  );

  test.each([405, 501])('begins anew where the status is not told but %i', async (noStatus) => {
    await using sent = await send({ profile: { noStatus }, faults: [broken] });
    expectWritten(sent);
    expect(sent.registry.state.allSessions).toHaveLength(2);
    expect(sent.registry.bodyBytes()).toBe(1_000_000 + SIZE);
  });

  test('goes on at a registry whose Location is good for one size only', async () => {
    await using sent = await send({ profile: olaregLike, faults: [broken] });
    expectWritten(sent);
    expect(sent.registry.bodyBytes()).toBe(SIZE);
  });
});

describe('a status that says', () => {
  test('less than what was confirmed takes the upload back to there', async () => {
    // The registry has lost what came after the first 400,000 bytes.
    let isLost = false;
    await using sent = await send({
      traits: { way: 'chunks', chunkBytes: 500_000 },
      faults: [
        { on: BODY, nth: 3, does: 'cut', after: 100_000 },
        {
          on: STATUS,
          nth: 1,
          does: 'alter',
          to: (reply) => {
            isLost = true;
            return saying({ range: '0-399999' })(reply);
          },
        },
        { on: BODY, nth: 4, does: 'reply', with: { status: 500 } },
      ],
    });
    expect(isLost).toBe(true);
    // A registry that says so and then wants more is not understood, but the blob gets there.
    expectWritten(sent);
    expect(bodies(sent.registry)).toContainEqual(expect.stringMatching(/ 400000\+/));
  });

  test('more than what was sent is not believed: the session is given up', async () => {
    await using sent = await send({
      faults: [
        broken,
        { on: STATUS, nth: 1, does: 'alter', to: saying({ range: `0-${SIZE + 5}` }) },
      ],
    });
    expectWritten(sent);
    expect(sent.registry.state.allSessions).toHaveLength(2);
  });

  test.each(['0-0', '0--1', undefined, 'garbage', '5-9', '-', '0-1e3', '0-99999999999999999999'])(
    '%p ends in a blob that is there, sent again from its first byte at most once',
    async (range) => {
      await using sent = await send({
        faults: [broken, { on: STATUS, nth: 1, does: 'alter', to: saying({ range }) }],
      });
      expectWritten(sent);
      expect(sent.registry.bodyBytes()).toBeLessThanOrEqual(1_000_000 + 2 * SIZE);
    },
  );

  test.each(['bytes=0-999999', '0-999999/200', 'bytes 0-999999', ' 0-999999 '])(
    '%p, which is not how it is written, is understood or the upload begins anew',
    async (range) => {
      await using sent = await send({
        faults: [broken, { on: STATUS, nth: 1, does: 'alter', to: saying({ range }) }],
      });
      expectWritten(sent);
      expect([SIZE, SIZE + 1_000_000]).toContain(sent.registry.bodyBytes());
    },
  );
});

describe('a chunk whose answer says', () => {
  const traits = { way: 'chunks', chunkBytes: 1_000_000 } as const;

  test('less than was sent is asked about, and the upload goes on from what is there', async () => {
    await using sent = await send({
      traits,
      faults: [{ on: 'PATCH', nth: 1, does: 'alter', to: saying({ range: '0-499999' }) }],
    });
    expectWritten(sent);
    expect(sent.registry.count(STATUS)).toBeGreaterThan(0);
    expect(sent.registry.bodyBytes()).toBe(SIZE);
  });

  test('nothing goes on where it was', async () => {
    await using sent = await send({
      traits,
      faults: [{ on: 'PATCH', does: 'alter', to: saying({ range: undefined }) }],
    });
    expectWritten(sent);
    expect(sent.registry.bodyBytes()).toBe(SIZE);
  });

  test('the range of the first chunk for ever, at Amazon ECR, is taken as an answer', async () => {
    const chosen = layerOf(25_000_000);
    const as = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
    await using sent = await send({ ...chosen, as, profile: ecrLike });
    expectWritten(sent);
    expect(sent.registry.bodyBytes()).toBe(chosen.bytes.length);
    expect(sent.registry.count(STATUS)).toBe(0);
  });

  test('the range of the first chunk for ever, at Amazon ECR, is not where another process goes on', async () => {
    const chosen = layerOf(45_000_000);
    const as = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
    const state = new RegistryState();
    const kept = state.begin('app', { size: 30_000_000 });
    kept.pieces.push(chosen.bytes.slice(0, 30_000_000));
    kept.chunks = 3;
    kept.firstChunk = 10_000_000;
    const location = `https://${as}/v2/app/blobs/uploads/${kept.id}?_state=x`;
    const memory = () => memoryOf({ location, offset: 30_000_000 });
    await using sent = await send({ ...chosen, as, profile: ecrLike, state, memory });
    expectWritten(sent);
    expect(sent.steps).toContainEqual({ kind: 'resumed', bytes: 30_000_000 });
    expect(sent.registry.bodyBytes()).toBe(15_000_000);
  });

  test('another Location has the next chunk sent there', async () => {
    let count = 0;
    await using sent = await send({
      traits,
      profile: { location: ({ path }) => `${path}?_state=n${++count}` },
    });
    expectWritten(sent);
    const states = sent.registry.log
      .filter(({ line }) => BODY.test(line))
      .map(({ query }) => /_state=(n\d+)/.exec(query)?.[1]);
    expect(states.slice(0, 3)).toEqual(['n1', 'n2', 'n3']);
  });
});

test('an error of the registry in the middle of an upload does not lose what it has', async () => {
  const late = { on: BODY, nth: [1, 2, 3], does: 'reply', after: 300_000 } as const;
  await using sent = await send({
    faults: [{ ...late, with: refusal(503, 'UNAVAILABLE') }],
  });
  expectWritten(sent);
  expect(sent.registry.state.allSessions).toHaveLength(1);
});
