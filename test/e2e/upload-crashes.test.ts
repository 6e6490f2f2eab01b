import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { chooseSeed } from '../soak/random.ts';
import { runCutPush, runUploadCrashes } from '../soak/upload-crash.ts';
import { registryPrograms } from '../support/registry-programs.ts';

// Short forms of `bun run soak:upload`, of the same seed every time. `FINCH_SOAK_SEED` takes another one.

const MIB = 1024 * 1024;
const seed = chooseSeed(process.env['FINCH_SOAK_SEED'] ?? '1');
const hasDistribution = existsSync(registryPrograms.distribution);

test.skipIf(!hasDistribution)(
  'a push that was killed at any point goes on where the registry is',
  async () => {
    const soak = { registry: 'distribution', bytesPerSecond: 100e6 } as const;
    const crashes = await runUploadCrashes({ ...soak, layerBytes: 64 * MIB, rounds: 3, seed });
    expect({ seed, faults: crashes.flatMap(({ fault }) => fault ?? []) }).toEqual({
      seed,
      faults: [],
    });
    expect(crashes.map(({ givenUp }) => givenUp)).toEqual([0, 0, 0]);
  },
);

test.skipIf(!hasDistribution)(
  'a push through a link that cuts every connection while it is at it comes to its end',
  async () => {
    const link = { bytesPerSecond: 40e6, cutAfterMs: 500 } as const;
    const pushed = await runCutPush({ registry: 'distribution', layers: [64 * MIB], ...link });
    expect(pushed.fault).toBeUndefined();
    expect(pushed.cuts).toBeGreaterThan(1);
  },
);
