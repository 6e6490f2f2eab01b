import { expect, test } from 'bun:test';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ServedLogins, servedLogins } from '../../src/credentials/served-logins.ts';
import { parseServer } from '../../src/credentials/server-name.ts';
import { trustedRealms } from '../../src/credentials/trusted-realms.ts';
import { CANARY } from '../support/canary.ts';
import { temporaryFolder } from '../support/temporary.ts';

const url = (host: string) => new URL(`https://${host}/token`);

test('a host is trusted for the registry whose login it took, and no other host or port', async () => {
  await using folder = await temporaryFolder();
  const realms = trustedRealms(folder.path);
  expect(await realms.isTrusted('ghcr.io', url('auth.test'))).toBeUndefined();
  await realms.remember('ghcr.io', ['auth.test', 'two.test:8443']);
  expect(await realms.isTrusted('ghcr.io', url('auth.test'))).toBe(true);
  expect(await realms.isTrusted('ghcr.io', url('two.test:8443'))).toBe(true);
  expect(await realms.isTrusted('ghcr.io', url('two.test'))).toBe(false);
  expect(await realms.isTrusted('docker.io', url('auth.test'))).toBeUndefined();
  expect(await realms.isTrusted('__proto__', url('auth.test'))).toBeUndefined();
  const path = join(folder.path, 'trusted-realms.json');
  expect(await Bun.file(path).json()).toEqual({ 'ghcr.io': ['auth.test', 'two.test:8443'] });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('the hosts of a new login take the place of those of the one before', async () => {
  await using folder = await temporaryFolder();
  const realms = trustedRealms(folder.path);
  await realms.remember('ghcr.io', ['one.test']);
  await realms.remember('quay.io', ['two.test']);
  await realms.remember('ghcr.io', ['three.test']);
  const path = join(folder.path, 'trusted-realms.json');
  expect(await Bun.file(path).json()).toEqual({
    'ghcr.io': ['three.test'],
    'quay.io': ['two.test'],
  });
  await realms.forget('ghcr.io');
  expect(await Bun.file(path).json()).toEqual({ 'quay.io': ['two.test'] });
  await realms.remember('quay.io', []);
  expect(await Bun.file(path).json()).toEqual({});
});

test('nothing is written where nothing changes', async () => {
  await using folder = await temporaryFolder();
  const realms = trustedRealms(folder.path);
  await realms.forget('ghcr.io');
  await realms.remember('ghcr.io', []);
  expect(await readdir(folder.path)).toEqual([]);
});

test('hosts of registries that are remembered at the same time are all remembered', async () => {
  await using folder = await temporaryFolder();
  const names = Array.from({ length: 12 }, (_, index) => `auth${index}.test`);
  await Promise.all(names.map((name) => trustedRealms(folder.path).remember(name, [name])));
  for (const name of names) {
    expect(await trustedRealms(folder.path).isTrusted(name, url(name))).toBe(true);
  }
});

test('a file that means nothing trusts nobody, and a broken one is an error, but to forget', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'trusted-realms.json');
  const realms = trustedRealms(folder.path);
  for (const text of ['{"ghcr.io":"auth.test"}', '{"ghcr.io":[1,null]}', '{}', '']) {
    await Bun.write(path, text);
    expect(await realms.isTrusted('ghcr.io', url('auth.test'))).toBeUndefined();
  }
  await Bun.write(path, '{"ghcr.io":');
  await expect(realms.isTrusted('ghcr.io', url('auth.test'))).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  });
  await expect(realms.remember('ghcr.io', [])).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  expect(await realms.forget('ghcr.io')).toEqual([]);
  expect(await Bun.file(path).text()).toBe('{"ghcr.io":');
});

const me = { kind: 'password', username: 'me', secret: CANARY } as const;
const ghcr = parseServer('https://GHCR.io');

test.each([
  ['keeps', (logins: ServedLogins) => logins.save(ghcr, me)],
  ['forgets', (logins: ServedLogins) => logins.forget(ghcr)],
])(
  'a login that another program %s ends the trust in who took the one of before',
  async (_, change) => {
    await using folder = await temporaryFolder();
    for (const env of [{}, { DOCKER_CONFIG: join(folder.path, 'docker') }]) {
      const realms = trustedRealms(folder.path);
      await realms.remember('ghcr.io', ['auth.test']);
      await realms.remember('quay.io', ['auth.test']);
      const report = () => {};
      const logins = servedLogins({ env, home: folder.path, report, trace: report });
      await change(logins);
      expect(await realms.isTrusted('ghcr.io', url('auth.test'))).toBeUndefined();
      expect(await realms.isTrusted('quay.io', url('auth.test'))).toBe(true);
    }
  },
);
