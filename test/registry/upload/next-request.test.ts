import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { hostTraits } from '../../../src/registry/upload/host-traits.ts';
import { type NextRequest, nextRequest } from '../../../src/registry/upload/next-request.ts';

const MIB = 1024 * 1024;

/** All requests that a blob goes up in when nothing goes wrong. */
function requests(
  size: number,
  host: string,
  { learned = {}, from = 0, minChunkBytes = 0, closesEmpty = false } = {},
): readonly NextRequest[] {
  const all: NextRequest[] = [];
  const traits = hostTraits(host, learned);
  for (let offset = from; all.length < 10_000; ) {
    const location = new URL('http://x/');
    const next = nextRequest({ location, offset, minChunkBytes }, { size, traits, closesEmpty });
    all.push(next);
    if (next.closes) return all;
    offset = next.end;
  }
  return all;
}

const lengths = (all: readonly NextRequest[]) => all.map(({ start, end }) => end - start);

test('a blob goes to an unknown registry in one request, and what is left of it, too', () => {
  expect(requests(5000 * MIB, 'x')).toEqual([
    { start: 0, end: 5000 * MIB, closes: true, hasRange: false },
  ]);
  expect(requests(5000 * MIB, 'x', { from: 4500 * MIB })).toEqual([
    { start: 4500 * MIB, end: 5000 * MIB, closes: true, hasRange: true },
  ]);
  expect(requests(7, 'x', { from: 7 })).toEqual([
    { start: 7, end: 7, closes: true, hasRange: false },
  ]);
});

test.each([
  ['111222333444.dkr.ecr.eu-west-1.amazonaws.com', 25 * MIB, 0, [10 * MIB, 10 * MIB, 5 * MIB]],
  ['111222333444.dkr.ecr.eu-west-1.amazonaws.com', 10 * MIB, 0, [10 * MIB]],
  ['public.ecr.aws', 11 * MIB, 0, [10 * MIB, MIB]],
  ['ghcr.io', 50 * MIB, 0, [50 * MIB]],
  ['ghcr.io', 10 * MIB, 5 * MIB, [4 * MIB - 65_536, MIB + 65_536]],
  ['europe-docker.pkg.dev', 500 * MIB, 0, [500 * MIB]],
  ['eu.gcr.io', 500 * MIB, 0, [500 * MIB]],
  ['gcr.io.example.com', 10 * MIB, 5 * MIB, [5 * MIB]],
  ['ghcr.io.example.com', 10 * MIB, 5 * MIB, [5 * MIB]],
])('to %s a blob of %i bytes goes on from %i in pieces of its own', (host, size, from, pieces) => {
  expect(lengths(requests(size, host, { from }))).toEqual(pieces);
});

test('what a host has shown counts before what is known of it, but not that Google takes chunks', () => {
  const learned = { way: 'chunks' as const, chunkBytes: 3 * MIB, maxBodyBytes: 2 * MIB };
  expect(lengths(requests(5 * MIB, 'x', { learned }))).toEqual([2 * MIB, 2 * MIB, MIB]);
  expect(lengths(requests(5 * MIB, 'gcr.io', { learned }))).toEqual([5 * MIB]);
  expect(hostTraits('x', { noMount: true, noStatus: true })).toMatchObject({
    mounts: false,
    hasStatus: false,
  });
});

test('the last chunk comes before the request that closes where that is to bring none', () => {
  const learned = { way: 'chunks' as const, chunkBytes: 10 };
  expect(lengths(requests(25, 'x', { learned, closesEmpty: true }))).toEqual([10, 10, 5, 0]);
  expect(lengths(requests(5, 'x', { learned, closesEmpty: true }))).toEqual([5]);
});

test('every byte goes out once and in order, also beyond 2^32, in chunks of the wanted length', () => {
  const length = fc.integer({ min: 1, max: 2 ** 33 });
  fc.assert(
    fc.property(
      fc.record({
        ...{
          size: fc.integer({ min: 0, max: 2 ** 42 }),
          share: fc.double({ min: 0, max: 1, noNaN: true }),
        },
        ...{ chunkBytes: length, maxBodyBytes: length, minChunkBytes: length },
        ...{ way: fc.constantFrom('whole', 'chunks'), closesEmpty: fc.boolean() },
      }),
      ({ size, share, minChunkBytes, closesEmpty, ...learned }) => {
        const from = Math.max(Math.floor(size * share), size - learned.maxBodyBytes * 20);
        const least = Math.min(learned.chunkBytes, learned.maxBodyBytes);
        fc.pre((size - from) / least < 1000);
        const all = requests(size, 'x', { learned, from, minChunkBytes, closesEmpty });
        let at = from;
        for (const { start, end, hasRange, closes } of all) {
          expect(start).toBe(at);
          expect(end - start).toBeLessThanOrEqual(learned.maxBodyBytes);
          expect(end > start || closes).toBe(true);
          if (!closes && end < size)
            expect(end - start).toBeGreaterThanOrEqual(
              Math.min(minChunkBytes, learned.maxBodyBytes),
            );
          expect(hasRange).toBe(end > start && (start > 0 || !closes));
          at = end;
        }
        expect(at).toBe(size);
      },
    ),
  );
});
