import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { MovingRate } from '../../src/cli/moving-rate.ts';
import { paceText } from '../../src/cli/pace.ts';

describe('MovingRate', () => {
  test('is of the last five seconds', () => {
    const rate = new MovingRate();
    for (let second = 0; second <= 20; second++) rate.add(second > 15 ? 1000 : 100, second * 1000);
    expect(rate.at(20_000)).toBe(1000);
    // Nothing goes any more.
    expect(rate.at(23_000)).toBeLessThan(500);
    expect(rate.at(26_000)).toBe(0);
  });

  test('is not known before there is something to know it from', () => {
    const rate = new MovingRate();
    expect(rate.at(0)).toBeUndefined();
    rate.add(5000, 0);
    expect(rate.at(100)).toBeUndefined();
    expect(rate.at(1000)).toBe(5000);
  });

  test('does not go down because something is sent again', () => {
    const rate = new MovingRate();
    rate.add(1000, 0);
    rate.add(-1000, 500);
    rate.add(1000, 1000);
    expect(rate.at(1000)).toBe(2000);
  });

  test('is a number from 0 on, or none, also when the clock jumps', () => {
    const step = fc.record({ bytes: fc.integer(), at: fc.integer({ min: -1e7, max: 1e7 }) });
    fc.assert(
      fc.property(fc.array(step), fc.integer({ min: -1e7, max: 1e7 }), (steps, now) => {
        const rate = new MovingRate();
        for (const { bytes, at } of steps) rate.add(bytes, at);
        const shown = rate.at(now);
        expect(shown === undefined || (Number.isFinite(shown) && shown >= 0)).toBe(true);
      }),
    );
  });
});

describe('paceText()', () => {
  test('says how fast it goes and how long it takes', () => {
    const MIB = 1024 * 1024;
    expect(paceText(1.2 * MIB, 14.4 * MIB)).toBe('1.2 MiB/s, 12 s left');
    expect(paceText(MIB, 200 * MIB)).toBe('1.0 MiB/s, 3 min 20 s left');
    expect(paceText(MIB, 0)).toBe('1.0 MiB/s');
    expect(paceText(0, MIB)).toBe('0.0 B/s');
    expect(paceText(undefined, MIB)).toBe('');
    // Who would believe it?
    expect(paceText(1, 1e15)).toBe('1.0 B/s');
  });

  test('never says what nobody could mean', () => {
    fc.assert(
      fc.property(fc.double(), fc.double(), (rate, left) => {
        expect(paceText(rate, left)).not.toMatch(/NaN|Infinity|, -/);
      }),
    );
  });
});
