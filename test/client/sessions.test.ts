import { describe, expect, test } from 'bun:test';
import type { Content } from '../../src/content.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { layerOf } from '../support/content-store-contract.ts';
import { refusal } from '../support/faulty-registry-faults.ts';
import { ecrLike, garLike, ghcrLike } from '../support/faulty-registry-profiles.ts';
import { RegistryState } from '../support/faulty-registry-state.ts';
import {
  type Bench,
  BODY,
  blob,
  bodies,
  expectWritten,
  memoryOf,
  send,
  startBench,
  write,
} from './sending.ts';

const { digest } = blob.descriptor;

/** The repository `base` had the blob, as finch remembers. */
const known = ({ memory, registry }: Bench) => {
  memory.rememberPlace(registry.host, 'base', digest);
};

describe('a blob that another repository has', () => {
  test('is mounted, and not sent', async () => {
    await using sent = await send({
      prepare: (bench) => {
        known(bench);
        bench.registry.state.addBlob('base', blob.bytes);
      },
    });
    expect(sent.error).toBeUndefined();
    expect(sent.steps).toContainEqual({ kind: 'mounted', from: 'base' });
    expect(sent.bytes).toBe(0);
    expect(sent.registry.bodyBytes()).toBe(0);
    expect(sent.registry.lines('POST')).toEqual([
      `POST /v2/app/blobs/uploads/?mount=${digest}&from=base`,
    ]);
  });

  test('is sent in the session that the registry opens in place of a mount', async () => {
    await using sent = await send({ prepare: known });
    expectWritten(sent);
    expect(sent.registry.lines('POST')).toEqual([
      `POST /v2/app/blobs/uploads/?mount=${digest}&from=base`,
    ]);
    expect(sent.registry.state.allSessions).toHaveLength(1);
  });

  test.each([401, 403, 404, 405, 500])(
    'is sent after all where a mount is answered with %i, and no more mounts are tried',
    async (status) => {
      const next = layerOf(100_000, 2);
      await using bench = await send({
        faults: [{ on: /^POST .*mount=/, does: 'reply', with: refusal(status, 'UNSUPPORTED') }],
        prepare: (bench) => {
          known(bench);
          bench.memory.rememberPlace(bench.registry.host, 'base', next.descriptor.digest);
        },
      });
      expectWritten(bench);
      expect(bench.registry.count(/^POST \/v2\/app\/blobs\/uploads\/$/)).toBe(1);
      expectWritten(await write(bench, next));
      const mounts = bench.registry.count(/^POST .*mount=/);
      // What may be a passing fault of the server is asked once more.
      expect(mounts).toBeLessThanOrEqual(status >= 500 ? 2 : 1);
    },
  );
});

describe('a registry that answers in its own way gets the blob once', () => {
  test('with 201 to the beginning of an upload, because it has the blob by now', async () => {
    const headers = { location: `/v2/app/blobs/${digest}` };
    await using bench = await startBench();
    bench.registry.faults.add({
      on: 'POST',
      does: 'alter',
      to: () => {
        bench.registry.state.addBlob('app', blob.bytes);
        return { status: 201, headers };
      },
    });
    const sent = await write(bench);
    expect(sent.error).toBeUndefined();
    expect(sent.registry.count(BODY)).toBe(0);
  });

  test.each([200, 202, 204])('with %i to the end of an upload', async (status) => {
    await using sent = await send({
      faults: [{ on: 'PUT', does: 'alter', to: (reply) => ({ ...reply, status }) }],
    });
    expectWritten(sent);
    expect(sent.registry.bodyBytes()).toBe(3_000_000);
  });

  test.each([200, 201, 204])('with %i to a chunk', async (patchStatus) => {
    await using sent = await send({
      profile: { patchStatus },
      traits: { way: 'chunks', chunkBytes: 1_000_000 },
    });
    expectWritten(sent);
    expect(sent.registry.count('PATCH')).toBeGreaterThan(1);
    expect(sent.registry.bodyBytes()).toBe(3_000_000);
  });
});

describe('OCI-Chunk-Min-Length', () => {
  const traits = { way: 'chunks', chunkBytes: 100_000 } as const;

  test('is kept to where it is more than the chunks would be', async () => {
    await using sent = await send({ profile: { minChunk: '1000000' }, traits });
    expectWritten(sent);
    const lengths = sent.registry.log.map(({ bodyBytes }) => bodyBytes).filter((n) => n > 0);
    expect(lengths.length).toBeGreaterThan(1);
    expect(Math.min(...lengths.slice(0, -1))).toBeGreaterThanOrEqual(1_000_000);
  });

  test.each(['1099511627776', '-5', 'NaN', '0', '', '1e3', '10, 20'])(
    'of %p ends in a blob that is there',
    async (minChunk) => {
      await using sent = await send({ profile: { minChunk }, traits });
      expectWritten(sent);
      expect(sent.registry.bodyBytes()).toBe(3_000_000);
    },
  );
});

describe('a blob', () => {
  const CHUNK = 1_048_576;
  test.each([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])(
    'of %i bytes goes up in chunks, each byte once',
    async (size) => {
      const chosen = layerOf(size);
      const traits = { way: 'chunks', chunkBytes: CHUNK } as const;
      await using sent = await send({ ...chosen, traits });
      expectWritten(sent);
      expect(sent.registry.bodyBytes()).toBe(size);
      expect(sent.registry.state.allSessions).toHaveLength(1);
    },
  );

  test.each([0, 1, 65_535, 65_537])('of %i bytes goes up in one request', async (size) => {
    await using sent = await send(layerOf(size));
    expectWritten(sent);
    expect(sent.registry.count(BODY)).toBe(1);
    expect(bodies(sent.registry)).toEqual(size === 0 ? [] : [`PUT ${size}`]);
  });

  test('goes up to Amazon ECR in chunks, the last of them with the digest', async () => {
    const chosen = layerOf(25_000_000);
    await using sent = await send({
      ...chosen,
      as: '123456789012.dkr.ecr.eu-west-1.amazonaws.com',
      profile: ecrLike,
    });
    expectWritten(sent);
    expect(sent.registry.bodyBytes()).toBe(25_000_000);
    expect(sent.registry.lines('PUT')).toHaveLength(1);
  });

  test.each([
    ['ghcr.io', ghcrLike],
    ['europe-docker.pkg.dev', garLike],
  ])('goes up to %s without a refusal, also after the connection broke', async (as, profile) => {
    const chosen = layerOf(9_000_000);
    await using sent = await send({
      ...chosen,
      ...{ as, profile },
      faults: [{ on: BODY, nth: 1, does: 'cut', after: 2_000_000 }],
    });
    expectWritten(sent);
    expect(
      sent.registry.log.filter(({ line, status }) => BODY.test(line) && status >= 400),
    ).toEqual([]);
  });

  test.each(['whole', 'chunks'] as const)(
    'of more than 5 GiB is gone on with from there (%s)',
    async (way) => {
      const offset = 5 * 1024 ** 3;
      const size = offset + 2_000_000;
      const descriptor = { ...blob.descriptor, size };
      const content: Content = {
        size,
        async *stream({ start = 0 } = {}) {
          for (let at = start; at < size; at += 500_000)
            yield new Uint8Array(Math.min(500_000, size - at));
        },
      };
      const state = new RegistryState();
      const { id } = state.begin('app', { size: offset });
      const path = `/v2/app/blobs/uploads/${id}`;
      await using bench = await startBench({
        ...{ state, profile: { discards: true, location: () => path } },
        memory: (host) => memoryOf({ location: `http://${host}${path}`, offset }),
      });
      bench.memory.learn(bench.registry.host, { way, chunkBytes: 1_000_000 });
      const sent = await write(bench, { descriptor, content });
      expect(sent.error).toBeUndefined();
      expect(sent.steps).toContainEqual({ kind: 'resumed', bytes: offset });
      expect([sent.bytes, sent.position]).toEqual([2_000_000, size]);
      const ranges = bench.registry.log.flatMap(({ headers }) => headers['content-range'] ?? []);
      expect(ranges[0]).toStartWith('5368709120-53');
      expect(ranges.at(-1)).toEndWith('-5370709119');
      expect(bench.registry.state.allSessions).toHaveLength(1);
      expect(bench.registry.bodyBytes()).toBe(2_000_000);
    },
  );

  test('with a sha512 digest is announced and closed with it', async () => {
    const digest512 = digestOf(blob.bytes, 'sha512');
    const descriptor = { ...blob.descriptor, digest: digest512 };
    await using sent = await send({ descriptor, bytes: blob.bytes });
    expectWritten(sent);
    expect(sent.registry.lines('POST')[0]).toContain('digest-algorithm=sha512');
    expect(sent.registry.lines('PUT')[0]).toEndWith(`digest=${digest512}`);
  });
});
