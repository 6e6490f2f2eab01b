import { expect, test } from 'bun:test';
import { join } from 'node:path';
import type { App } from '../../src/app.ts';
import { FinchError } from '../../src/errors.ts';
import { CANARY } from '../support/canary.ts';
import { finch } from './command-line.ts';
import { fakeLogins } from './fake-logins.ts';

test('finch login tells the registry check what the flags say, and the user which token servers are new', async () => {
  await using place = await finch();
  const seen: unknown[] = [];
  const checkLogin: App['checkLogin'] = async (_server, credential, { signal: _, ...options }) => {
    seen.push(options);
    return {
      credential,
      trusted: ['auth.x.io'],
      accepted: ['auth.x.io'],
      realms: ['auth.x.io'],
      isAsked: true,
    };
  };
  const parts = { logins: async () => fakeLogins(), checkLogin };
  const flags = ['--trust-realm', 'auth.x.io', '--trust-realm=b.io,c.io', '--hosts-dir', '/h'];
  const argv = ['login', '-u', 'me', '--password-stdin', '--insecure-registry', ...flags, 'x.io'];
  const { stderr } = await place.runWith({ stdin: CANARY, parts }, ...argv);
  expect(seen).toEqual([
    { insecure: true, hostsDir: ['/h'], trustRealms: ['auth.x.io', 'b.io', 'c.io'] },
  ]);
  expect(stderr.split('\n')).toEqual([
    'from now on auth.x.io is trusted with logins for x.io',
    'x.io did not ask for the login to be sent to b.io',
    'x.io did not ask for the login to be sent to c.io',
    '',
  ]);
});

test('finch login trusts no token server with a login that could not be kept', async () => {
  await using place = await finch();
  const checkLogin: App['checkLogin'] = async (_server, credential) => {
    return {
      credential,
      trusted: ['auth.x.io'],
      accepted: ['auth.x.io'],
      realms: ['auth.x.io'],
      isAsked: true,
    };
  };
  const save = async () => {
    throw new FinchError('IO', 'cannot write it', { hint: 'free some space' });
  };
  const parts = { logins: async () => ({ ...fakeLogins(), save }), checkLogin };
  const argv = ['login', '-u', 'me', '--password-stdin', '--trust-realm', 'auth.x.io', 'x.io'];
  const { status, stderr } = await place.runWith({ stdin: CANARY, parts }, ...argv);
  expect([status, stderr]).toEqual([1, 'finch: cannot write it\nhint: free some space\n']);
  expect(await Bun.file(join(place.home, 'trusted-realms.json')).json()).toEqual({});
});

test.each([
  ['nobody was to be trusted', [], 0],
  ['a server that was named cannot be remembered', ['auth.x.io'], 1],
])(
  'finch login keeps a login beside a broken trusted-realms.json or not: %s',
  async (_, trusted, status) => {
    await using place = await finch();
    await Bun.write(join(place.home, 'trusted-realms.json'), '{');
    const checkLogin: App['checkLogin'] = async (_server, credential) => {
      return { credential, trusted, accepted: trusted, realms: trusted, isAsked: true };
    };
    const logins = fakeLogins();
    const parts = { logins: async () => logins, checkLogin };
    const outcome = await place.runWith(
      { stdin: CANARY, parts },
      ...['login', '-u', 'me', '--password-stdin', 'x.io'],
    );
    expect([outcome.status, logins.saved.length]).toEqual([status, 1 - status]);
    expect(outcome.stdout).toBe(status === 0 ? 'Login Succeeded\n' : '');
    expect(outcome.stderr).toStartWith(
      `${status === 0 ? 'warning' : 'finch'}: ${join(place.home, 'trusted-realms.json')}:1:2: `,
    );
  },
);

test('finch logout needs no trusted-realms.json that can be read', async () => {
  await using place = await finch();
  await Bun.write(join(place.home, 'trusted-realms.json'), '{');
  expect(await place.run('logout', 'x.io')).toEqual({
    ...{ status: 0, stdout: '', stderr: 'there was no login for x.io\n' },
  });
});

test('finch login says of no server that took the login that it did not', async () => {
  await using place = await finch();
  const checkLogin: App['checkLogin'] = async (_server, credential) => {
    return { credential, trusted: [], accepted: ['x.io:8443'], realms: [], isAsked: true };
  };
  const parts = { logins: async () => fakeLogins(), checkLogin };
  const argv = ['login', '-u', 'me', '--password-stdin', '--trust-realm', 'x.io:8443', 'x.io'];
  const { status, stderr } = await place.runWith({ stdin: CANARY, parts }, ...argv);
  expect([status, stderr]).toEqual([0, '']);
});
