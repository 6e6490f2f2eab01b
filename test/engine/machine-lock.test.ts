import { expect, test } from 'bun:test';
import { underMachineLock } from '../../src/engine/machine-lock.ts';
import { temporaryFolder } from '../support/temporary.ts';

test('two finches do not start and stop the machine at once, and the second says that it waits', async () => {
  await using folder = await temporaryFolder();
  const said: string[] = [];
  const options = { home: folder.path, report: (line: string) => void said.push(line) };
  const done: string[] = [];
  const [began, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const first = underMachineLock(options, async () => {
    began.resolve();
    await gate.promise;
    done.push('first');
  });
  await began.promise;
  const second = underMachineLock(options, async () => void done.push('second'));
  while (said.length === 0) await Bun.sleep(1);
  gate.resolve();
  await Promise.all([first, second]);
  expect(done).toEqual(['first', 'second']);
  expect(said).toEqual(['waiting for another finch that starts or stops the virtual machine']);
});

test('who waits can be interrupted', async () => {
  await using folder = await temporaryFolder();
  const abort = new AbortController();
  const quiet = { home: folder.path, report: () => {} };
  await underMachineLock(quiet, async () => {
    const report = () => abort.abort(new Error('interrupted'));
    const second = underMachineLock(
      { ...quiet, report, signal: abort.signal },
      async () => 'too late',
    );
    await expect(second).rejects.toThrow('interrupted');
  });
});

test('force waits for a while, and then goes on', async () => {
  await using folder = await temporaryFolder();
  const said: string[] = [];
  const options = { home: folder.path, report: (line: string) => void said.push(line) };
  await underMachineLock(options, async () => {
    expect(await underMachineLock({ ...options, force: true }, async () => 'done')).toBe('done');
  });
  expect(said).toHaveLength(1);
  expect(await underMachineLock({ ...options, force: true }, async () => 'free')).toBe('free');
});
