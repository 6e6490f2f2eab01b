import { expect, test } from 'bun:test';
import { FinchError } from '../../src/errors.ts';
import { TokenCache } from '../../src/registry/token-cache.ts';

const token = (value: string, renewAt = 1000) => ({ value, issuedAt: 0, renewAt });

test('a token is good until it is to be replaced', async () => {
  let now = 0;
  const cache = new TokenCache(() => now);
  expect(cache.get('a')).toBeUndefined();
  await cache.renew('a', { ask: async () => token('one') });
  now = 999;
  expect(cache.get('a')?.value).toBe('one');
  expect(cache.get('b')).toBeUndefined();
  now = 1000;
  expect(cache.get('a')).toBeUndefined();
});

test('of many who want the same token one asks, and of those who want others each', async () => {
  const cache = new TokenCache(() => 0);
  let asked = 0;
  const ask = async () => {
    asked += 1;
    return token(`t${asked}`);
  };
  const keys = ['a', 'a', 'b', 'a', 'b'];
  const got = await Promise.all(keys.map((key) => cache.renew(key, { ask })));
  expect(got.map(({ value }) => value)).toEqual(['t1', 't1', 't2', 't1', 't2']);
});

test('a failure is everyone’s, and is not kept', async () => {
  const cache = new TokenCache(() => 0);
  const failing = async () => {
    throw new FinchError('DENIED', 'no');
  };
  const both = [cache.renew('a', { ask: failing }), cache.renew('a', { ask: failing })];
  for (const { status } of await Promise.allSettled(both)) expect(status).toBe('rejected');
  expect(await cache.renew('a', { ask: async () => token('later') })).toEqual(token('later'));
});

test('who waits for one that is cancelled asks itself, unless it is cancelled too', async () => {
  const cache = new TokenCache(() => 0);
  const cancelled = async () => {
    throw new FinchError('CANCELLED', 'cancelled');
  };
  const settled = await Promise.allSettled([
    cache.renew('a', { ask: cancelled }),
    cache.renew('a', { ask: async () => token('second') }),
    cache.renew('a', { signal: AbortSignal.abort(), ask: async () => token('third') }),
  ]);
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
  expect(cache.get('a')?.value).toBe('second');
});
