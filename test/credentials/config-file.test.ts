import { describe, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { chmod, chown, lstat, mkdir, readdir, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { editConfigFile, openToOthers, readConfigFile } from '../../src/credentials/config-file.ts';
import { stageFile } from '../../src/host/atomic-file.ts';
import { withFileLock } from '../../src/host/file-lock.ts';
import { CANARY } from '../support/canary.ts';
import { configFile } from '../support/config-file.ts';
import { temporaryFolder } from '../support/temporary.ts';

const edits = [{ path: ['a'], value: 1 }];
const setA = () => edits;
const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

/** The name of a temporary file that a killed login leaves beside `path`. */
async function leaveTemporary(path: string): Promise<string> {
  const { temporaryPath } = await stageFile(path, new TextEncoder().encode(CANARY), {
    mode: 0o600,
    owner: 'login',
  });
  return temporaryPath;
}

describe('editConfigFile()', () => {
  test('keeps the mode of the file, and makes a new one for this user only', async () => {
    for (const mode of [0o600, 0o640, 0o644, 0o400, 0o666]) {
      await using file = await configFile('{}');
      await chmod(file.path, mode);
      await editConfigFile(file.path, setA);
      expect(await modeOf(file.path)).toBe(mode);
    }
    await using file = await configFile();
    const path = join(file.folder, 'new', 'config.json');
    await editConfigFile(path, setA);
    expect([await modeOf(path), await modeOf(join(file.folder, 'new'))]).toEqual([0o600, 0o700]);
    expect(await Bun.file(path).text()).toBe('{\n  "a": 1\n}\n');
  });

  test.skipIf(process.getuid?.() !== 0)('keeps the owner and the group', async () => {
    await using file = await configFile('{}');
    await chown(file.path, 12, 34);
    await chmod(file.path, 0o640);
    await editConfigFile(file.path, setA);
    const { uid, gid, mode } = await stat(file.path);
    expect([uid, gid, mode & 0o777]).toEqual([12, 34, 0o640]);
  });

  test('changes what a chain of links leads to, and keeps the links', async () => {
    await using file = await configFile('{}');
    const [first, second] = [join(file.folder, 'first'), join(file.folder, 'sub', 'second')];
    await mkdir(join(file.folder, 'sub'));
    await symlink('../config.json', second);
    await symlink('sub/second', first);
    await editConfigFile(first, setA);
    expect(await file.text()).toBe('{\n  "a": 1\n}');
    expect((await lstat(first)).isSymbolicLink()).toBe(true);
    expect((await lstat(second)).isSymbolicLink()).toBe(true);
  });

  test('makes the file, and the folder, that a link points at', async () => {
    await using file = await configFile();
    await symlink('none/real.json', file.path);
    await editConfigFile(file.path, setA);
    const names = await readdir(join(file.folder, 'none'));
    expect(names.toSorted()).toEqual(['real.json', 'real.json.lock']);
    expect((await lstat(file.path)).isSymbolicLink()).toBe(true);
  });

  test('has one lock for a file, whichever link leads to it', async () => {
    await using file = await configFile('{}');
    const links = ['one', 'two'].map((name) => join(file.folder, name, 'config.json'));
    for (const link of links) {
      await mkdir(join(link, '..'));
      await symlink(file.path, link);
    }
    const paths = [...links, file.path];
    const changes = Array.from({ length: 15 }, (_, i) =>
      editConfigFile(paths[i % 3] ?? '', () => [{ path: [`key${i}`], value: i }]),
    );
    await Promise.all(changes);
    expect(Object.keys(await readConfigFile(file.path))).toHaveLength(15);
    expect((await readdir(file.folder)).toSorted()).toEqual([
      'config.json',
      'config.json.lock',
      'one',
      'two',
    ]);
    for (const link of links) expect(await readdir(join(link, '..'))).toEqual(['config.json']);
  });

  test('leaves the temporary file of a change of another file in the same folder', async () => {
    await using file = await configFile('{}');
    const other = join(file.folder, 'docker.json');
    const theirs = await leaveTemporary(other);
    await editConfigFile(file.path, setA);
    await readConfigFile(file.path);
    expect(await Bun.file(theirs).exists()).toBe(true);
  });

  test('without edits, or with such that change nothing, writes nothing and makes nothing', async () => {
    await using file = await configFile('{"a":1}');
    const before = await stat(file.path);
    await editConfigFile(file.path, () => []);
    await editConfigFile(file.path, setA);
    await editConfigFile(file.path, () => [{ path: ['x', 'y'], value: undefined }]);
    const after = await stat(file.path);
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
    expect(await readdir(file.folder)).toEqual(['config.json']);
  });

  test('shows an edit what others have written while it waited', async () => {
    await using file = await configFile('{"count":0}');
    const add = () =>
      editConfigFile(file.path, (config) => [
        { path: ['count'], value: Number(config['count']) + 1 },
      ]);
    await Promise.all(Array.from({ length: 10 }, add));
    expect(await file.text()).toBe('{"count":10}');
  });

  test('changes a file that is nested as deep as it can be', async () => {
    const deep = `"x":${'['.repeat(500_000)}${']'.repeat(500_000)}`;
    await using file = await configFile(`{${deep}}`);
    await editConfigFile(file.path, setA);
    expect(await file.text()).toBe(`{${deep},"a":1}`);
  });

  test('begins again when a program without the lock has written the file meanwhile', async () => {
    await using file = await configFile('{"seen":0}');
    let calls = 0;
    await editConfigFile(file.path, (config) => {
      if (++calls === 2) writeFileSync(file.path, '{"docker":true}');
      return [{ path: ['seen'], value: Object.keys(config) }];
    });
    expect(await file.text()).toBe('{"docker":true,"seen":["docker"]}');
    expect((await readdir(file.folder)).toSorted()).toEqual(['config.json', 'config.json.lock']);
  });

  test.each(['', '\n', ' \r\n\t'])('takes the file %j for a new one', async (text) => {
    await using file = await configFile(text);
    expect(await readConfigFile(file.path)).toEqual({});
    await editConfigFile(file.path, setA);
    expect(await file.text()).toBe('{\n  "a": 1\n}\n');
  });

  test('keeps a byte order mark, and reads behind it', async () => {
    await using file = await configFile('\ufeff{"b":2}\r\n');
    expect(await readConfigFile(file.path)).toEqual({ b: 2 });
    await editConfigFile(file.path, setA);
    expect(Buffer.from(await Bun.file(file.path).bytes()).toString()).toBe(
      '\ufeff{"b":2,"a":1}\r\n',
    );
  });

  test('fails with the words of the edit when a path leads through what is no object', async () => {
    await using file = await configFile('{"auths":[]}');
    const edit = editConfigFile(file.path, () => [{ path: ['auths', 'b'], value: 1 }]);
    await expect(edit).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `${file.path} cannot be changed: "auths" is not an object`,
    });
    expect(await readdir(file.folder)).toEqual(['config.json']);
  });

  test('makes no file that is too large to be read again', async () => {
    const text = `{"x":"${'a'.repeat(1024 * 1024 - 20)}"}`;
    await using file = await configFile(text);
    const edit = () => [{ path: ['a'], value: 'more than fits' }];
    await expect(editConfigFile(file.path, edit)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `${file.path} would be larger than 1 MiB`,
    });
    expect(await file.text()).toBe(text);
  });
});

test.each([
  [
    '{\n  "auths": {\n    "a": {}\n  },\n}\n',
    ':5:1: this is not JSON, expected a key in double quotes',
  ],
  ['{"auths": {"a": {} "b": {}}}', ':1:20: this is not JSON, expected a comma or }'],
  ['\ufeff{"a" 1}', ':1:6: this is not JSON, expected a colon'],
  ['[]', ' is not a JSON object'],
  ['1e400', ' is not a JSON object'],
  ['null', ' is not a JSON object'],
  [`{"x":"${'a'.repeat(1024 * 1024)}"}`, ' is larger than 1 MiB'],
  [new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]), ' is not UTF-8 text'],
  [Buffer.from('\ufeff{}', 'utf16le'), ' is not UTF-8 text'],
])(
  'a broken file is CONFIG_INVALID, says what and where (%#), and is left as it is',
  async (text, what) => {
    await using file = await configFile(text);
    const before = await Bun.file(file.path).bytes();
    const error = { code: 'CONFIG_INVALID', message: file.path + what, hint: expect.any(String) };
    await expect(readConfigFile(file.path)).rejects.toMatchObject(error);
    await expect(editConfigFile(file.path, setA)).rejects.toMatchObject(error);
    expect(await Bun.file(file.path).bytes()).toEqual(before);
    expect(await readdir(file.folder)).toEqual(['config.json']);
  },
);

test('the error about a broken file has nothing of what is in it', async () => {
  await using file = await configFile(`{"auths": {"a": {"auth": ${CANARY}}}}`);
  const error = await readConfigFile(file.path).catch((error: unknown) => error);
  expect(Bun.inspect(error).includes(CANARY.slice(0, 9))).toBe(false);
});

test('what leads to a pipe or a device is no config.json, and a folder is none', async () => {
  await using file = await configFile();
  const pipe = join(file.folder, 'pipe');
  Bun.spawnSync(['mkfifo', pipe]);
  for (const target of [pipe, '/dev/null']) {
    await rm(file.path, { force: true });
    await symlink(target, file.path);
    const error = {
      code: 'CONFIG_INVALID',
      message: `${file.path} is no regular file`,
      hint: expect.stringContaining('move it away'),
    };
    await expect(readConfigFile(file.path)).rejects.toMatchObject(error);
    await expect(editConfigFile(file.path, setA)).rejects.toMatchObject(error);
  }
  await rm(file.path);
  await mkdir(file.path);
  const error = { code: 'IO', message: `cannot read ${file.path}: it is a folder` };
  await expect(readConfigFile(file.path)).rejects.toMatchObject(error);
  await expect(editConfigFile(file.path, setA)).rejects.toMatchObject(error);
});

test('a password that a killed login left in a temporary file goes with the next look at the file', async () => {
  const uses = [
    (path: string) => readConfigFile(path),
    (path: string) => editConfigFile(path, setA),
    (path: string) => editConfigFile(path, () => []),
  ];
  for (const use of uses) {
    await using file = await configFile('{}');
    const link = join(file.folder, 'linked', 'config.json');
    await mkdir(join(file.folder, 'linked'));
    await symlink(file.path, link);
    const left = await leaveTemporary(file.path);
    const foreign = join(file.folder, `.finch-${crypto.randomUUID()}.tmp`);
    await Bun.write(foreign, '');
    await use(link);
    expect(await Bun.file(left).exists()).toBe(false);
    expect(await Bun.file(foreign).exists()).toBe(true);
  }
});

test('a reader neither waits for a writer nor removes what it writes', async () => {
  await using file = await configFile('{"old":true}');
  const theirs = await leaveTemporary(file.path);
  await withFileLock(`${file.path}.lock`, async () => {
    expect(await readConfigFile(file.path)).toEqual({ old: true });
    expect(await Bun.file(theirs).exists()).toBe(true);
  });
});

test('a lock that is none is an error that says what to look at', async () => {
  await using file = await configFile();
  const lock = `${file.path}.lock`;
  const error = {
    code: 'IO',
    message: `cannot lock ${lock}`,
    hint: expect.stringContaining('ls -ld'),
  };
  await Bun.write(lock, 'no database '.repeat(100));
  await expect(editConfigFile(file.path, setA)).rejects.toMatchObject(error);
  await rm(lock);
  await mkdir(lock);
  await expect(editConfigFile(file.path, setA)).rejects.toMatchObject(error);
});

test('openToOthers() is true where the group or others may read the file', async () => {
  await using file = await configFile('{}');
  const open = [];
  for (const mode of [0o600, 0o640, 0o604, 0o644, 0o620, 0o400]) {
    await chmod(file.path, mode);
    open.push(await openToOthers(file.path));
  }
  expect(open).toEqual([false, true, true, true, false, false]);
  await using folder = await temporaryFolder();
  expect(await openToOthers(join(folder.path, 'none'))).toBe(false);
  await expect(openToOthers(join(file.path, 'below'))).rejects.toMatchObject({ code: 'IO' });
});
