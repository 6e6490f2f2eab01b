import { expect, test } from 'bun:test';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Credential } from '../../src/credentials/credential.ts';
import { fileStore } from '../../src/credentials/file-store.ts';
import { parseServer } from '../../src/credentials/server-name.ts';
import { redactText } from '../../src/http/redact.ts';
import { CANARY } from '../support/canary.ts';
import { configFile } from '../support/config-file.ts';
import { temporaryFolder } from '../support/temporary.ts';

const me = { kind: 'password' as const, username: 'me', secret: CANARY };
const auth = Buffer.from(`me:${CANARY}`).toString('base64');
const ghcr = parseServer('ghcr.io');

test('a stored login is found again, in a new file that only the user can read', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'new', 'config.json');
  const store = fileStore(path);
  expect(store.name).toBe(path);
  expect(await store.store(ghcr, me)).toBe(true);
  expect(await store.get(ghcr)).toEqual(me);
  expect(await store.get(parseServer('other.test'))).toBeUndefined();
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await Bun.file(path).text()).toBe(
    `{\n  "auths": {\n    "ghcr.io": {\n      "auth": "${auth}"\n    }\n  }\n}\n`,
  );
});

test('a login of Docker Hub is kept under its old address and found by docker.io', async () => {
  await using file = await configFile();
  await fileStore(file.path).store(parseServer(''), me);
  const { auths } = JSON.parse(await file.text());
  expect(auths).toEqual({ 'https://index.docker.io/v1/': { auth } });
  expect(await fileStore(file.path).get(parseServer('docker.io'))).toEqual(me);
});

test.each([
  ['ghcr.io', 'https://ghcr.io'],
  ['ghcr.io', 'http://ghcr.io'],
  ['ghcr.io', 'ghcr.io:443'],
  ['ghcr.io', 'https://ghcr.io/v2/'],
  ['ghcr.io:443', 'https://ghcr.io:443'],
  ['ghcr.io', 'HTTPS://GHCR.IO/'],
  ['localhost:5000', 'http://localhost:5000/v1/'],
  ['docker.io', 'registry-1.docker.io'],
  ['docker.io', 'docker.io'],
  ['docker.io', 'index.docker.io/v1/'],
])(
  'a login for %s that another tool kept under %s is found, replaced and erased',
  async (server, key) => {
    await using file = await configFile(
      JSON.stringify({ auths: { 'x.test': {}, [key]: { auth } } }),
    );
    const store = fileStore(file.path);
    const name = parseServer(server);
    expect(await store.get(name)).toEqual(me);
    await store.store(name, { ...me, username: 'other' });
    expect(Object.keys(JSON.parse(await file.text()).auths)).toEqual(['x.test', name.key]);
    expect(await store.erase(name)).toEqual([name.key]);
    expect(await file.text()).toBe('{"auths":{"x.test":{}}}');
  },
);

test.each([
  [undefined],
  [''],
  ['{}'],
  ['{"auths":null}'],
  ['{"auths":{"ghcr.io":{"email":"a@b"}}}'],
])('%j holds no login', async (text) => {
  await using file = await configFile(text);
  expect(await fileStore(file.path).get(ghcr)).toBeUndefined();
  expect(await fileStore(file.path).list()).toEqual([]);
});

test('storing leaves every byte that is not the entry', async () => {
  const around = (entry: string) => `{
\t"credHelpers" : { "x.dkr.ecr.eu-west-1.amazonaws.com": "ecr-login" },

\t"auths": {
\t\t"a.test": {"auth":"eDp5",   "email": "x"},
\t\t"ghcr.io": {${entry}},
\t\t"z.test": {}
\t},\r
\t"HttpHeaders": {"User-Agent": "Docker"},  "big": 12345678901234567890, "huge": 1e400, "one": 1.0
}`;
  await using file = await configFile(around('"email": "me@b" , "auth": "b2xk"'));
  await fileStore(file.path).store(ghcr, me);
  expect(await file.text()).toBe(around(`"email": "me@b" , "auth": "${auth}"`));
});

test('storing replaces all that made the old login, and keeps what else the entry says', async () => {
  const token: Credential = { kind: 'identity-token', token: CANARY };
  const logins: readonly [Credential, object][] = [
    [token, { identitytoken: CANARY }],
    [me, { auth }],
    [{ kind: 'registry-token', token: CANARY }, { registrytoken: CANARY }],
  ];
  const old = {
    auth: 'b2xk',
    identitytoken: 'o',
    registrytoken: 'o',
    username: 'o',
    password: 'o',
  };
  for (const [credential, members] of logins) {
    await using file = await configFile(
      JSON.stringify({ auths: { 'ghcr.io': { ...old, email: 'e' } } }),
    );
    await fileStore(file.path).store(ghcr, credential);
    expect(JSON.parse(await file.text())).toEqual({
      auths: { 'ghcr.io': { email: 'e', ...members } },
    });
    expect(await fileStore(file.path).get(ghcr)).toEqual(credential);
  }
});

test('storing the login that is there writes nothing', async () => {
  await using file = await configFile(`{"auths":{"ghcr.io":{"auth":"${auth}"}}}`);
  const before = await stat(file.path);
  await fileStore(file.path).store(ghcr, me);
  const after = await stat(file.path);
  expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
});

test('the login for the longest part of a repository is the one, and a host login leaves it alone', async () => {
  const entry = (username: string) => ({
    auth: Buffer.from(`${username}:${CANARY}`).toString('base64'),
  });
  const auths = {
    'quay.io': entry('host'),
    'quay.io/team/app': entry('repository'),
    'quay.io/team': entry('namespace'),
    'quay.io/empty': {},
  };
  await using file = await configFile(JSON.stringify({ auths }));
  const store = fileStore(file.path);
  const quay = parseServer('quay.io');
  const userOf = async (repository?: string) => {
    const found = await store.get(quay, { repository });
    return found?.kind === 'password' ? found.username : undefined;
  };
  expect(await userOf('team/app')).toBe('repository');
  expect(await userOf('team/app/sub')).toBe('repository');
  expect(await userOf('team/application')).toBe('namespace');
  expect(await userOf('teams/app')).toBe('host');
  expect(await userOf('empty/app')).toBe('host');
  expect(await userOf()).toBe('host');
  await store.store(quay, me);
  expect(await store.erase(quay)).toEqual(['quay.io']);
  expect(await userOf('team')).toBe('namespace');
  expect(await userOf('other')).toBeUndefined();
  expect(await store.list()).toEqual([
    { key: 'quay.io/team/app', username: 'repository' },
    { key: 'quay.io/team', username: 'namespace' },
  ]);
});

test('erasing removes every spelling, also the pointer to a helper, and says which', async () => {
  await using file = await configFile(
    '{"auths":{"https://ghcr.io":{"auth":"b2xk"},"a.test":{},"ghcr.io":{}},"credsStore":"x"}',
  );
  expect(await fileStore(file.path).erase(ghcr)).toEqual(['ghcr.io', 'https://ghcr.io']);
  expect(await file.text()).toBe('{"auths":{"a.test":{}},"credsStore":"x"}');
});

test('erasing what is not there touches nothing', async () => {
  const text = '{ "auths" : {"a.test":{}} }';
  await using file = await configFile(text);
  expect(await fileStore(file.path).erase(ghcr)).toEqual([]);
  expect(await file.text()).toBe(text);
  expect(await readdir(file.folder)).toEqual(['config.json']);
  await using folder = await temporaryFolder();
  expect(await fileStore(join(folder.path, 'none', 'config.json')).erase(ghcr)).toEqual([]);
  expect(await readdir(folder.path)).toEqual([]);
});

test('list() gives keys as they are spelled, with user names where logins have one', async () => {
  const auths = {
    'https://index.docker.io/v1/': { auth },
    'b.test': { identitytoken: CANARY },
    'pointer.test': {},
    'broken.test': { auth: '?' },
    'c.test': { username: 'you', password: CANARY },
  };
  await using file = await configFile(JSON.stringify({ auths }));
  expect(await fileStore(file.path).list()).toEqual([
    { key: 'https://index.docker.io/v1/', username: 'me' },
    { key: 'b.test', username: undefined },
    { key: 'c.test', username: 'you' },
  ]);
});

test.each(['[]', '"x"', '1.0', 'true'])(
  '"auths": %s is CONFIG_INVALID, and stays',
  async (auths) => {
    const text = `{"auths":${auths}}`;
    await using file = await configFile(text);
    const store = fileStore(file.path);
    const error = { code: 'CONFIG_INVALID', message: `"auths" in ${file.path} is not an object` };
    await expect(store.get(ghcr)).rejects.toMatchObject(error);
    await expect(store.store(ghcr, me)).rejects.toMatchObject(error);
    await expect(store.erase(ghcr)).rejects.toMatchObject(error);
    await expect(store.list()).rejects.toMatchObject(error);
    expect(await file.text()).toBe(text);
  },
);

test.each([
  '1.0',
  '[]',
  '"x"',
  '{"auth":1}',
  '{"auth":"bm8tY29sb24tc2VjcmV0"}',
  '{"identitytoken":{}}',
])(
  'the entry %s is CONFIG_INVALID for its server alone, shows no secret, and a login replaces it',
  async (entry) => {
    await using file = await configFile(
      `{"auths":{"ghcr.io":${entry},"a.test":{"auth":"${auth}"}}}`,
    );
    const store = fileStore(file.path);
    await expect(store.get(ghcr)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `the login for "ghcr.io" in ${file.path} cannot be read`,
      hint: 'log in again with --username, which replaces it',
    });
    expect(await store.get(parseServer('a.test'))).toEqual(me);
    await store.store(parseServer('b.test'), me);
    expect(await file.text()).toContain(`"ghcr.io":${entry},`);
    await store.store(ghcr, me);
    expect(await store.get(ghcr)).toEqual(me);
  },
);

test('what was read from the file is hidden wherever it is shown', async () => {
  await using file = await configFile(
    '{"auths":{"a.test":{"auth":"bWU6aGlkZS10aGlzLW9uZQ=="},"b.test":{"identitytoken":"hide-that-one"}}}',
  );
  await fileStore(file.path).get(parseServer('a.test'));
  await fileStore(file.path).get(parseServer('b.test'));
  const shown = redactText('x hide-this-one y hide-that-one z bWU6aGlkZS10aGlzLW9uZQ==');
  expect(shown).not.toMatch(/hide-th|bWU6/);
});
