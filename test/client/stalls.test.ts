import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { memoryContent } from '../../src/content.ts';
import { transportWith } from '../../src/http/transport.ts';
import { CANARY } from '../support/canary.ts';
import { layerOf } from '../support/content-store-contract.ts';
import { startFaultyRegistry } from '../support/faulty-registry.ts';
import { refusal } from '../support/faulty-registry-faults.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { BODY, blob, expectWritten, send, startBench, write } from './sending.ts';

/** What is more than a socket takes without its reader. */
const large = layerOf(16_000_000);
const transport = { patienceMs: 400, stallMs: 400, fileMs: 400 };

describe('a registry that', () => {
  test('stops reading is left, and gets the rest on another connection', async () => {
    await using sent = await send({
      ...large,
      transport,
      faults: [{ on: BODY, nth: 1, does: 'stall', after: 2_000_000 }],
    });
    expectWritten(sent);
    expect(sent.registry.state.allSessions).toHaveLength(1);
    expect(sent.registry.bodyBytes()).toBe(large.bytes.length);
  });

  test('takes a file slowly is not called silent, and gets streams from then on', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'blob');
    await Bun.write(path, large.bytes);
    await using sent = await send({
      ...large,
      content: { ...memoryContent(large.bytes), file: { path, offset: 0 } },
      transport,
      faults: [{ on: BODY, nth: 1, does: 'stall', after: 2_000_000 }],
    });
    expectWritten(sent);
    expect(JSON.stringify(sent.steps)).not.toContain('silent');
    expect(sent.registry.bodyBytes()).toBe(large.bytes.length);
    expect(sent.memory.traits(sent.registry.host)).toMatchObject({ noFile: true });
  });

  test('takes a whole body and never answers is left, and asked what it has', async () => {
    await using sent = await send({ transport, faults: [{ on: BODY, nth: 1, does: 'stall' }] });
    expectWritten(sent);
  });

  test('answers a byte at a time is left', async () => {
    await using sent = await send({
      transport,
      faults: [{ on: BODY, nth: 1, does: 'trickle', ms: 40 }],
    });
    expectWritten(sent);
    // Before it is sent, and when the answer did not come.
    expect(sent.registry.count('HEAD')).toBe(2);
  });

  test('is never heard of again is given up, and no connection stays', async () => {
    await using sent = await send({ transport, faults: [{ on: /./, does: 'stall', after: 0 }] });
    expect(sent.error).toMatchObject({ code: 'NETWORK' });
    while (sent.registry.openConnections() > 0) await Bun.sleep(5);
  });

  test('ends no answer is not listened to for ever', async () => {
    await using sent = await send({ transport, faults: [{ on: 'POST', nth: 1, does: 'endless' }] });
    expectWritten(sent);
  });

  test('sends interim answers is understood', async () => {
    const bytes = 'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n';
    await using sent = await send({ faults: [{ on: /./, does: 'noise', bytes }] });
    expectWritten(sent);
    expect(sent.registry.bodyBytes()).toBe(blob.bytes.length);
  });

  test('closes the connection with every answer gets the blob', async () => {
    await using sent = await send({
      traits: { way: 'chunks', chunkBytes: 500_000 },
      faults: [{ on: /./, does: 'alter', to: (reply) => ({ ...reply, close: true }) }],
    });
    expectWritten(sent);
    expect(sent.registry.bodyBytes()).toBe(blob.bytes.length);
  });

  test('closes a connection while the next request is on its way gets the blob all the same', async () => {
    await using sent = await send({
      traits: { way: 'chunks', chunkBytes: 500_000 },
      faults: [{ on: /./, nth: [1, 3, 5], does: 'ambush' }],
    });
    expectWritten(sent);
    expect(sent.registry.state.allSessions.length).toBeLessThanOrEqual(2);
  });
});

test('what is not idempotent is not sent twice because a connection ended', async () => {
  await using registry = await startFaultyRegistry({
    faults: [{ on: 'HEAD', does: 'ambush' }],
  });
  const request = transportWith();
  const url = new URL(`${registry.origin}/v2/app/blobs/uploads/`);
  await request({ method: 'HEAD', url }).then((response) => response.arrayBuffer());
  const body = () => ({ stream: memoryContent(blob.bytes).stream(), length: blob.bytes.length });
  const sent = request({ method: 'PUT', url, body, once: true });
  await sent.catch(() => {});
  expect(registry.count('PUT')).toBe(1);
});

describe('an answer that comes while the body is still going out', () => {
  test('of 429 is heard, and waited for as it says', async () => {
    const busy = { ...refusal(429, 'TOOMANYREQUESTS') };
    const early = { ...busy, headers: { ...busy.headers, 'retry-after': '7' } };
    await using sent = await send({
      ...large,
      faults: [{ on: BODY, nth: 1, does: 'reply', after: 100_000, with: early }],
    });
    expectWritten(sent);
    expect(sent.waits).toContain(7000);
  });

  test('of 413 is heard, and less is sent at once', async () => {
    await using sent = await send({ ...large, profile: { maxBody: 5_000_000 } });
    expectWritten(sent);
  });

  test('of 401 is answered with another token, and the upload goes on', async () => {
    let isOver = false;
    const challenge = { 'www-authenticate': 'Basic realm="x"' };
    await using bench = await startBench({
      credential: { kind: 'password', username: 'me', secret: CANARY },
      guard: ({ line, headers }) => {
        if (headers['authorization'] === undefined) return { status: 401, headers: challenge };
        if (!BODY.test(line) || isOver) return undefined;
        isOver = true;
        return { status: 401, headers: challenge };
      },
    });
    const sent = await write(bench, large);
    // A password that was refused is not shown again: what the registry said comes through, and not the broken connection.
    expect(sent.error).toMatchObject({ code: expect.stringMatching(/^(UNAUTHENTICATED|DENIED)$/) });
  });

  test('of 403 says why, and not that the connection broke', async () => {
    await using sent = await send({
      ...large,
      faults: [
        { on: BODY, does: 'reply', after: 1000, with: refusal(403, 'DENIED', 'quota is used up') },
      ],
    });
    expect(sent.error).toMatchObject({ code: 'DENIED' });
    expect(String(sent.error)).toContain('quota is used up');
  });
});
