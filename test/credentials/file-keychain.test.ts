import { expect, test } from 'bun:test';
import { chmod, mkdir, readdir, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { credentialFile } from '../../src/credentials/credential-file.ts';
import {
  eraseCredential,
  fileKeychain,
  storeCredential,
} from '../../src/credentials/file-keychain.ts';
import { parseServer } from '../../src/credentials/server-name.ts';
import { temporaryFolder } from '../support/temporary.ts';

const me = { kind: 'password' as const, username: 'me', secret: 'pä:ss' };
const auth = Buffer.from('me:pä:ss').toString('base64');
const ghcr = parseServer('ghcr.io');

/** A folder with a `config.json` of this text. */
async function configFile(text?: string) {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'config.json');
  if (text !== undefined) await Bun.write(path, text);
  return {
    path,
    folder: folder.path,
    text: () => Bun.file(path).text(),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

test('credentialFile() is in DOCKER_CONFIG, else in the home', () => {
  expect(credentialFile({ DOCKER_CONFIG: '/docker' }, '/home/me/.finch')).toBe(
    '/docker/config.json',
  );
  expect(credentialFile({ DOCKER_CONFIG: '' }, '/home/me/.finch')).toBe(
    '/home/me/.finch/config.json',
  );
});

test('a stored login is found again, in a new file that only the user can read', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'new', 'config.json');
  await storeCredential(path, ghcr, me);
  expect(await fileKeychain(path).credential('ghcr.io')).toEqual(me);
  expect(await fileKeychain(path).credential('other.test')).toBeUndefined();
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await Bun.file(path).text()).toBe(`{
  "auths": {
    "ghcr.io": {
      "auth": "${auth}"
    }
  }
}
`);
});

test('a login of Docker Hub is kept under its old address and found by docker.io', async () => {
  await using file = await configFile();
  await storeCredential(file.path, parseServer(''), me);
  expect(JSON.parse(await file.text())).toEqual({
    auths: { 'https://index.docker.io/v1/': { auth } },
  });
  expect(await fileKeychain(file.path).credential('docker.io')).toEqual(me);
});

test.each([
  'https://ghcr.io',
  'http://ghcr.io',
  'ghcr.io:443',
  'https://ghcr.io/v2/',
  'https://ghcr.io:443',
])('a login that another tool kept under %s is found', async (key) => {
  await using file = await configFile(JSON.stringify({ auths: { 'x.test': {}, [key]: { auth } } }));
  expect(await fileKeychain(file.path).credential('ghcr.io')).toEqual(me);
  expect(await fileKeychain(file.path).credential('ghcr.io:443')).toEqual(me);
});

test('no file, an empty one, "auths": null and foreign entries are no login', async () => {
  for (const text of [
    undefined,
    '',
    '{}',
    '{"auths":null}',
    '{"auths":{"ghcr.io":{"identitytoken":"t"}}}',
  ]) {
    await using file = await configFile(text);
    expect(await fileKeychain(file.path).credential('ghcr.io')).toBeUndefined();
  }
});

test('storing changes one entry and leaves the rest as it is, with its order and indentation', async () => {
  for (const indent of ['\t', '    ']) {
    const before = {
      credHelpers: { 'x.dkr.ecr.eu-west-1.amazonaws.com': 'ecr-login' },
      auths: { 'a.test': { auth: 'eDp5', email: 'x' }, 'ghcr.io': { auth: 'b2xk' }, 'z.test': {} },
      HttpHeaders: { 'User-Agent': 'Docker' },
      experimental: 'enabled',
    };
    await using file = await configFile(JSON.stringify(before, null, indent));
    await storeCredential(file.path, ghcr, me);
    const after = { ...before, auths: { ...before.auths, 'ghcr.io': { auth } } };
    expect(await file.text()).toBe(JSON.stringify(after, null, indent));
  }
});

test('storing replaces the other spellings of the same server', async () => {
  await using file = await configFile('{"auths":{"https://ghcr.io":{"auth":"b2xk"},"a.test":{}}}');
  await storeCredential(file.path, ghcr, me);
  expect(await file.text()).toBe(`{"auths":{"a.test":{},"ghcr.io":{"auth":"${auth}"}}}`);
});

test('storing makes a file that others could read private, and keeps a symbolic link', async () => {
  await using file = await configFile('{}');
  await chmod(file.path, 0o644);
  await mkdir(join(file.folder, 'sub'));
  const link = join(file.folder, 'sub', 'config.json');
  await symlink(file.path, link);
  await storeCredential(link, ghcr, me);
  expect((await stat(file.path)).mode & 0o777).toBe(0o600);
  expect(await fileKeychain(file.path).credential('ghcr.io')).toEqual(me);
});

test('erasing removes every spelling and says which', async () => {
  await using file = await configFile(
    '{"auths":{"https://ghcr.io":{"auth":"b2xk"},"a.test":{},"ghcr.io":{}},"credsStore":"x"}',
  );
  expect(await eraseCredential(file.path, ghcr)).toEqual(['ghcr.io', 'https://ghcr.io']);
  expect(await file.text()).toBe('{"auths":{"a.test":{}},"credsStore":"x"}');
});

test('erasing what is not there touches nothing', async () => {
  const text = '{ "auths" : {"a.test":{}} }';
  await using file = await configFile(text);
  expect(await eraseCredential(file.path, ghcr)).toEqual([]);
  expect(await file.text()).toBe(text);
  expect(await readdir(file.folder)).toEqual(['config.json']);
  await using folder = await temporaryFolder();
  expect(await eraseCredential(join(folder.path, 'none', 'config.json'), ghcr)).toEqual([]);
  expect(await readdir(folder.path)).toEqual([]);
});

test.each([
  ['{\n  "auths": {\n    "a": {}\n  },\n}\n', 'is not valid JSON in line 5'],
  ['[]', 'is not a JSON object'],
  [`{"x":"${'a'.repeat(1024 * 1024)}"}`, 'is larger than 1 MiB'],
])('a broken file is CONFIG_INVALID, named, and left as it is', async (text, what) => {
  await using file = await configFile(text);
  const error = { code: 'CONFIG_INVALID', message: `${file.path} ${what}` };
  await expect(fileKeychain(file.path).credential('ghcr.io')).rejects.toMatchObject(error);
  await expect(storeCredential(file.path, ghcr, me)).rejects.toMatchObject(error);
  await expect(eraseCredential(file.path, ghcr)).rejects.toMatchObject(error);
  expect(await file.text()).toBe(text);
});

test('"auths" that is no object is CONFIG_INVALID', async () => {
  await using file = await configFile('{"auths":[]}');
  const keychain = fileKeychain(file.path);
  await expect(keychain.credential('ghcr.io')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

test('a login that cannot be read is CONFIG_INVALID, names its key and shows no secret', async () => {
  const secret = Buffer.from('no-colon-secret').toString('base64');
  await using file = await configFile(`{"auths":{"ghcr.io":{"auth":"${secret}"}}}`);
  await expect(fileKeychain(file.path).credential('ghcr.io')).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: `the login for ghcr.io in ${file.path} cannot be read`,
  });
});

test('many logins at once, in this process and in others, all end up in the file', async () => {
  await using file = await configFile('{}');
  const module = (name: string) =>
    JSON.stringify(join(import.meta.dir, '../../src/credentials', name));
  const code = `
    import { storeCredential } from ${module('file-keychain.ts')};
    import { parseServer } from ${module('server-name.ts')};
    const [path, from] = process.argv.slice(1);
    await Promise.all([0, 1, 2, 3].map((i) =>
      storeCredential(path, parseServer('r' + from + i + '.test'), { kind: 'password', username: 'u', secret: 's' })));`;
  const children = [1, 2, 3].map((from) =>
    Bun.spawn([process.execPath, '-e', code, file.path, String(from)], { stderr: 'inherit' }),
  );
  const ours = [0, 1, 2, 3].map((i) => storeCredential(file.path, parseServer(`r0${i}.test`), me));
  await Promise.all([...ours, ...children.map((child) => child.exited)]);
  const { auths } = JSON.parse(await file.text());
  expect(Object.keys(auths)).toHaveLength(16);
});

test('numbers in config.json stay as they are written, also those that are none to JavaScript', async () => {
  const numbers = '"big":12345678901234567890,"huge":1e400,"one":1.0,"zero":-0,"list":[1E5]';
  await using file = await configFile(`{"auths":{},${numbers}}`);
  await storeCredential(file.path, ghcr, me);
  expect(await file.text()).toBe(`{"auths":{"ghcr.io":{"auth":"${auth}"}},${numbers}}`);
});

test.each([
  ['1e400', 'is not a JSON object'],
  ['{"auths":1.0}', 'is not an object'],
  [`{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`, 'is nested too deep'],
])('a config.json of the wrong kind is refused (%#), and stays', async (text, why) => {
  await using file = await configFile(text);
  await expect(storeCredential(file.path, ghcr, me)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(why),
  });
  await expect(fileKeychain(file.path).credential('ghcr.io')).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  });
  expect(await file.text()).toBe(text);
});

test('a login with endless NULs in it is read at once', async () => {
  const text = Buffer.from(`me:${'\0'.repeat(300_000)}x\0\0`).toString('base64');
  await using file = await configFile(`{"auths":{"ghcr.io":{"auth":"${text}"}}}`);
  const login = await fileKeychain(file.path).credential('ghcr.io');
  expect(login).toMatchObject({ secret: `${'\0'.repeat(300_000)}x` });
});

test('a password that a killed login left in a temporary file goes with the next look at the logins', async () => {
  const uses = [
    (path: string) => fileKeychain(path).credential('ghcr.io'),
    (path: string) => storeCredential(path, ghcr, me),
    (path: string) => eraseCredential(path, ghcr),
  ];
  for (const use of uses) {
    await using file = await configFile('{}');
    const link = join(file.folder, 'linked', 'config.json');
    await mkdir(join(file.folder, 'linked'));
    await symlink(file.path, link);
    const left = `.finch-login-${crypto.randomUUID()}.tmp`;
    const foreign = `.finch-${crypto.randomUUID()}.tmp`;
    for (const name of [left, foreign]) await Bun.write(join(file.folder, name), auth);
    await use(link);
    const names = await readdir(file.folder);
    expect([names.includes(left), names.includes(foreign)]).toEqual([false, true]);
  }
});

test('what leads to a pipe or a device is no config.json', async () => {
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
    await expect(fileKeychain(file.path).credential('ghcr.io')).rejects.toMatchObject(error);
    await expect(storeCredential(file.path, ghcr, me)).rejects.toMatchObject(error);
  }
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
  await expect(storeCredential(file.path, ghcr, me)).rejects.toMatchObject(error);
  await rm(lock);
  await mkdir(lock);
  await expect(storeCredential(file.path, ghcr, me)).rejects.toMatchObject(error);
});
