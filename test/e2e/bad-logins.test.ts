import { describe, expect, test } from 'bun:test';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startFakeRegistry } from '../support/fake-registry.ts';
import { finchWith, mayInject } from './support/injected.ts';
import { workbench } from './support/workbench.ts';

const auth = Buffer.from('me:topsecret').toString('base64');

/** What the files in a folder hold, as one text. */
async function textIn(folder: string): Promise<string> {
  const files = (await readdir(folder, { withFileTypes: true })).filter((one) => one.isFile());
  return (
    await Promise.all(files.map(({ name }) => readFile(join(folder, name), 'latin1')))
  ).join();
}

describe.skipIf(!mayInject())('finch login', () => {
  test('that is killed leaves a password that the next pull takes away', async () => {
    await using bench = await workbench();
    let asks = false;
    const challenge = { 'www-authenticate': 'Basic realm=x' };
    await using registry = startFakeRegistry({
      script: () => (asks ? new Response(null, { status: 401, headers: challenge }) : undefined),
    });
    const login = ['login', '-u', 'me', '-p', 'topsecret', registry.host];
    await finchWith(['rename,renameat,renameat2:error=EIO:signal=KILL'], login, bench).catch(
      () => undefined,
    );
    expect(await textIn(bench.home)).toContain(auth);
    asks = true;
    await bench.run(`pull ${registry.host}/app`);
    expect(await textIn(bench.home)).not.toContain(auth);
  });

  test('succeeds when the new file is there, and only its folder is not known to be on disk', async () => {
    await using bench = await workbench();
    await using registry = startFakeRegistry();
    const login = ['login', '-u', 'me', '-p', 'topsecret', registry.host];
    const { exitCode, stdout } = await finchWith(['fsync:error=EIO:when=2+'], login, bench);
    expect([exitCode, stdout]).toEqual([0, 'Login Succeeded\n']);
    expect(await textIn(bench.home)).toContain(auth);
  });
});
