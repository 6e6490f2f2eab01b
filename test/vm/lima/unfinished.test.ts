import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { FinchError } from '../../../src/errors.ts';
import { isUnfinished, whileMaking } from '../../../src/vm/lima/unfinished.ts';
import { temporaryFolder } from '../../support/temporary.ts';

test('what keeps the rest of a killed making from being undone is told as it is', async () => {
  await using folder = await temporaryFolder();
  await Bun.write(join(folder.path, 'making'), '');
  for (const why of [new FinchError('VM', 'cannot remove it'), new TypeError('a mistake')]) {
    const undo = () => Promise.reject(why);
    const making = whileMaking({ folder: folder.path, undo }, async () => 'made');
    expect(await making.catch((error: unknown) => error)).toBe(why);
    expect(isUnfinished(folder.path)).toBe(true);
  }
});
