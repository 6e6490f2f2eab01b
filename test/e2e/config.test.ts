import { describe, expect, test } from 'bun:test';
import { chmod, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { awsBench, ECR_HOST } from './support/aws-bench.ts';
import { expectError } from './support/expectations.ts';
import { filesIn } from './support/home-contents.ts';
import { type Workbench, workbench } from './support/workbench.ts';

/** As somebody has written it over the years: every byte is there for a reason. */
const HAND_WRITTEN = [
  '\ufeff# my finch.yaml\t(do not touch)',
  '---',
  'defaults: &defaults   # for all my machines',
  '    experimental: { mountInotify: false, future: [1, 2] }',
  '    "vmnet" : False',
  '<<: *defaults',
  '',
  'cpus:   4   # four',
  "memory: '4GiB'\t# a tab",
  'additional_directories:',
  '-   path: /srv/data   # one',
  '-   /srv/more',
  '# helpers',
  'creds_helpers:',
  '      # first the own one',
  '      - osxkeychain   # of the system',
  'unknown_key: |+',
  '  # no comment',
  '',
  '  text',
  '',
  'another: {a: "b", c: [d,',
  '   e]} # flow',
  '',
].join('\r\n');

const file = (bench: Workbench) => join(bench.home, 'finch.yaml');

/** What is in the finch.yaml of a bench, byte for byte. */
const textIn = (bench: Workbench) => Bun.file(file(bench)).bytes().then(decoded);

function decoded(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

/** A bench with that finch.yaml. */
async function benchWith(text: string): Promise<Workbench> {
  const bench = await workbench();
  await Bun.write(file(bench), text);
  return bench;
}

const START = 'counts when the virtual machine starts next: finch vm stop, then finch vm start\n';

describe('finch config', () => {
  test('shows the defaults without a finch.yaml, and makes none', async () => {
    await using bench = await workbench();
    const list = await bench.ok('config list');
    expect(list.split('\n')[0]).toMatch(/^KEY +VALUE +SOURCE$/);
    expect(list).toMatch(/^bootdisk +100GiB +default$/m);
    expect(await bench.ok('config path')).toBe(`${file(bench)}\n`);
    expect(await bench.ok('config get datadisk')).toBe('50GiB\n');
    expect(await bench.ok('config get auto_vm_start')).toBe('true\n');
    expectError(
      await bench.fails('config get limactl'),
      'limactl is not set, and has no default',
      'set it with: finch config set limactl VALUE',
    );
    expect(await filesIn(bench.home)).toEqual({});
  });

  test('makes a finch.yaml that is this user’s alone', async () => {
    await using bench = await workbench();
    const home = join(bench.home, 'new');
    const { stdout, stderr } = await bench.run('config set memory 8GiB', { home });
    expect({ stdout, stderr }).toEqual({ stdout: '', stderr: `memory: ${START}` });
    expect(await Bun.file(join(home, 'finch.yaml')).text()).toBe('memory: 8GiB\n');
    expect((await stat(join(home, 'finch.yaml'))).mode & 0o777).toBe(0o600);
    expect((await stat(home)).mode & 0o777).toBe(0o700);
  });

  test('reads what is set, with where it comes from', async () => {
    await using bench = await benchWith(HAND_WRITTEN);
    expect(await bench.ok('config get cpus')).toBe('4\n');
    expect(await bench.ok('config get additional_directories')).toBe('/srv/data\n/srv/more\n');
    expect(await bench.ok('config get experimental.mountInotify')).toBe('false\n');
    const rows = (await bench.ok('config list --format json')).trim().split('\n');
    const sources = rows.map((row) => {
      const { Key, Value, Source } = JSON.parse(row);
      return Source === 'finch.yaml' ? `${Key}=${Value}` : undefined;
    });
    expect(sources.filter(Boolean)).toEqual([
      ...['cpus=4', 'memory=4GiB', 'additional_directories=/srv/data,/srv/more', 'vmnet=false'],
      ...['creds_helpers=osxkeychain', 'experimental.mountInotify=false'],
    ]);
    expect(await bench.ok('config list --format {{.Key}}')).toStartWith('cpus\nmemory\n');
    expect(await textIn(bench)).toBe(HAND_WRITTEN);
  });

  test('writes nothing that is already so', async () => {
    await using bench = await benchWith(HAND_WRITTEN);
    const before = await stat(file(bench));
    await bench.ok('config set cpus 4');
    await bench.ok('config set --unset rosetta');
    await bench.ok('config set creds_helpers osxkeychain');
    await bench.ok('vm settings --memory 4GiB');
    const after = await stat(file(bench));
    expect({ inode: after.ino, time: after.mtimeMs }).toEqual({
      inode: before.ino,
      time: before.mtimeMs,
    });
  });

  test.each([
    ['cpus 0', 'specified number of CPUs (0) must be greater than 0'],
    ['cpus -1', 'specified number of CPUs (-1) must be greater than 0'],
    ['additional_directories /data /tmp/', '"/tmp/" is a folder of the system'],
    ['cpus four', '"cpus" is not a whole number'],
    ['cpus 1 2', 'cpus needs one value'],
    ['memory', 'memory needs one value'],
    ['memory 0GiB', 'specified amount of memory (0GiB) must be greater than 0GiB'],
    ['bootdisk 5GiB', 'specified size of boot disk (5GiB) must be greater than 10GiB'],
    ['rosetta yes', '"rosetta" is not true or false'],
    ['vmType parallels', /unsupported vm type "parallels" for /],
    ['snapshotters soci,zfs', 'snapshotter "zfs" is not supported'],
    ['additional_directories data', '"data" is not an absolute path'],
    ['additional_directories ,', 'additional_directories needs at least one value'],
    ['memroy 4GiB', 'finch.yaml has no key "memroy"'],
    ['experimental true', 'finch.yaml has no key "experimental"'],
    ['--unset cpus 4', '--unset takes a key, and no value'],
  ])('set %s is refused before anything is written', async (words, message) => {
    await using bench = await benchWith(HAND_WRITTEN);
    const before = await filesIn(bench.home);
    expectError(await bench.fails(`config set ${words}`), message, /./);
    expect(await filesIn(bench.home)).toEqual(before);
  });

  test('mends a finch.yaml in which a value is wrong, and refuses one that is no YAML', async () => {
    await using bench = await benchWith('cpus: 0 # oh\nother: 1\n');
    await bench.ok('config set cpus 2');
    expect(await textIn(bench)).toBe('cpus: 2 # oh\nother: 1\n');
    await Bun.write(file(bench), 'memory: -1\n');
    const { stderr } = await bench.run('config set cpus 2');
    expect(stderr).toBe(
      `nothing of it counts before this is corrected: ${file(bench)}:1:9: failed to parse memory to uint: invalid size: "-1"\n`,
    );
    for (const text of ['cpus: [1\n', 'a: 1\n---\nb: 2\n', 'cpus: 1\ncpus: 2\n']) {
      await Bun.write(file(bench), text);
      expectError(await bench.fails('config set cpus 3'), /finch\.yaml:\d+:\d+: /, /./);
      expect(await textIn(bench)).toBe(text);
    }
  });

  test('keeps the access of the file, and a link to it', async () => {
    await using bench = await workbench();
    const real = bench.path('dotfiles.yaml');
    await Bun.write(real, 'cpus: 2\n');
    await chmod(real, 0o640);
    await symlink(real, file(bench));
    await bench.ok('config set cpus 3');
    expect(await Bun.file(real).text()).toBe('cpus: 3\n');
    expect((await stat(real)).mode & 0o777).toBe(0o640);
  });

  test('loses no change when many are made at once', async () => {
    await using bench = await workbench();
    const keys = ['cpus 3', 'memory 3g', 'bootdisk 60g', 'datadisk 60g', 'vmnet true'];
    await Promise.all(keys.map((words) => bench.ok(`config set ${words}`)));
    const lines = (await textIn(bench)).trim().split('\n').sort();
    expect(lines).toEqual(keys.map((words) => words.replace(' ', ': ')).sort());
    expect((await filesIn(bench.home))['finch.yaml.lock']).toBeString();
    expect((await stat(join(bench.home, 'finch.yaml.lock'))).mode & 0o777).toBe(0o600);
  });

  test.each([
    ['memory: -1', '1:9: failed to parse memory to uint: invalid size: "-1"'],
    ['a: 1\nrosetta: yes', '2:10: "rosetta" is not true or false'],
    ['cpus: .inf', '1:7: "cpus" is not a whole number'],
    ['hello', '1:1: the file is not a map of keys to values'],
    ['cpus:\u00a04', '1:1: the file is not a map of keys to values'],
    ['additional_directories: [/etc]', '1:26: "/etc" is a folder of the system'],
  ])('shows a finch.yaml of %p, and then that none of it counts', async (text, fault) => {
    await using bench = await benchWith(`${text}\n`);
    for (const words of ['config list', 'config get cpus']) {
      const { stdout, stderr, exitCode } = await bench.run(words);
      expect(exitCode).toBe(1);
      expect(stdout).not.toBe('');
      expect(stderr).toStartWith(`finch: ${file(bench)}:${fault}\n`);
    }
    expect(await bench.ok('config path')).toBe(`${file(bench)}\n`);
  });

  test('says what kind of machine counts where finch.yaml does not', async () => {
    await using bench = await workbench();
    if (process.platform !== 'linux') return;
    const env = { PATH: '/usr/bin:/bin' };
    expect(await bench.ok('config get vmType', { env })).toBe('native\n');
  });

  test('writes no finch.yaml that would be too large to be read', async () => {
    const text = `# ${'x'.repeat(1024 * 1024 - 10)}\n`;
    await using bench = await benchWith(text);
    expectError(
      await bench.fails('config set memory 8GiB'),
      `${file(bench)} would be larger than 1 MiB`,
      'make room in it first',
    );
    expect(await textIn(bench)).toBe(text);
  });

  test('has no word about a value that could not be written', async () => {
    await using bench = await benchWith('cpus: &c 4\nother: *c\n');
    const { stderr } = await bench.run('config set cpus 4096');
    expect(stderr.split('\n')).toHaveLength(3);
    expect(stderr).toStartWith('finch: ');
  });

  test('takes an item with a comma in quotes', async () => {
    await using bench = await workbench();
    await bench.ok(['config', 'set', 'additional_directories', '"/a,b", /c', '/d']);
    expect(await bench.ok('config get additional_directories')).toBe('/a,b\n/c\n/d\n');
  });

  test('leaves nothing beside a file that a link leads to', async () => {
    await using bench = await workbench();
    const folder = bench.path('dotfiles');
    await Bun.write(join(folder, 'finch.yaml'), 'cpus: 2\n');
    await symlink(join(folder, 'finch.yaml'), file(bench));
    await bench.ok('config set cpus 3');
    expect(Object.keys(await filesIn(folder))).toEqual(['finch.yaml']);
  });
});

describe('finch vm settings', () => {
  test('changes finch.yaml, and says when it counts', async () => {
    await using bench = await workbench();
    const { stdout, stderr } = await bench.run('vm settings --cpus 2 --memory 1GiB --datadisk 70g');
    expect(stdout).toBe('Configurations have been successfully updated.\n');
    expect(stderr).toBe(`cpus, memory, datadisk: ${START}`);
    expect(await textIn(bench)).toBe('cpus: 2\nmemory: 1GiB\ndatadisk: 70g\n');
    expect(await bench.run('vm settings --cpus 2')).toEqual({
      stdout: '',
      stderr: 'Provided flags match existing settings, no changes made.\n',
      exitCode: 0,
    });
  });

  test('without flags shows its help', async () => {
    await using bench = await workbench();
    expect(await bench.ok('vm settings')).toBe(await bench.ok('vm settings --help'));
  });

  test('tells of more than the host has, and writes it', async () => {
    await using bench = await workbench();
    const { stderr, exitCode } = await bench.run('vm settings --cpus 4096');
    expect(exitCode).toBe(0);
    expect(stderr).toStartWith(
      'The specified number of CPUs (4096) is greater than CPUs available',
    );
  });

  test.each([
    ['--cpus 0', 'specified number of CPUs (0) must be greater than 0'],
    ['--memory x', 'failed to parse memory to uint: invalid size: "x"'],
    ['--cpus 2 --bootdisk 5GiB', 'specified size of boot disk (5GiB) must be greater than 10GiB'],
    ['--datadisk 10GiB', 'specified size of datadisk (10GiB) must be greater than 10GiB'],
  ])('refuses %s, and writes none of it', async (flags, message) => {
    await using bench = await workbench();
    expectError(await bench.fails(`vm settings ${flags}`), message, /./);
    expect(await filesIn(bench.home)).toEqual({});
  });
});

describe('a finch.yaml written by hand survives byte for byte', () => {
  test.each([
    ['config set cpus 8', 'cpus:   4 ', 'cpus:   8 '],
    ['config set memory 6GiB', "'4GiB'", "'6GiB'"],
    [
      'vm settings --cpus 8 --memory 6GiB',
      "cpus:   4   # four\r\nmemory: '4GiB'",
      "cpus:   8   # four\r\nmemory: '6GiB'",
    ],
    ['config set additional_directories /srv/data', '-   /srv/more\r\n', ''],
    [
      'config set additional_directories /srv/data,/srv/more,/x',
      '/more\r\n',
      '/more\r\n- path: /x\r\n',
    ],
    [
      'config set creds_helpers osxkeychain ecr-login',
      'system\r\n',
      'system\r\n      - ecr-login\r\n',
    ],
    ['config set rosetta true', '   e]} # flow\r\n', '   e]} # flow\r\nrosetta: true\r\n'],
    ['config set vmnet true', '   e]} # flow\r\n', '   e]} # flow\r\nvmnet: true\r\n'],
    ['config set --unset cpus', 'cpus:   4   # four\r\n', ''],
  ])('by finch %s', async (line, before, after) => {
    expect(HAND_WRITTEN.split(before)).toHaveLength(2);
    await using bench = await benchWith(HAND_WRITTEN);
    await bench.ok(line);
    expect(await textIn(bench)).toBe(HAND_WRITTEN.replace(before, after));
  });

  test('by finch ecr setup, and by finch ecr unset', async () => {
    await using bench = await awsBench();
    await Bun.write(file(bench), HAND_WRITTEN);
    const env = bench.as(bench.aws.addUser({ account: '111222333444', name: 'alice' }));
    await bench.ok(`ecr setup ${ECR_HOST}`, { env });
    const helper = 'system\r\n      - ecr-login\r\n';
    expect(await textIn(bench)).toBe(HAND_WRITTEN.replace('system\r\n', helper));
    await bench.ok('ecr unset', { env });
    expect(await textIn(bench)).toBe(HAND_WRITTEN);
  });

  test('what would change something else is left alone', async () => {
    await using bench = await benchWith(HAND_WRITTEN);
    expectError(
      await bench.fails('config set experimental.mountInotify true'),
      /finch\.yaml:\d+:\d+: experimental\.mountInotify cannot be changed here without changing something else$/,
      'change it in an editor, and run this again',
    );
    expect(await textIn(bench)).toBe(HAND_WRITTEN);
  });
});
