import { describe, expect, test } from 'bun:test';
import { type Bench, BODY, blob, expectWritten, send, startBench, write } from './sending.ts';
import { startTokens } from './tokens.ts';

const { digest } = blob.descriptor;
const SIZE = blob.bytes.length;
const TO = 'repository:app:pull,push';
const FROM = 'repository:base:pull';

describe('a mount', () => {
  const needs = ({ query }: { readonly query: string }) =>
    query.includes('mount=') ? [TO, FROM] : [TO];
  const prepare = ({ memory, registry }: Bench) => {
    memory.rememberPlace(registry.host, 'base', digest);
    registry.state.addBlob('base', blob.bytes);
  };

  test('is asked for with a token that may read where the blob is', async () => {
    await using tokens = startTokens({ needs });
    await using sent = await send({ guard: tokens.guard, prepare });
    expect(sent.error).toBeUndefined();
    expect(sent.registry.bodyBytes()).toBe(0);
    expect(tokens.asked.flat()).toContain(FROM);
    expect(tokens.asked.flat()).toContain(TO);
  });

  test('is given up where no token for both is to be had, and the blob is sent', async () => {
    await using tokens = startTokens({ needs, refuses: (scopes) => scopes.includes(FROM) });
    await using sent = await send({ guard: tokens.guard, prepare });
    expectWritten(sent);
    expect(tokens.asked).toContainEqual([TO]);
    expect(tokens.asked.filter((scopes) => scopes.includes(FROM)).length).toBeLessThanOrEqual(1);
  });
});

describe('a token that ends', () => {
  test.each(['PATCH', 'PUT'])(
    'before a %s is replaced, and the upload goes on in its session',
    async (method) => {
      await using tokens = startTokens({ endsBefore: (seen) => seen.method === method });
      const traits = method === 'PATCH' ? ({ way: 'chunks', chunkBytes: 1_000_000 } as const) : {};
      await using sent = await send({ guard: tokens.guard, traits });
      expectWritten(sent);
      expect(sent.registry.state.allSessions).toHaveLength(1);
      const kept = sent.registry.log.filter(({ line, status }) => BODY.test(line) && status < 400);
      expect(kept.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0)).toBe(SIZE);
    },
  );

  test('in the middle of a blob of many chunks costs no byte of it', async () => {
    let chunks = 0;
    await using tokens = startTokens({
      endsBefore: ({ method }) => method === 'PATCH' && ++chunks === 3,
    });
    await using bench = await startBench({
      guard: tokens.guard,
      traits: { way: 'chunks', chunkBytes: 500_000 },
    });
    const sent = await write(bench);
    expectWritten(sent);
    expect(bench.registry.state.allSessions).toHaveLength(1);
    expect(bench.registry.bodyBytes()).toBeLessThanOrEqual(SIZE + 500_000);
    expect(tokens.asked).toHaveLength(2);
  });
});

test('a registry that wants another token every time is asked twice more and no further', async () => {
  await using tokens = startTokens();
  await using sent = await send({
    // Whatever token comes with a body: it is asked for another.
    guard: (seen) => tokens.guard(BODY.test(seen.line) ? { ...seen, headers: {} } : seen),
  });
  expect(sent.error).toMatchObject({ name: 'FinchError' });
  expect(sent.registry.count(BODY)).toBeLessThanOrEqual(3);
});
