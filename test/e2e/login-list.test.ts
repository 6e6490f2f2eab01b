import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { CANARY } from '../support/canary.ts';
import { filesIn } from './support/home-contents.ts';
import { type Workbench, workbench } from './support/workbench.ts';

/** A JSON Web Token of nobody that ends at a moment. */
function endingToken(end: Date): string {
  const claims = JSON.stringify({ exp: Math.floor(end.getTime() / 1000) });
  return ['{"alg":"none"}', claims, CANARY]
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');
}

/** Lines of words, without the spaces that align them. */
async function list({ ok }: Workbench, flags = ''): Promise<readonly (readonly string[])[]> {
  const out = await ok(`login --list${flags}`);
  return out
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd().split(/ {4,}/));
}

test('finch login --list shows every login, where it is kept and when it ends, and no secret', async () => {
  await using bench = await workbench();
  const own = join(bench.home, 'config.json');
  const auth = Buffer.from(`me:${CANARY}`).toString('base64');
  const end = new Date(Date.now() + 36 * 3_600_000);
  await Bun.write(
    own,
    JSON.stringify({
      auths: {
        'https://index.docker.io/v1/': { auth },
        'b.example:5000': { auth },
        'c.example': { identitytoken: endingToken(end) },
      },
    }),
  );
  const dockers = join(bench.home, '.docker/config.json');
  await Bun.write(dockers, JSON.stringify({ auths: { 'd.example': { auth } } }));
  const before = await filesIn(bench.home);
  const [header, ...rows] = await list(bench);
  expect(header).toEqual(['SERVER', 'USERNAME', 'STORE', 'EXPIRES']);
  expect(rows.toSorted()).toEqual([
    ['b.example:5000', 'me', own],
    ['c.example', '<token>', own, 'in 36 hours'],
    ['d.example', 'me', dockers],
    ['docker.io', 'me', own],
  ]);
  const shown = await bench.run('login --list --format json --debug');
  expect(shown.exitCode).toBe(0);
  expect(shown.stdout + shown.stderr).not.toContain(CANARY);
  expect(shown.stdout + shown.stderr).not.toContain(auth);
  expect(await filesIn(bench.home)).toEqual(before);
});

test('finch login --list without logins is its header, and makes no file', async () => {
  await using bench = await workbench();
  expect(await list(bench)).toEqual([['SERVER', 'USERNAME', 'STORE', 'EXPIRES']]);
  expect(await list(bench, ' --format json')).toEqual([['']]);
  expect(await filesIn(bench.home)).toEqual({});
});
