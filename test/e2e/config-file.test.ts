import { describe, expect, test } from 'bun:test';
import { chmod, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chooseMoment, countCalls, killAt, type Moment } from '../soak/killing.ts';
import { randomFrom } from '../soak/random.ts';
import { CANARY } from '../support/canary.ts';
import { type FakeRegistry, startFakeRegistry } from '../support/fake-registry.ts';
import { expectError } from './support/expectations.ts';
import { filesIn } from './support/home-contents.ts';
import { finchWith, mayInject } from './support/injected.ts';
import { mayMount, mountSmallDisk } from './support/mounts.ts';
import { type Workbench, workbench } from './support/workbench.ts';

const auth = Buffer.from(`me:${CANARY}`).toString('base64');
const loginLine = ({ host }: FakeRegistry) => `login -u me --password-stdin ${host}`;
const configOf = ({ home }: Workbench) => join(home, 'config.json');

test('twenty logins at once, to twenty registries, are all in config.json', async () => {
  await using bench = await workbench();
  await using registries = new AsyncDisposableStack();
  const before =
    '{\n\t"auths": {\n\t\t"old.test": {\n\t\t\t"auth": "YTpi"\n\t\t}\n\t},\n\t"x": 1.0\n}\n';
  await writeFile(configOf(bench), before);
  const twenty = Array.from({ length: 20 }, () => registries.use(startFakeRegistry()));
  await Promise.all(twenty.map((registry) => bench.ok(loginLine(registry), { stdin: CANARY })));
  const after = await readFile(configOf(bench), 'utf8');
  const hosts = ['old.test', ...twenty.map(({ host }) => host)];
  expect(Object.keys(JSON.parse(after).auths).toSorted()).toEqual(hosts.toSorted());
  expect(after).toStartWith(before.slice(0, before.indexOf('\n\t},')));
  expect(after).toEndWith('\n\t},\n\t"x": 1.0\n}\n');
  expect((await readdir(bench.home)).toSorted()).toEqual(['config.json', 'config.json.lock']);
});

describe('finch login changes the entry, and logout takes it away, in a file', () => {
  test.each([
    [
      'of docker, with tabs',
      '{\n\t"auths": {\n\t\t"a.test": {\n\t\t\t"auth": "YTpi"\n\t\t}ENTRY\n\t},\n\t"detachKeys": "ctrl-x"\n}',
      ',\n\t\t"HOST": {\n\t\t\t"auth": "AUTH"\n\t\t}',
    ],
    [
      'written by hand, in odd lines',
      '\n{ "_comment":"mine, do not touch",\n\n   "auths" :\n   {\n      "a.test" : { "auth":"YTpi" , "email":"a@b" }ENTRY\n\n   }  ,   "n": [1.0,\n1e400] }\n\n',
      ',\n      "HOST" : { "auth":"AUTH" }',
    ],
    [
      'in one line',
      '{"HttpHeaders":{"User-Agent":"x"},"auths":{"a.test":{"auth":"YTpi"}ENTRY},"psFormat":"table"}',
      ',"HOST":{"auth":"AUTH"}',
    ],
    [
      'of Windows',
      '\ufeff{\r\n  "auths": {\r\n    "a.test": {}ENTRY\r\n  }\r\n}\r\n',
      ',\r\n    "HOST": {\r\n      "auth": "AUTH"\r\n    }',
    ],
  ])('%s', async (_, text, entry) => {
    await using bench = await workbench();
    await using registry = startFakeRegistry();
    const path = configOf(bench);
    const without = text.replace('ENTRY', '');
    await writeFile(path, without);
    await chmod(path, 0o640);
    await bench.ok(loginLine(registry), { stdin: `${CANARY}\n` });
    const written = entry.replace('HOST', registry.host).replace('AUTH', auth);
    expect((await readFile(path, 'utf8')) === text.replace('ENTRY', written)).toBe(true);
    await bench.ok(`logout ${registry.host}`);
    expect(await readFile(path, 'utf8')).toBe(without);
    expect((await stat(path)).mode & 0o777).toBe(0o640);
  });
});

test('finch login says where a config.json is broken, and what a link leads to is changed', async () => {
  await using bench = await workbench();
  await using registry = startFakeRegistry();
  const path = configOf(bench);
  await writeFile(path, '{\n  "auths": {\n    "a.test": {},\n  }\n}\n');
  const before = await filesIn(bench.home);
  expectError(
    await bench.fails(loginLine(registry), { stdin: CANARY }),
    `${path}:4:3: this is not JSON, expected a key in double quotes`,
    'correct the file, or move it away and log in again',
  );
  expect(await filesIn(bench.home)).toEqual(before);

  const home = await bench.newHome();
  const real = bench.path('dotfiles.json');
  await writeFile(real, '{}');
  await symlink(real, join(home, 'config.json'));
  await bench.ok(loginLine(registry), { stdin: CANARY, home });
  expect(Object.keys(JSON.parse(await readFile(real, 'utf8')).auths)).toEqual([registry.host]);
  expect(await readdir(home)).toEqual(['config.json']);
});

describe.skipIf(!mayMount())('a disk', () => {
  test('that is full, or read-only, keeps the old logins and nothing else', async () => {
    await using bench = await workbench();
    await using registry = startFakeRegistry();
    await using disk = await mountSmallDisk(bench.path('disk'), 64);
    const home = disk.path;
    await writeFile(join(home, 'config.json'), '{"auths":{"a.test":{"auth":"YTpi"}}}');
    await writeFile(join(home, 'config.json.lock'), '');
    Bun.spawnSync(['dd', 'if=/dev/zero', `of=${join(home, 'filler')}`, 'bs=4k'], {
      stderr: 'ignore',
    });
    const before = await filesIn(home);
    const fails = () => bench.fails(loginLine(registry), { stdin: CANARY, home });
    const path = join(home, 'config.json');
    expectError(
      await fails(),
      `cannot write ${path}: no space left on the disk`,
      /free some space/,
    );
    expect(await filesIn(home)).toEqual(before);
    disk.lock();
    expectError(await fails(), `cannot write ${path}: the file system is read-only`, /ls -ld/);
    expect(await filesIn(home)).toEqual(before);
  });
});

describe.skipIf(!mayInject())('finch', () => {
  test('where files cannot be locked says so at once, and changes nothing', async () => {
    await using bench = await workbench();
    await writeFile(configOf(bench), '{"auths":{"a.test":{}}}');
    const { exitCode, stderr } = await finchWith(
      ['fcntl:error=ENOLCK'],
      ['logout', 'a.test'],
      bench,
    );
    expect(exitCode).toBe(1);
    expectError(stderr, `the file system of ${bench.home} has no file locks`, /FINCH_HOME$/);
    expect(await readFile(configOf(bench), 'utf8')).toBe('{"auths":{"a.test":{}}}');
  });

  test('login that is killed leaves the old file or the new one, and no password beside it after the next command', async () => {
    await using bench = await workbench();
    await using registry = startFakeRegistry();
    const path = configOf(bench);
    const [old, other] = ['{\n\t"auths": {\n\t\t"a.test": {}', '\n\t}\n}\n'];
    const entry = `,\n\t\t"${registry.host}": {\n\t\t\t"auth": "${auth}"\n\t\t}`;
    const whole = [old + other, old + entry + other];
    const login = {
      args: loginLine(registry).split(' '),
      home: bench.home,
      stdin: new Blob([CANARY]),
    };
    await writeFile(path, old + other);
    const started = performance.now();
    const calls = await countCalls(login);
    const span = { ms: Math.min(performance.now() - started, 100), calls };
    const random = randomFrom(1);
    const ends = ['rename', 'fsync', 'fchmod'].flatMap((name) =>
      [1, 2].map((count): Moment => ({ kind: 'call', name, count })),
    );
    let killed = 0;
    for (const moment of [
      ...ends,
      ...Array.from({ length: 14 }, () => chooseMoment(span, random)),
    ]) {
      await writeFile(path, old + other);
      if (await killAt(login, moment)) killed++;
      expect(whole.includes(await readFile(path, 'utf8'))).toBe(true);
      await bench.ok('logout nowhere.test');
      const names = (await readdir(bench.home)).filter(
        (name) => !/^config\.json(\.lock)?$/.test(name),
      );
      expect(names).toEqual([]);
    }
    expect(killed).toBeGreaterThan(5);
  });
});
