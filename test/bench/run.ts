import { parseArgs } from 'node:util';
import { growthRows } from './growth.ts';
import { killed } from './killed.ts';
import { heading, judge, markdownTable, putTable, type RowResult, rowText } from './results.ts';
import { rows } from './rows.ts';
import { Stage } from './stage.ts';

// `bun run bench [--only WORD] [--json FILE] [--write]`: finch beside its peers, in turns on this machine, row by
// row of what it promises. Needs Go, skopeo, curl and openssl, 8 GiB of space and 8 minutes without other work.

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});

const wanted = [...rows, { id: 'killed', measure: killed }, ...growthRows].filter(
  ({ id }) => values.only?.some((word) => id.includes(word)) ?? true,
);
const results: RowResult[] = [];
const failures: string[] = [];
await using stage = await Stage.open();
say(heading);
for (const row of wanted) {
  // What one program fails at costs no other row.
  const result = await row.measure(stage).catch((error: unknown) => `${row.id}: ${error}`);
  if (typeof result === 'string') failures.push(result);
  else results.push(result);
  say(typeof result === 'string' ? result : rowText(result));
}
const unmet = results.flatMap(judge).filter(({ isMet }) => !isMet);
say(`${unmet.length} targets are not met, ${failures.length} rows failed`);
if (values.json !== undefined) await Bun.write(values.json, JSON.stringify(results, null, 2));
if (values.write) {
  const readme = new URL('../../README.md', import.meta.url);
  await Bun.write(readme, putTable(await Bun.file(readme).text(), markdownTable(results)));
}
process.exitCode = unmet.length === 0 && failures.length === 0 ? 0 : 1;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
