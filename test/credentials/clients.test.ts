import { expect, test } from 'bun:test';
import { chmod, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { clientViews } from '../../src/credentials/clients.ts';
import { serverName } from '../../src/credentials/server-name.ts';
import { temporaryFolder } from '../support/temporary.ts';

const HOST = '111222333444.dkr.ecr.us-east-1.amazonaws.com';

/** What the files of a home say about {@link HOST}, where the helper `linked` is a link to a program. */
async function viewsOf(platform: NodeJS.Platform, config: unknown) {
  await using home = await temporaryFolder();
  const [bin, program] = [join(home.path, 'bin'), join(home.path, 'program')];
  await mkdir(bin);
  await Bun.write(program, '#!/bin/sh\n');
  await chmod(program, 0o755);
  await symlink(program, join(bin, 'docker-credential-linked'));
  await Bun.write(join(home.path, 'config.json'), JSON.stringify(config));
  const env = { PATH: bin, HOME: home.path, XDG_RUNTIME_DIR: home.path };
  const now = () => Date.now();
  return await clientViews(serverName(HOST), { env, home: home.path, platform, now });
}

test('a helper that is a symbolic link is worth a remark on macOS alone', async () => {
  const config = { credHelpers: { [HOST]: 'linked' } };
  const [onMac] = await viewsOf('darwin', config);
  expect(onMac).toMatchObject({ isOwn: true, remark: expect.stringContaining('symbolic link') });
  expect(onMac?.problem).toBeUndefined();
  const [onLinux] = await viewsOf('linux', config);
  expect(onLinux?.uses).toBe('docker-credential-linked');
  expect(onLinux?.remark).toBeUndefined();
});

test('finch needs no program for ecr-login and for itself', async () => {
  for (const helper of ['ecr-login', 'finch']) {
    const views = await viewsOf('linux', { credHelpers: { [HOST]: helper } });
    expect(views.map(({ problem }) => problem).filter(Boolean)).toEqual([]);
  }
});

test.each(['<aws_account_id>.dkr.ecr.<region>.amazonaws.com', '1.dkr.ecr.<region>.amazonaws.com'])(
  'the key %s is a placeholder',
  async (key) => {
    const [view] = await viewsOf('linux', { auths: null, credHelpers: { [key]: 'ecr-login' } });
    expect(view?.remark).toContain(`"${key}"`);
    expect(view?.remark).toEndWith(`finch ecr setup ${HOST}`);
  },
);
