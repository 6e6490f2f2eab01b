import { expect, test } from 'bun:test';
import { paced } from '../../src/http/paced.ts';
import { Watchdog } from '../../src/http/watchdog.ts';

async function* pieces(...lengths: readonly number[]) {
  for (const length of lengths) yield new Uint8Array(length);
}

/** The lengths of the parts, each taken after a pause of so many milliseconds; 0 where none is named. */
async function partsOf(
  stream: AsyncIterable<Uint8Array>,
  pauses: readonly number[] = [],
): Promise<readonly number[]> {
  using watchdog = new Watchdog();
  const parts: number[] = [];
  for await (const part of paced(stream, {
    stallMs: 60_000,
    endMs: 60_000,
    watchdog,
    failed: [],
  })) {
    const pause = pauses[parts.length] ?? 0;
    parts.push(part.length / 1024);
    if (pause > 0) await Bun.sleep(pause);
  }
  return parts;
}

test('paced() passes on larger and larger parts while they are taken soon', async () => {
  const MIB = 1024 * 1024;
  expect(await partsOf(pieces(MIB))).toEqual([60, 120, 240, 480, 124]);
  expect((await partsOf(pieces(8 * MIB))).slice(4, 9)).toEqual([960, 1024, 1024, 1024, 1024]);
});

test('paced() goes back to a part that a slow link takes in time when one was not taken soon', async () => {
  expect(await partsOf(pieces(400 * 1024), [0, 250])).toEqual([60, 120, 60, 120, 40]);
});

test('paced() keeps the error of a stream that broke, and throws it', async () => {
  using watchdog = new Watchdog();
  const failed: unknown[] = [];
  const broken = (async function* () {
    yield new Uint8Array(1);
    throw new Error('the disk broke');
  })();
  const parts = paced(broken, { stallMs: 60_000, endMs: 60_000, watchdog, failed });
  await expect(Array.fromAsync(parts)).rejects.toThrow('the disk broke');
  expect(failed).toHaveLength(1);
});

test('a Watchdog that is disposed of never fires', async () => {
  const watchdog = new Watchdog();
  watchdog[Symbol.dispose]();
  watchdog.expect(0);
  await Bun.sleep(5);
  expect(watchdog.signal.aborted).toBe(false);
});
