import { describe, expect, test } from 'bun:test';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { findLimactl } from '../../../src/vm/lima/find-limactl.ts';
import { fakeLimactl } from '../../support/fake-limactl.ts';
import { temporaryFolder } from '../../support/temporary.ts';

describe.skipIf(process.platform === 'win32')('findLimactl()', () => {
  const options = { limactl: undefined, installs: [] };

  test('finds nothing where there is none', async () => {
    await using folder = await temporaryFolder();
    const env = { PATH: `relative:${folder.path}:` };
    const look = () => findLimactl({ ...options, env, finchHome: '/h', installs: [folder.path] });
    expect(look()).toBeUndefined();
    await Bun.write(join(folder.path, 'limactl'), 'no program');
    await chmod(join(folder.path, 'limactl'), 0o644);
    expect(look()).toBeUndefined();
  });

  test("keeps machines of PATH's limactl in finch's home, or where LIMA_HOME says", async () => {
    await using folder = await temporaryFolder();
    const fake = await fakeLimactl(folder.path);
    const env = { PATH: `/usr/bin:${fake.folder}` };
    const program = join(fake.folder, 'limactl');
    const look = (more: Readonly<Record<string, string>>) =>
      findLimactl({ ...options, env: { ...env, ...more }, finchHome: '/h' });
    expect(look({})).toEqual({ program, home: '/h/lima' });
    expect(look({ LIMA_HOME: '' })).toEqual({ program, home: '/h/lima' });
    expect(look({ LIMA_HOME: '/somewhere' })).toEqual({ program, home: '/somewhere' });
  });

  test('prefers the limactl of an installed Finch, with its machines', async () => {
    await using folder = await temporaryFolder();
    const install = join(folder.path, 'Finch');
    const own = await fakeLimactl(join(install, 'lima'));
    const fake = await fakeLimactl(folder.path);
    const env = { PATH: fake.folder };
    expect(findLimactl({ ...options, env, finchHome: folder.path, installs: [install] })).toEqual({
      program: join(own.folder, 'limactl'),
      home: join(install, 'lima/data'),
    });
  });

  test('prefers the limactl that has the machine', async () => {
    await using folder = await temporaryFolder();
    const install = join(folder.path, 'Finch');
    await fakeLimactl(join(install, 'lima'));
    const fake = await fakeLimactl(folder.path);
    await fake.setStatus('Stopped');
    const env = { PATH: fake.folder };
    expect(findLimactl({ ...options, env, finchHome: folder.path, installs: [install] })).toEqual({
      program: join(fake.folder, 'limactl'),
      home: fake.limaHome,
    });
  });

  test('takes the one that finch.yaml names, and none in its place', async () => {
    await using folder = await temporaryFolder();
    const fake = await fakeLimactl(join(folder.path, 'elsewhere'));
    const onPath = await fakeLimactl(folder.path);
    const env = { PATH: onPath.folder };
    const look = (limactl: string) => findLimactl({ ...options, env, finchHome: '/h', limactl });
    const program = join(fake.folder, 'limactl');
    expect(look(program)).toEqual({ program, home: '/h/lima' });
    expect(() => look('/not/there/limactl')).toThrow(
      expect.objectContaining({
        code: 'VM',
        message: 'limactl is not at /not/there/limactl, which finch.yaml names',
      }),
    );
  });
});
