import { expect, test } from 'bun:test';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { trustedRealms } from '../../src/credentials/trusted-realms.ts';
import { temporaryFolder } from '../support/temporary.ts';

const url = (host: string) => new URL(`https://${host}/token`);

test('a host is trusted for the registry it was added for, and no other host or port', async () => {
  await using folder = await temporaryFolder();
  const realms = trustedRealms(folder.path);
  expect(await realms.isTrusted('ghcr.io', url('auth.test'))).toBe(false);
  await realms.add('ghcr.io', ['auth.test']);
  await realms.add('ghcr.io', ['auth.test', 'two.test:8443']);
  expect(await realms.isTrusted('ghcr.io', url('auth.test'))).toBe(true);
  expect(await realms.isTrusted('ghcr.io', url('two.test:8443'))).toBe(true);
  expect(await realms.isTrusted('ghcr.io', url('two.test'))).toBe(false);
  expect(await realms.isTrusted('docker.io', url('auth.test'))).toBe(false);
  expect(await realms.isTrusted('__proto__', url('auth.test'))).toBe(false);
  const path = join(folder.path, 'trusted-realms.json');
  expect(await Bun.file(path).json()).toEqual({ 'ghcr.io': ['auth.test', 'two.test:8443'] });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('hosts that are added at the same time are all remembered', async () => {
  await using folder = await temporaryFolder();
  const names = Array.from({ length: 12 }, (_, index) => `auth${index}.test`);
  await Promise.all(names.map((name) => trustedRealms(folder.path).add('ghcr.io', [name])));
  for (const name of names) {
    expect(await trustedRealms(folder.path).isTrusted('ghcr.io', url(name))).toBe(true);
  }
});

test('a file that means nothing trusts nobody, and a broken one is an error', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'trusted-realms.json');
  const realms = trustedRealms(folder.path);
  for (const text of ['{"ghcr.io":"auth.test"}', '{"ghcr.io":[1,null]}', '{}', '']) {
    await Bun.write(path, text);
    expect(await realms.isTrusted('ghcr.io', url('auth.test'))).toBe(false);
  }
  await Bun.write(path, '{"ghcr.io":');
  await expect(realms.isTrusted('ghcr.io', url('auth.test'))).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  });
});
