import { expect, test } from 'bun:test';
import { memoryContent } from '../../src/content.ts';
import { hasCode } from '../../src/errors.ts';
import { transportWith } from '../../src/http/transport.ts';
import { layerOf } from './content-store-contract.ts';
import { type FaultyOptions, startFaultyRegistry } from './faulty-registry.ts';
import { refusal } from './faulty-registry-faults.ts';
import { ghcrLike, zotLike } from './faulty-registry-profiles.ts';
import { openTestRepository } from './open-test-repository.ts';

const { descriptor, bytes } = layerOf(3_000_000);
const transport = transportWith();

/** One request to a session of its own, of which the answer is given, or the error's code. */
async function patch(
  options: FaultyOptions,
  { body = bytes, headers = {} }: { body?: Uint8Array; headers?: Record<string, string> } = {},
) {
  const registry = await startFaultyRegistry(options);
  const session = registry.state.begin('app');
  const url = new URL(`${registry.origin}/v2/app/blobs/uploads/${session.id}?_state=x`);
  const stream = async function* () {
    for (let at = 0; at < body.length; at += 65_536) yield body.subarray(at, at + 65_536);
  };
  const outcome = await transport({
    method: 'PATCH',
    url,
    headers,
    body: () => ({ stream: stream(), length: body.length }),
  }).then(
    async (response) => ({ status: response.status, text: await response.text(), response }),
    (error: unknown) => (hasCode(error, 'NETWORK') ? 'no answer' : error),
  );
  return { outcome, session, registry, [Symbol.asyncDispose]: registry[Symbol.asyncDispose] };
}

test('a blob that is pushed is there', async () => {
  await using registry = await startFaultyRegistry();
  await openTestRepository(registry.host).write(descriptor, memoryContent(bytes));
  expect(
    Buffer.compare(
      registry.state.repository('app').blobs.get(descriptor.digest) ?? Buffer.of(),
      bytes,
    ),
  ).toBe(0);
  expect(registry.bodyBytes()).toBe(3_000_000);
});

test.each(['reset', 'close'] as const)(
  'a connection that ends by %s keeps what came before',
  async (by) => {
    await using tried = await patch({
      faults: [{ on: 'PATCH', does: 'cut', after: 1_000_000, by }],
    });
    expect(tried.outcome).toBe('no answer');
    expect(tried.session.size).toBe(1_000_000);
    expect(tried.registry.log.map(({ status, bodyBytes }) => [status, bodyBytes])).toEqual([
      [0, 1_000_000],
    ]);
  },
);

test('a session of zot is gone when its body breaks off', async () => {
  await using tried = await patch({
    profile: zotLike,
    faults: [{ on: 'PATCH', does: 'cut', after: 1_000_000 }],
  });
  expect(tried.registry.state.sessions.size).toBe(0);
});

test('an answer comes while the client still writes', async () => {
  const early = {
    on: 'PATCH',
    does: 'reply',
    after: 500_000,
    with: refusal(429, 'TOOMANYREQUESTS'),
  } as const;
  await using tried = await patch({ faults: [early] });
  expect(tried.outcome).toMatchObject({ status: 429 });
  expect(tried.session.size).toBe(500_000);
});

test('what is kept may get another answer, or none', async () => {
  const altered = await patch({
    faults: [
      {
        on: 'PATCH',
        does: 'alter',
        to: (reply) => ({ ...reply, headers: { ...reply.headers, range: '0-9' } }),
      },
      { on: 'PATCH', does: 'noise', bytes: 'HTTP/1.1 102 Processing\r\n\r\n' },
    ],
  });
  await using _ = altered;
  expect(altered.outcome).toMatchObject({ status: 202 });
  expect(altered.session.size).toBe(3_000_000);
  await using lost = await patch({ faults: [{ on: 'PATCH', does: 'lose' }] });
  expect([lost.outcome, lost.session.size]).toEqual(['no answer', 3_000_000]);
});

test('a chunk of more than 4 MiB is too large for GitHub', async () => {
  const body = new Uint8Array(5 * 1024 * 1024);
  const headers = { 'content-range': `0-${body.length - 1}` };
  await using tried = await patch({ profile: ghcrLike }, { body, headers });
  expect(tried.outcome).toMatchObject({ status: 416, text: expect.stringContaining('too large') });
});

test('who is not read from any more does not get rid of its bytes', async () => {
  const registry = await startFaultyRegistry({
    faults: [{ on: 'PUT', does: 'stall', after: 100_000 }],
  });
  await using _ = registry;
  let given = 0;
  const stream = async function* () {
    for (; given < 400; given += 1) yield new Uint8Array(100_000);
  };
  const url = new URL(`${registry.origin}/v2/app/blobs/uploads/${registry.state.begin('app').id}`);
  const sent = transportWith({ patienceMs: 300, stallMs: 300 })({
    method: 'PUT',
    url,
    body: () => ({ stream: stream(), length: 40_000_000 }),
  });
  await expect(sent).rejects.toMatchObject({ code: 'NETWORK' });
  expect(given).toBeLessThan(399);
  expect(registry.log[0]?.bodyBytes).toBe(100_000);
});
