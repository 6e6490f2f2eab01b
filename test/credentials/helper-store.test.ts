import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import type { Credential } from '../../src/credentials/credential.ts';
import { helperStore } from '../../src/credentials/helper-store.ts';
import { parseServer, partName } from '../../src/credentials/server-name.ts';
import { CANARY } from '../support/canary.ts';
import { type FileHelper, writeFileHelper, writeHelper } from '../support/helper-programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const ghcr = parseServer('ghcr.io');
const hub = parseServer('');
const login: Credential = { kind: 'password', username: 'me', secret: CANARY };

/** A helper that works, and the store that stands for it. */
async function opened(
  options: { readonly broken?: readonly string[]; readonly first?: string } = {},
) {
  const folder = await temporaryFolder();
  const helper: FileHelper = await writeFileHelper(folder.path, 'files', options);
  const traced: string[] = [];
  const env = { PATH: `${folder.path}:${process.env['PATH']}` };
  const home = join(folder.path, 'home');
  const store = helperStore('files', { env, home, trace: (line) => traced.push(line) });
  return { helper, store, traced, [Symbol.asyncDispose]: folder[Symbol.asyncDispose] };
}

describe.skipIf(process.platform === 'win32')('helperStore()', () => {
  test('keeps a login, gives it, lists it and forgets it', async () => {
    await using it = await opened();
    expect(it.store.name).toBe('docker-credential-files');
    expect(await it.store.get(ghcr)).toBeUndefined();
    expect(await it.store.store(ghcr, login)).toBe(true);
    expect(await it.store.get(ghcr)).toEqual(login);
    expect(await it.store.list()).toEqual([{ key: 'ghcr.io', username: 'me' }]);
    expect(await it.store.erase(ghcr)).toEqual(['ghcr.io']);
    expect(await it.store.get(ghcr)).toBeUndefined();
    expect(await it.store.erase(ghcr)).toEqual([]);
  });

  test('keeps Docker Hub under the key that docker uses', async () => {
    await using it = await opened();
    await it.store.store(hub, login);
    expect(Object.keys(await it.helper.kept())).toEqual([hub.key]);
    expect(await it.store.get(hub)).toEqual(login);
    await it.store.erase(hub);
    expect(await it.helper.kept()).toEqual({});
  });

  test('keeps an identity token as the secret of <token>', async () => {
    await using it = await opened();
    const token: Credential = { kind: 'identity-token', token: CANARY };
    await it.store.store(ghcr, token);
    expect((await it.helper.kept())['ghcr.io']?.Username).toBe('<token>');
    expect(await it.store.get(ghcr)).toEqual(token);
    expect(await it.store.list()).toEqual([{ key: 'ghcr.io', username: undefined }]);
  });

  test('takes no token that the protocol cannot carry', async () => {
    await using it = await opened();
    expect(await it.store.store(ghcr, { kind: 'registry-token', token: CANARY })).toBe(false);
    expect(await it.helper.asked()).toEqual([]);
  });

  test('gives secrets to stdin, and not to arguments, the environment or a trace', async () => {
    await using it = await opened();
    await it.store.store(ghcr, login);
    await it.store.get(ghcr);
    await it.store.erase(ghcr);
    const seen = (await it.helper.surroundings()) + it.traced.join('\n');
    expect(seen).toContain('<store>');
    expect(seen.includes(CANARY)).toBe(false);
  });

  test('asks for two spellings at most', async () => {
    await using it = await opened();
    await it.store.get(ghcr);
    await it.store.get(hub);
    expect(await it.helper.asked()).toEqual([
      'get ghcr.io',
      'get https://ghcr.io',
      `get ${hub.key}`,
      'get docker.io',
    ]);
  });

  test('finds a login for Docker Hub that podman keeps', async () => {
    await using it = await opened();
    await it.helper.put('docker.io', 'me', CANARY);
    expect(await it.store.get(hub)).toMatchObject({ username: 'me' });
  });

  test('keeps a secret of several lines, such as a key of a service account', async () => {
    await using it = await opened();
    const key = {
      ...login,
      username: '_json_key',
      secret: '{\n\t"type": "service_account"\r\n}\n',
    };
    await it.store.store(ghcr, key);
    expect(await it.store.get(ghcr)).toEqual(key);
  });

  test('finds a login that another program keeps with a scheme', async () => {
    await using it = await opened();
    await it.helper.put('https://ghcr.io', 'me', CANARY);
    expect(await it.store.get(ghcr)).toEqual(login);
  });

  test('a login takes the place of every other for the same server', async () => {
    await using it = await opened();
    await it.helper.put('https://ghcr.io', 'old', 'old');
    await it.helper.put('https://ghcr.io/v2/', 'old', 'old');
    await it.helper.put('other.example', 'other', 'other');
    await it.store.store(ghcr, login);
    expect(Object.keys(await it.helper.kept()).toSorted()).toEqual(['ghcr.io', 'other.example']);
  });

  test('a login takes the place of another user in a helper that gives the oldest', async () => {
    await using folder = await temporaryFolder();
    const kept = join(folder.path, 'kept');
    await writeHelper(
      folder.path,
      'oldest',
      `case $1 in
store) [ -f '${kept}' ] && cat > /dev/null || cat > '${kept}' ;;
get) cat '${kept}' ;;
erase) rm '${kept}' ;;
list) printf '{"ghcr.io":%s}' "$(sed 's/.*"Username":\\("[^"]*"\\).*/\\1/' '${kept}')" ;;
esac`,
    );
    const env = { PATH: `${folder.path}:${process.env['PATH']}` };
    const store = helperStore('oldest', { env, home: folder.path });
    for (const username of ['first', 'second']) {
      expect(await store.store(ghcr, { ...login, username })).toBe(true);
      expect(await store.get(ghcr)).toEqual({ ...login, username });
    }
  });

  test('erase() forgets every spelling that the helper lists, and nothing else', async () => {
    await using it = await opened();
    for (const key of ['ghcr.io', 'https://ghcr.io/v2/', 'x.ghcr.io', 'ghcr.io:5000']) {
      await it.helper.put(key, 'me', CANARY);
    }
    const removed = await it.store.erase(ghcr);
    expect(removed.toSorted()).toEqual(['ghcr.io', 'https://ghcr.io/v2/']);
    expect(Object.keys(await it.helper.kept()).toSorted()).toEqual(['ghcr.io:5000', 'x.ghcr.io']);
  });

  test('erase() looks for the usual spellings where the helper cannot list', async () => {
    await using it = await opened({ broken: ['list'] });
    await it.helper.put('https://ghcr.io', 'me', CANARY);
    expect(await it.store.erase(ghcr)).toEqual(['https://ghcr.io']);
    expect(await it.helper.kept()).toEqual({});
    expect(await it.store.list()).toEqual([]);
  });

  test.each([{ broken: [] }, { broken: ['list'] }])(
    'erase() fails when the helper says that it has erased what is still there: %o',
    async ({ broken }) => {
      await using it = await opened({ broken, first: '[ "$1" != erase ] || exit 0' });
      await it.helper.put('ghcr.io', 'me', CANARY);
      await expect(it.store.erase(ghcr)).rejects.toMatchObject({
        code: 'CREDENTIAL_STORE',
        message: 'docker-credential-files still has the login for ghcr.io',
        hint: 'it may be locked: unlock it and try again with: finch logout ghcr.io',
      });
    },
  );

  test("keeps docker's tokens for Docker Hub under keys of their own", async () => {
    await using it = await opened();
    const part = partName(`${hub.key}refresh-token`);
    await it.store.store(hub, login);
    expect(await it.store.get(part)).toBeUndefined();
    expect(await it.store.store(part, { ...login, username: 'token' })).toBe(true);
    expect(await it.store.get(part)).toMatchObject({ username: 'token' });
    expect(await it.store.get(hub)).toMatchObject({ username: 'me' });
    expect(await it.store.erase(part)).toEqual([part.key]);
    expect(await it.store.erase(part)).toEqual([]);
    expect(Object.keys(await it.helper.kept())).toEqual([hub.key]);
  });

  test('a login is kept also where what there was cannot be listed or erased', async () => {
    for (const broken of [['list'], ['erase'], ['list', 'erase']]) {
      await using it = await opened({ broken });
      await it.helper.put('https://ghcr.io', 'old', 'old');
      expect(await it.store.store(ghcr, login)).toBe(true);
      expect(await it.store.get(ghcr)).toEqual(login);
    }
  });

  test('what a helper gives and does not list it makes itself: erase() removes nothing', async () => {
    const first = `case $1 in erase) exit 0 ;; list) echo '{}'; exit 0 ;; esac`;
    await using it = await opened({ first });
    await it.helper.put('ghcr.io', 'me', CANARY);
    expect(await it.store.erase(ghcr)).toEqual([]);
  });

  test('a helper that makes its own credentials takes none, and forgets none', async () => {
    await using it = await opened({ broken: ['store', 'erase'] });
    await it.helper.put('ghcr.io', 'AWS', CANARY);
    expect(await it.store.store(ghcr, login)).toBe(false);
    expect(await it.store.erase(ghcr)).toEqual([]);
    expect(await it.store.get(ghcr)).toMatchObject({ username: 'AWS' });
  });

  test.each(['finch', 'Finch', 'finch.exe'])('never runs itself: %s', async (name) => {
    await using folder = await temporaryFolder();
    const helper = await writeFileHelper(folder.path, name);
    const store = helperStore(name, { env: { PATH: folder.path }, home: folder.path });
    expect(await store.store(ghcr, login)).toBe(false);
    expect(await store.get(ghcr)).toBeUndefined();
    expect(await store.erase(ghcr)).toEqual([]);
    expect(await store.list()).toEqual([]);
    expect(await helper.asked()).toEqual([]);
  });

  test('never runs a helper that waits for this program', async () => {
    await using folder = await temporaryFolder();
    const helper = await writeFileHelper(folder.path, 'files');
    const options = { home: folder.path };
    const PATH = `${folder.path}:${process.env['PATH']}`;
    await helperStore('files', { env: { PATH, FINCH_ASKED_BY: 'a b' }, ...options }).list();
    expect(await helper.surroundings()).toMatch(/\bFINCH_ASKED_BY=a b files$/m);
    await helperStore('files', { env: { PATH, FINCH_ASKED_BY: 'a files' }, ...options }).list();
    expect(await helper.asked()).toEqual(['list']);
  });

  test('refuses to keep what it would refuse to read', async () => {
    await using it = await opened();
    for (const bad of [{ username: 'a:b' }, { username: 'a\nb' }, { secret: 'a\0b' }]) {
      await expect(it.store.store(ghcr, { ...login, ...bad })).rejects.toThrow(
        /^docker-credential-files cannot keep the login: it has a /,
      );
    }
    expect(await it.helper.asked()).toEqual([]);
  });

  test('refuses a server that is none before anything is run', async () => {
    await using it = await opened();
    for (const key of [
      '',
      'ghcr.io\nevil.example',
      'a b',
      'me@ghcr.io',
      'gh%63r.io',
      'bücher.example',
    ]) {
      await expect(it.store.get({ registry: 'ghcr.io', key, spellings: [key] })).rejects.toThrow(
        expect.objectContaining({ code: 'USAGE' }),
      );
    }
    expect(await it.helper.asked()).toEqual([]);
  });
});
