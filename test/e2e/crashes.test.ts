import { expect, test } from 'bun:test';
import { runCrashes } from '../soak/crash.ts';
import { runCrowd } from '../soak/crowd.ts';
import { chooseSeed } from '../soak/random.ts';

// Short forms of what `test/soak` does at length, of the same seed every time: a change fails only by what
// it changed. `FINCH_SOAK_SEED` takes another one.

const seed = chooseSeed(process.env['FINCH_SOAK_SEED'] ?? '1');

test('eight finches that load, tag, push, pull and remove at once lose nothing', async () => {
  const short = { seconds: 30, deeds: 15, layerBytes: 64 * 1024 };
  const tally = await runCrowd({ ...short, processes: 8, seed });
  expect({ seed, faults: tally.faults }).toEqual({ seed, faults: [] });
  expect(tally.of('commands')).toBeGreaterThan(0);
});

test('a finch that is killed at any moment leaves a whole store, and the next one finishes', async () => {
  const tally = await runCrashes({ kills: 8, seed, layerBytes: 256 * 1024 });
  expect({ seed, faults: tally.faults }).toEqual({ seed, faults: [] });
  expect(tally.of('kills of load and push')).toBe(8);
});
