import { describe, expect, test } from 'bun:test';
import { open, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeOutput } from '../../src/host/write-output.ts';
import { temporaryFolder } from '../support/temporary.ts';

async function* text(bytes: string) {
  yield new TextEncoder().encode(bytes);
}

const source = join(import.meta.dir, '../../src/host/write-output.ts');

/** A program that writes `said` to its stdout, `written` by a path, and `said` once more. */
const script = `
  import { writeSync } from 'node:fs';
  import { writeOutput } from ${JSON.stringify(source)};
  writeSync(1, 'said ');
  await writeOutput(process.argv[2] ?? '', (async function* () { yield Buffer.from('written '); })(), {});
  writeSync(1, 'said');
`;

describe.skipIf(process.platform === 'win32')('writeOutput() to a file that is open', () => {
  test.each([
    ['/dev/stdout', 'a'],
    ['/dev/stdout', 'w'],
    ['/dev/fd/1', 'a'],
    ['out', 'a'],
  ] as const)('goes on behind what is there: %s, opened to %s', async (path, flag) => {
    await using folder = await temporaryFolder();
    const [log, program] = ['log', 'program.ts'].map((name) => join(folder.path, name));
    if (log === undefined || program === undefined) throw new Error('unreachable');
    await writeFile(program, script);
    await writeFile(log, 'before ');
    await symlink('/dev/stdout', join(folder.path, 'out'));
    const handle = await open(log, flag);
    const { ino } = await handle.stat();
    const child = Bun.spawn([process.execPath, program, path], {
      cwd: folder.path,
      stdout: handle.fd,
      stderr: 'inherit',
    });
    expect(await child.exited).toBe(0);
    await handle.close();
    expect(await readFile(log, 'utf8')).toBe(`${flag === 'a' ? 'before ' : ''}said written said`);
    expect((await Bun.file(log).stat()).ino).toBe(ino);
    expect((await readdir(folder.path)).sort()).toEqual(['log', 'out', 'program.ts']);
  });

  test('adds to one of another number', async () => {
    await using folder = await temporaryFolder();
    const log = join(folder.path, 'log');
    await writeFile(log, 'before ');
    await using handle = await open(log, 'a');
    await writeOutput(`/dev/fd/${handle.fd}`, text('after'), {});
    expect(await readFile(log, 'utf8')).toBe('before after');
  });
});

test('writeOutput() replaces any other file as a whole', async () => {
  await using folder = await temporaryFolder();
  const [path, link] = [join(folder.path, 'file'), join(folder.path, 'link')];
  await writeFile(path, 'before');
  await symlink('file', link);
  await writeOutput(link, text('after'), {});
  expect(await readFile(path, 'utf8')).toBe('after');
  expect((await readdir(folder.path)).sort()).toEqual(['file', 'link']);
});
