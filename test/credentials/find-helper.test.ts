import { describe, expect, test } from 'bun:test';
import { chmod, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { findHelper, helperFolders } from '../../src/credentials/find-helper.ts';
import { helperStore } from '../../src/credentials/helper-store.ts';
import { writeHelper } from '../support/helper-programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const LIST = `echo '{"ghcr.io":"me"}'`;

/** A home without anything in it, and a folder beside it. */
async function place() {
  const folder = await temporaryFolder();
  const home = join(folder.path, 'home');
  await mkdir(home);
  return {
    home,
    own: join(home, 'cred-helpers'),
    bin: join(folder.path, 'bin'),
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  };
}

describe.skipIf(process.platform === 'win32')('findHelper()', () => {
  test('looks on PATH, and then in cred-helpers of finch', async () => {
    await using at = await place();
    const env = { PATH: `/nonexistent:${at.bin}` };
    expect(findHelper('x', { env, home: at.home })).toBeUndefined();
    const own = await writeHelper(at.own, 'x', LIST);
    expect(findHelper('x', { env, home: at.home })).toBe(own);
    const onPath = await writeHelper(at.bin, 'x', LIST);
    expect(findHelper('x', { env, home: at.home })).toBe(onPath);
    expect(findHelper('x', { env: {}, home: at.home })).toBe(own);
  });

  test('passes over what is not executable or no file', async () => {
    await using at = await place();
    await mkdir(join(at.bin, 'docker-credential-x'), { recursive: true });
    const plain = await writeHelper(join(at.bin, 'plain'), 'x', LIST, { mode: 0o644 });
    const env = { PATH: `${at.bin}:${join(at.bin, 'plain')}` };
    expect(findHelper('x', { env, home: at.home })).toBe(plain);
    const own = await writeHelper(at.own, 'x', LIST);
    expect(findHelper('x', { env, home: at.home })).toBe(own);
  });

  test('never looks in the folder that finch runs in', async () => {
    await using at = await place();
    await writeHelper(at.bin, 'x', LIST);
    const script = `import { findHelper, helperFolders } from ${JSON.stringify(join(import.meta.dir, '../../src/credentials/find-helper.ts'))};
      const env = { PATH: ':.:bin:./bin' };
      console.log(String(findHelper('x', { env, home: ${JSON.stringify(at.home)} })));`;
    const child = Bun.spawn([process.execPath, '-e', script], { cwd: at.bin, stdout: 'pipe' });
    expect(await child.stdout.text()).toBe('undefined\n');
  });

  test('follows symbolic links', async () => {
    await using at = await place();
    const target = await writeHelper(at.bin, 'target', LIST);
    await mkdir(at.own);
    await symlink(target, join(at.own, 'docker-credential-x'));
    const store = helperStore('x', { env: {}, home: at.home });
    expect(await store.list()).toEqual([{ key: 'ghcr.io', username: 'me' }]);
  });

  test('on macOS also looks where a PATH of a window or of a nightly job does not lead', () => {
    const env = { PATH: '/usr/bin' };
    expect(helperFolders({ env, home: '/h', platform: 'darwin' })).toEqual([
      ...['/usr/bin', '/h/cred-helpers'],
      ...['/opt/finch/bin', '/opt/homebrew/bin', '/usr/local/bin'],
    ]);
    expect(helperFolders({ env, home: '/h', platform: 'linux' })).toEqual([
      ...['/usr/bin', '/h/cred-helpers'],
    ]);
  });
});

describe.skipIf(process.platform === 'win32')('a helper in cred-helpers', () => {
  test.each([0o757, 0o775, 0o777])('that others can change (%o) is not run', async (mode) => {
    await using at = await place();
    const path = await writeHelper(at.own, 'x', LIST);
    const store = helperStore('x', { env: {}, home: at.home });
    expect(await store.list()).toHaveLength(1);
    for (const part of [path, at.own]) {
      await chmod(part, mode);
      await expect(store.list()).rejects.toMatchObject({
        code: 'CREDENTIAL_STORE',
        message: `other users can change ${part}, so it is not run`,
        hint: `forbid it with: chmod go-w ${part}`,
      });
      await chmod(part, 0o755);
    }
  });
});
