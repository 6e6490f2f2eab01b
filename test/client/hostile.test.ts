import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { currentOwner } from '../../src/host/owner.ts';
import { redactText } from '../../src/http/redact.ts';
import { openRegistryMemory } from '../../src/registry/memory/open-memory.ts';
import { layerOf } from '../support/content-store-contract.ts';
import { refusal } from '../support/faulty-registry-faults.ts';
import type { KeptSession } from '../support/faulty-registry-state.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { BODY, blob, bodies, expectWritten, memoryOf, STATUS, send, write } from './sending.ts';

const SIZE = blob.bytes.length;
const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);

/** An upload of `app` that a process which is gone has left. */
function leftAt(host: string, id: string) {
  return memoryOf({ location: `http://${host}/v2/app/blobs/uploads/${id}?_state=x-0`, offset: 0 });
}

test('an upload of another process whose bytes still arrive is gone on with when all have, once', async () => {
  let late = [400_000, 300_000, 200_000];
  let session: KeptSession | undefined;
  const arrive = () => {
    const [count = 0, ...rest] = late;
    late = rest;
    if (session === undefined || count === 0) return;
    session.pieces.push(blob.bytes.slice(session.size, session.size + count));
    session.size += count;
  };
  await using sent = await send({
    memory: (host) => leftAt(host, 'u1'),
    prepare: ({ registry }) => {
      session = registry.state.begin('app');
      arrive();
    },
    sleep: async () => arrive(),
  });
  expectWritten(sent);
  expect(sent.registry.state.allSessions).toHaveLength(1);
  expect(bodies(sent.registry)).toEqual([`PUT 900000+${SIZE - 900_000}`]);
  // A first look comes soon; when it moved in between, the next ones take longer than the gaps of a link.
  expect(sent.waits).toEqual([250, 1500, 1500]);
});

test('an upload of another process whose end is never the same is given up', async () => {
  const ids: string[] = [];
  let looks = 0;
  await using sent = await send({
    memory: (host) => leftAt(host, 'u1'),
    prepare: ({ registry }) => ids.push(registry.state.begin('app').id),
    faults: [
      {
        on: STATUS,
        does: 'alter',
        to: (reply) => {
          looks += 1;
          return { ...reply, headers: { ...reply.headers, range: `0-${looks % 2 ? 99 : 199}` } };
        },
      },
    ],
  });
  expect(ids).toEqual(['u1']);
  expectWritten(sent);
  expect(looks).toBeGreaterThan(3);
  expect(looks).toBeLessThan(12);
  expect(sum(sent.waits)).toBeLessThan(20_000);
});

test('a registry that keeps a few bytes of each request is not asked for ever', async () => {
  await using sent = await send({ faults: [{ on: BODY, does: 'cut', after: 10 }] });
  expect(sent.error).toMatchObject({ code: 'NETWORK' });
  expect(sent.registry.count(BODY)).toBeLessThan(12);
});

test('a blob waits ten minutes at most for a registry that takes next to nothing', async () => {
  const busy = { status: 429, headers: { 'retry-after': '299' } };
  await using sent = await send({
    traits: { way: 'chunks', chunkBytes: 200_000 },
    faults: [{ on: BODY, does: 'reply', after: 30_000, with: busy }],
  });
  expect(sent.error).toMatchObject({ name: 'FinchError' });
  expect(sum(sent.waits)).toBeLessThanOrEqual(600_000);
});

test('a registry that says it has a blob of which most was not sent is asked whether it has', async () => {
  const { descriptor, bytes } = layerOf(20_000_000);
  const content = {
    size: bytes.length,
    async *stream({ start = 0 } = {}) {
      for (let at = start; at < bytes.length; at += 500_000) yield bytes.subarray(at, at + 500_000);
    },
  };
  await using sent = await send({
    ...{ descriptor, content },
    faults: [{ on: BODY, nth: 1, does: 'reply', after: 40_000, with: { status: 201 } }],
  });
  expectWritten(sent);
});

test('a close that is answered by 200 without a digest is believed when the blob is there', async () => {
  await using sent = await send({
    faults: [{ on: BODY, nth: 1, does: 'reply', with: { status: 200 } }],
  });
  expectWritten(sent);
  expect(sent.registry.bodyBytes('PUT')).toBe(2 * SIZE);
});

test('a registry that refuses every body with 413 teaches nothing', async () => {
  const refuses = refusal(413, 'SIZE_INVALID', 'quota exceeded');
  await using sent = await send({ faults: [{ on: BODY, does: 'reply', with: refuses }] });
  expect(sent.error).toMatchObject({ name: 'FinchError' });
  expect(sent.memory.traits(sent.registry.host)).toEqual({});
});

test('a limit of the length of a body is tried again when it may be over', async () => {
  await using sent = await send({ traits: { maxBodyBytes: 1_048_576 } });
  expectWritten(sent);
  expect(sent.memory.traits(sent.registry.host)).toEqual({ maxBodyBytes: 2_097_152 });
  const next = await write(sent, layerOf(2_000_000, 2));
  expectWritten(next);
  expect(next.registry.log.filter(({ status }) => status === 413)).toEqual([]);
});

test('one question for the status that is not understood, and one mount that is refused, teach nothing', async () => {
  await using sent = await send({
    faults: [
      { on: /mount=/, nth: 1, does: 'reply', with: refusal(400, 'NAME_INVALID') },
      { on: BODY, nth: 1, does: 'cut', after: 1000 },
      { on: STATUS, nth: 1, does: 'reply', with: { status: 405 } },
    ],
    prepare: ({ memory, registry }) => {
      memory.rememberPlace(registry.host, 'other', blob.descriptor.digest);
    },
  });
  expectWritten(sent);
  expect(sent.memory.traits(sent.registry.host)).toEqual({});
});

test('words in the address of an upload are still words in messages, and it is written down', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'registries.db');
  const key = {
    registry: 'reg.example.com',
    repository: 'shop/storefront',
    digest: blob.descriptor.digest,
  };
  const base = 'https://reg.example.com/v2/shop/storefront/blobs/uploads/upload-1';
  const location = `${base}?repository=shop%2Fstorefront&id=upload-1&digest=${key.digest}`;
  // This process's name with another start time: a process that is gone.
  const owner = currentOwner().replace(/^(\d+)\.\d+\./, '$1.1.');
  using gone = openRegistryMemory({ path, owner });
  gone.keepUpload(key, { location, offset: 1 });
  gone.keepUpload(key, { location, offset: 2 });
  const message = `reg.example.com/shop/storefront of ${key.digest}, upload-1`;
  expect(redactText(message)).toBe(message);
  using memory = openRegistryMemory({ path });
  expect(memory.claimUpload(key)).toMatchObject({ location, offset: 2 });
});
