import { describe, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildImage, layerTar } from '../support/images.ts';
import { writeOciArchive } from './support/archives.ts';
import { expectError } from './support/expectations.ts';
import { type Finished, finchBinary } from './support/finch.ts';
import { filesIn, namesIn } from './support/home-contents.ts';
import { finchWith, mayInject } from './support/injected.ts';
import { mayMount, mountSmallDisk } from './support/mounts.ts';
import { areHere } from './support/program.ts';
import { registryBench, type Workbench, workbench } from './support/workbench.ts';

const SPACE = 'free some space and try again';

/** An image of half a MiB, in an archive `big.tar`. */
async function writeBig(bench: Workbench): Promise<void> {
  const built = buildImage({ layers: [layerTar(randomBytes(300_000).toString('hex'))] });
  await writeOciArchive(bench.path('big.tar'), 'big:1', built);
}

async function writeSmall(bench: Workbench, name = 'small:1'): Promise<void> {
  const built = buildImage({ layers: [layerTar(name)] });
  await writeOciArchive(bench.path('small.tar'), name, built);
}

/** A workbench with `small:1` in its home. */
async function benchWithImage(): Promise<Workbench> {
  const bench = await workbench();
  await writeSmall(bench);
  await writeBig(bench);
  await bench.ok('load -q -i small.tar');
  return bench;
}

function expectFailure({ stdout, stderr, exitCode }: Finished, ...said: [RegExp, string | RegExp]) {
  expect([exitCode, stdout]).toEqual([1, '']);
  expectError(stderr, ...said);
}

async function fill(path: string): Promise<void> {
  Bun.spawnSync(['dd', 'if=/dev/zero', `of=${path}`, 'bs=4k'], { stderr: 'ignore' });
}

describe.skipIf(!mayMount())('a disk that is full', () => {
  test('can be read, refuses what it cannot keep, and gives space back', async () => {
    await using bench = await workbench();
    await using disk = await mountSmallDisk(bench.path('disk'), 4096);
    const home = join(disk.path, 'home');
    await writeSmall(bench);
    await writeBig(bench);
    await bench.ok('load -q -i big.tar', { home });
    await fill(join(disk.path, 'filler'));
    const before = await filesIn(home);

    expect(await bench.ok('images --format {{.Repository}}', { home })).toBe('big\n');
    const other = buildImage({ layers: [layerTar(randomBytes(700_000).toString('hex'))] });
    await writeOciArchive(bench.path('other.tar'), 'other:1', other);
    const failed = await bench.run('load -q -i other.tar', { home });
    expectFailure(failed, /cannot write .*: no space left on the disk$/, SPACE);
    await bench.ok('images', { home });
    const keep = (files: Readonly<Record<string, string>>) => ({ ...files, 'store/reserve': '' });
    expect(keep(await filesIn(home))).toEqual(keep(before));

    expect(await bench.ok('rmi big:1', { home })).toContain('Deleted: sha256:');
    expect(await namesIn(home)).toEqual({});
    await bench.ok('load -q -i small.tar', { home });
    expect(await bench.ok('store verify', { home })).toStartWith('1 names, 3 blobs, ');
  });

  test('without even the space that finch keeps, it can still be read', async () => {
    await using bench = await workbench();
    await using disk = await mountSmallDisk(bench.path('disk'), 2048);
    const home = join(disk.path, 'home');
    await writeSmall(bench);
    await bench.ok('load -q -i small.tar', { home });
    await rm(join(home, 'store/reserve'));
    await fill(join(disk.path, 'filler'));
    const before = await filesIn(home);
    expect(await bench.ok('images --format {{.Repository}}', { home })).toBe('small\n');
    for (const line of ['tag small:1 b:1', 'rmi small:1']) {
      const failed = await bench.run(line, { home });
      expectFailure(failed, /cannot write .*: no space left on the disk$/, SPACE);
    }
    expect(await filesIn(home)).toEqual(before);
  });

  test('from the beginning, it is an empty store', async () => {
    await using bench = await workbench();
    await using disk = await mountSmallDisk(bench.path('disk'), 64);
    const home = join(disk.path, 'home');
    await fill(join(disk.path, 'filler'));
    await writeSmall(bench);
    expectFailure(
      await bench.run('load -q -i small.tar', { home }),
      /cannot (write|open) .*/,
      /^hint: /,
    );
  });
});

test.skipIf(!mayMount())('a disk that became read-only can be read, and nothing else', async () => {
  await using bench = await workbench();
  await using disk = await mountSmallDisk(bench.path('disk'), 4096);
  const home = join(disk.path, 'home');
  await writeSmall(bench);
  await bench.ok('load -q -i small.tar', { home });
  const before = await filesIn(home);
  disk.lock();
  expect(await bench.ok('images --format {{.Repository}}', { home })).toBe('small\n');
  expect(await bench.ok('store verify', { home })).toStartWith('1 names, 3 blobs, ');
  for (const line of ['tag small:1 b:1', 'rmi small:1', 'load -q -i small.tar']) {
    const failed = await bench.run(line, { home });
    expectFailure(failed, /the store .*meta\.db is read-only$/, /FINCH_HOME$/);
  }
  expect(await filesIn(home)).toEqual(before);
});

describe.skipIf(!mayInject())('a file system', () => {
  test('without file locks is refused at once, with the way out', async () => {
    await using bench = await benchWithImage();
    const before = await filesIn(bench.home);
    expectFailure(
      await finchWith(['fcntl:error=ENOLCK'], ['images'], bench),
      /the file system of .*store has no file locks, and the store needs them$/,
      'choose a home on a local disk with FINCH_HOME',
    );
    expect(await filesIn(bench.home)).toEqual(before);
  });

  test('without rights, hard links and symbolic links does', async () => {
    await using bench = await benchWithImage();
    const calls = 'chmod,fchmod,fchmodat,link,linkat,symlink,symlinkat';
    for (const args of [
      ['load', '-q', '-i', bench.path('big.tar')],
      ['rmi', 'small:1'],
    ]) {
      expect(await finchWith([`${calls}:error=EPERM`], args, bench)).toMatchObject({ exitCode: 0 });
    }
    expect(await bench.ok('store verify')).toStartWith('1 names, 3 blobs, ');
  });

  test.each([
    ['EDQUOT', /: the disk quota is used up$/, SPACE],
    ['EIO', /: the disk reported an error$/, /^hint: check the disk/],
    ['ENOSPC', /: no space left on the disk$/, SPACE],
  ])('that answers %s while an image comes in keeps nothing of it', async (code, message, hint) => {
    await using bench = await benchWithImage();
    const before = await filesIn(bench.home);
    const calls = 'fdatasync,fsync';
    const args = ['load', '-q', '-i', bench.path('big.tar')];
    expectFailure(await finchWith([`${calls}:error=${code}`], args, bench), message, hint);
    await bench.ok('images');
    expect(await filesIn(bench.home)).toEqual(before);
  });

  test('that frees nothing keeps no name that rmi has removed', async () => {
    await using bench = await benchWithImage();
    const args = ['rmi', 'small:1'];
    const { exitCode, stdout, stderr } = await finchWith(
      ['unlink,unlinkat:error=EIO'],
      args,
      bench,
    );
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('the names are removed')]);
    expect(stdout).toStartWith('Untagged: docker.io/library/small:1@');
    expect(await bench.ok('images --format {{.Repository}}')).toBe('');
  });

  test('on which the quota is used up changes no name', async () => {
    await using bench = await benchWithImage();
    const before = await filesIn(bench.home);
    const failed = await finchWith(['pwrite64:error=EDQUOT'], ['tag', 'small:1', 'b:1'], bench);
    expectFailure(failed, /cannot write .*meta\.db: no space left on the disk/, SPACE);
    await bench.ok('images');
    expect(await filesIn(bench.home)).toEqual(before);
  });
});

test.skipIf(process.platform === 'win32')('files may not become as large as an image', async () => {
  await using bench = await benchWithImage();
  const before = await filesIn(bench.home);
  const script = `ulimit -f 200; exec ${finchBinary} load -q -i ${bench.path('big.tar')}`;
  const { exitCode, stderr } = Bun.spawnSync(['sh', '-c', script], {
    env: { FINCH_HOME: bench.home },
    stderr: 'pipe',
  });
  expect(exitCode).toBe(1);
  expectError(
    stderr.toString(),
    /: it would be larger than files may be here/,
    'allow larger files with: ulimit -f unlimited',
  );
  await bench.ok('images');
  expect(await filesIn(bench.home)).toEqual(before);
});

describe('a home', () => {
  const env = (values: Readonly<Record<string, string>>) => ({
    FINCH_HOME: '',
    HOME: '',
    ...values,
  });

  test('that nobody named is asked for', async () => {
    await using bench = await workbench();
    expectFailure(
      await bench.run('images', { env: env({ USERPROFILE: '' }) }),
      /there is no home folder: HOME is not set$/,
      /^hint: set FINCH_HOME/,
    );
  });

  test('that does not exist is made', async () => {
    await using bench = await workbench();
    await writeSmall(bench);
    const options = { env: env({ HOME: bench.path('new/home') }) };
    await bench.ok('load -q -i small.tar', options);
    expect(await bench.ok('images -q', options)).not.toBe('');
    expect((await stat(bench.path('new/home/.finch/store'))).isDirectory()).toBe(true);
  });

  test('that is a file is refused', async () => {
    await using bench = await workbench();
    await writeFile(bench.path('file'), 'x');
    for (const place of [{ HOME: bench.path('file') }, { FINCH_HOME: bench.path('file') }]) {
      expectFailure(
        await bench.run('images', { env: env(place) }),
        /cannot write .*: a part of the path is not a folder$/,
        /^hint: check it with: ls -ld, or choose another home with FINCH_HOME$/,
      );
    }
    expect(await Bun.file(bench.path('file')).text()).toBe('x');
  });
});

test.skipIf(!areHere('docker-registry'))(
  'a push of content that was damaged in silence blames the local copy, and a repair and a load mend it',
  async () => {
    await using bench = await registryBench();
    const built = buildImage({ layers: [layerTar('pushed')] });
    const name = `${bench.registry.host}/app:1`;
    await writeOciArchive(bench.path('app.tar'), name, built);
    await bench.ok('load -q -i app.tar');
    const digest = built.order[0]?.digest ?? '';
    const path = join(bench.home, 'store/blobs', digest.replace(':', '/'));
    Bun.spawnSync(['cp', '-p', path, bench.path('before')]);
    const bytes = Buffer.from(await Bun.file(path).bytes());
    bytes[30] = (bytes[30] ?? 0) ^ 1;
    await writeFile(path, bytes);
    Bun.spawnSync(['touch', '-r', bench.path('before'), path]);
    const stderr = await bench.fails(['push', '-q', name]);
    expectError(
      stderr,
      `the local copy of ${digest} is damaged`,
      'run: finch store repair, then pull or load the image again',
    );
    expect(await bench.ok('store repair')).toContain(`pull or load again: ${name}`);
    await bench.ok('load -q -i app.tar');
    await bench.ok(['push', '-q', name]);
  },
);
