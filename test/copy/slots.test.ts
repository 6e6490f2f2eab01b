import { describe, expect, test } from 'bun:test';
import { array, assert, asyncProperty, integer, nat } from 'fast-check';
import { Slots } from '../../src/copy/slots.ts';

/** A task that ends when it is told to. */
function task() {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  return { promise, end: resolve, fail: reject };
}

describe('Slots', () => {
  test('gives what the task gives, and throws what it throws', async () => {
    const slots = new Slots(1);
    expect(await slots.run(async () => 7)).toBe(7);
    await expect(
      slots.run(async () => {
        throw new Error('broke');
      }),
    ).rejects.toThrow('broke');
    expect(await slots.run(async () => 8)).toBe(8);
  });

  test('frees the slot of a task that throws before its first await', async () => {
    const slots = new Slots(1);
    const throws = () => {
      throw new Error('at once');
    };
    await expect(slots.run(throws)).rejects.toThrow('at once');
    expect(await slots.run(async () => 'next')).toBe('next');
  });

  test('starts the heaviest of those that wait, and of equals the first', async () => {
    const slots = new Slots(1);
    const first = task();
    const started: string[] = [];
    const running = [slots.run(() => first.promise, { weight: 0 })];
    const waiting = { a: 3, b: 5, c: 3, d: 9, e: 0, f: 5 };
    for (const [name, weight] of Object.entries(waiting)) {
      running.push(slots.run(async () => void started.push(name), { weight }));
    }
    first.end();
    await Promise.all(running);
    expect(started.join('')).toBe('dbface');
  });

  test('never runs more tasks than it has slots, and runs all of them, whatever fails', async () => {
    const plans = array(integer({ min: 1, max: 5 }), { maxLength: 30 });
    await assert(
      asyncProperty(integer({ min: 1, max: 6 }), plans, nat(30), async (count, weights, bad) => {
        const slots = new Slots(count);
        let [running, most, ended] = [0, 0, 0];
        const results = await Promise.allSettled(
          weights.map((weight, i) =>
            slots.run(
              async () => {
                running += 1;
                most = Math.max(most, running);
                for (let turn = 0; turn < weight; turn++) await Promise.resolve();
                running -= 1;
                ended += 1;
                if (i === bad) throw new Error('bad');
              },
              { weight },
            ),
          ),
        );
        expect(most).toBeLessThanOrEqual(count);
        expect(most).toBe(Math.min(count, weights.length));
        expect(ended).toBe(weights.length);
        expect(results.filter(({ status }) => status === 'rejected').length).toBe(
          bad < weights.length ? 1 : 0,
        );
      }),
    );
  });
});
