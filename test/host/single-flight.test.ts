import { expect, test } from 'bun:test';
import { SingleFlight } from '../../src/host/single-flight.ts';

test('who asks while the work is under way gets what comes of it, and who asks later has it done again', async () => {
  const flights = new SingleFlight<number>();
  let begun = 0;
  const gate = Promise.withResolvers<void>();
  const work = async () => {
    const mine = ++begun;
    await gate.promise;
    return mine;
  };
  const all = [1, 2, 3].map(() => flights.join('a', work));
  const other = flights.join('b', work);
  gate.resolve();
  expect(await Promise.all(all)).toEqual([1, 1, 1]);
  expect(await other).toBe(2);
  expect(await flights.join('a', work)).toBe(3);
});

test('work that fails fails for all who wait, and is tried again by the next', async () => {
  const flights = new SingleFlight<string>();
  const work = () => Promise.reject(new Error('no'));
  const outcomes = await Promise.allSettled([flights.join('a', work), flights.join('a', work)]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await flights.join('a', async () => 'yes')).toBe('yes');
});

test('who gives up waits no longer, and takes the others not with it', async () => {
  const flights = new SingleFlight<string>();
  const [first, second] = [new AbortController(), new AbortController()];
  const untilAborted = () =>
    new Promise<string>((_, reject) => {
      first.signal.addEventListener('abort', () => reject(first.signal.reason));
    });
  const begun = flights.join('a', untilAborted, { signal: first.signal });
  const waiting = flights.join('a', async () => 'anew', { signal: new AbortController().signal });
  const leaving = flights.join('a', async () => 'never', { signal: second.signal });
  second.abort(new Error('second'));
  await expect(leaving).rejects.toThrow('second');
  first.abort(new Error('first'));
  await expect(begun).rejects.toThrow('first');
  expect(await waiting).toBe('anew');
  await expect(flights.join('a', async () => 'never', { signal: first.signal })).rejects.toThrow(
    'first',
  );
});
