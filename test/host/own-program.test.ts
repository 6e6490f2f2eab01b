import { expect, test } from 'bun:test';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ownCommand, ownProgram } from '../../src/host/own-program.ts';
import { temporaryFolder } from '../support/temporary.ts';

test('a source that Bun runs is no program of its own', () => {
  expect(ownProgram()).toBeUndefined();
  expect(ownCommand()).toEqual([process.execPath, join(import.meta.dir, '../../src/main.ts')]);
});

test('a program finds itself, also when another takes its place while it runs', async () => {
  await using folder = await temporaryFolder();
  const program = join(folder.path, 'bin/finch');
  await mkdir(join(folder.path, 'bin'));
  const entrypoints = [join(import.meta.dir, 'own-program-child.ts')];
  await Bun.build({ entrypoints, compile: { outfile: program } });
  const told = [program, [program], folder.path];
  const replace = async () => {
    await copyFile(program, `${program}.new`);
    await rename(`${program}.new`, program);
  };
  expect(await whatItSays(program, async () => {})).toEqual(told);
  expect(await whatItSays(program, replace)).toEqual(told);
  expect(await whatItSays(program, () => rm(program))).toEqual([program, [program], null]);
});

/** What the child says of itself after something has happened to its file while it runs. */
async function whatItSays(program: string, happens: () => Promise<void>): Promise<unknown> {
  const child = Bun.spawn([program], { stdin: 'pipe', stdout: 'pipe' });
  const reader = child.stdout.getReader();
  try {
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('running\n');
    await happens();
    child.stdin.end();
    return JSON.parse(new TextDecoder().decode((await reader.read()).value));
  } finally {
    child.kill();
    await child.exited;
  }
}
