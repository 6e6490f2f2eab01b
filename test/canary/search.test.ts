import { expect, test } from 'bun:test';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AWS_SECRET_CANARY, AWS_SESSION_CANARY } from '../support/aws/secrets.ts';
import { CANARY } from '../support/canary.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** Searches a folder in which a suite left some files, beside those that every suite leaves. */
async function search(files: Readonly<Record<string, string>>) {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, 'tmp'));
  const left: Readonly<Record<string, string>> = {
    'debug.log': log(400),
    'output.log': '(pass) a test that says what it tests [1.00ms]\n'.repeat(500),
    ...files,
  };
  for (const [name, text] of Object.entries(left)) await Bun.write(join(folder.path, name), text);
  const script = join(import.meta.dir, 'search.ts');
  const child = Bun.spawn([process.execPath, script, folder.path], { stdout: 'pipe' });
  const text = await child.stdout.text();
  return { text, status: await child.exited };
}

/** The log of so many runs of finch. */
function log(runs: number): string {
  const line = (pid: number, text: string) => `2026-01-31T12:00:00.000Z ${pid} debug: ${text}\n`;
  return Array.from({ length: runs }, (_, pid) =>
    ['finch 0.1.0: pull', 'HEAD http://r.test/v2/ -> 200, 2 ms', 'done'].map((it) => line(pid, it)),
  )
    .flat()
    .join('');
}

test('a suite that told nobody a secret passes, and the search says what it searched', async () => {
  const { text, status } = await search({ 'tmp/finch-test-x/a': 'nothing' });
  expect(text).toContain('the log has 1200 lines of 400 finches\n');
  expect(text).toEndWith('canary: 3 passed, 0 failed\n');
  expect(status).toBe(0);
});

test('a secret is found wherever a suite left it', async () => {
  const basic = Buffer.from(`me:${CANARY}`).toString('base64');
  for (const [name, text] of [
    ['debug.log', `${log(400)}2026-01-31T12:00:00.000Z 1 debug: Basic ${basic}\n`],
    ['output.log', `${'(pass)\n'.repeat(5000)}error: ${JSON.stringify(CANARY)}\n`],
    ['tmp/finch-test-x/home-y/config.json', JSON.stringify({ auth: basic })],
    ['tmp/core', `\0\0${CANARY}\0`],
    ['tmp/report', encodeURIComponent(CANARY)],
    ['debug.log', `${log(400)}2026-01-31T12:00:00.000Z 1 debug: key ${AWS_SECRET_CANARY}x9\n`],
    ['tmp/finch-test-x/credentials.json', JSON.stringify({ token: `${AWS_SESSION_CANARY}x9` })],
  ] as const) {
    const found = await search({ [name]: text });
    expect(found.text).toContain(`a secret stands in ${name}\n`);
    expect(found.text).toMatch(/canary: \d+ passed, 1 failed\n$/);
    expect(found.status).toBe(1);
    for (const secret of [CANARY, AWS_SECRET_CANARY, AWS_SESSION_CANARY]) {
      expect(found.text).not.toContain(secret);
    }
  }
});

test('what cannot be the whole suite does not pass', async () => {
  for (const files of [
    { 'debug.log': '' },
    { 'debug.log': log(20) },
    { 'debug.log': '2026-01-31T12:00:00.000Z 1 debug: done\n'.repeat(5000) },
    { 'output.log': '' },
  ]) {
    const { text, status } = await search(files);
    expect(text).toContain('that is too little to be what the whole suite left\n');
    expect(status).toBe(1);
  }
});
