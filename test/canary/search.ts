import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { formsIn } from './forms.ts';

// Searches what a run of the whole suite left behind, in the folder that it is given, for what the tests keep
// secret: the output of every test, the log of every finch at its highest level, and all temporary files that
// nobody removed. A search of nothing finds nothing, so it says what it searched, and fails when that cannot
// be the whole suite.

/** What the suite leaves at the least, also where many of its tests are skipped. */
const LEAST = { runs: 300, lines: 1000, outputBytes: 20_000 };

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: bun test/canary/search.ts FOLDER');

const searched = { files: 0, bytes: 0 };
const leaks: string[] = [];
await search(folder);
for (const leak of leaks) say(leak);

const log = (await textOf('debug.log')).split('\n').slice(0, -1);
// Each run of finch begins with what it is: TIME PID debug: finch VERSION: COMMAND
const runs = log.filter((line) => /^\S+Z \d+ debug: finch \d\S*:/.test(line)).length;
const outputBytes = (await textOf('output.log')).length;
say(
  `searched ${searched.files} files of ${searched.bytes} bytes, among them ${outputBytes} of output`,
);
say(`the log has ${log.length} lines of ${runs} finches`);

const isWhole = runs >= LEAST.runs && log.length >= LEAST.lines && outputBytes >= LEAST.outputBytes;
if (!isWhole) say('that is too little to be what the whole suite left');
const failed = leaks.length + (isWhole ? 0 : 1);
say(`canary: ${searched.files - leaks.length} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

async function search(path: string): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isDirectory()) {
    for (const name of await readdir(path)) await search(join(path, name));
  } else if (stats?.isFile()) {
    searched.files += 1;
    searched.bytes += stats.size;
    const found = formsIn(await Bun.file(path).bytes());
    if (found.length > 0) leaks.push(`a secret stands in ${relative(folder ?? '', path)}`);
  }
}

async function textOf(name: string): Promise<string> {
  const file = Bun.file(join(folder ?? '', name));
  return (await file.exists()) ? file.text() : '';
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
