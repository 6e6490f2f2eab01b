import { expect, test } from 'bun:test';
import type { Engine } from '../../src/engine/engine.ts';
import { sweepBuildNames } from '../../src/engine/sweep-build-names.ts';
import { FinchError } from '../../src/errors.ts';
import { temporaryFolder } from '../support/temporary.ts';

test('an interrupt ends the sweep of build names, and an engine that does not answer is let be', async () => {
  await using folder = await temporaryFolder();
  const sweep = (error: FinchError) => {
    const engine: Pick<Engine, 'machine' | 'capture'> = {
      machine: { hostAddress: '127.0.0.1' } as Engine['machine'],
      capture: () => Promise.reject(error),
    };
    return sweepBuildNames(engine as Engine, folder.path, {});
  };
  const cancelled = new FinchError('CANCELLED', 'interrupted');
  expect(await sweep(cancelled).catch((error: unknown) => error)).toBe(cancelled);
  expect(await sweep(new FinchError('VM', 'it does not answer'))).toBeUndefined();
});
