import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { CANARY } from '../support/canary.ts';
import { writeFileHelper, writeHelper } from '../support/helper-programs.ts';
import { auth } from '../support/login-places.ts';
import { expectError } from './support/expectations.ts';
import { installHelper } from './support/helper-install.ts';
import { areHere } from './support/program.ts';
import { registryBench, workbench } from './support/workbench.ts';

/** A bench whose config.json names a helper, a shell script, and holds a login. */
async function benchWith(script: string) {
  const bench = await workbench();
  const config = { credsStore: 'box', auths: { 'x.test': auth('me', CANARY) } };
  await Bun.write(join(bench.home, 'config.json'), JSON.stringify(config));
  await writeHelper(join(bench.home, 'cred-helpers'), 'box', script);
  return bench;
}

test('a logout that fails says what it removed, and then what failed', async () => {
  await using bench = await benchWith('echo it is locked; exit 1');
  const { stdout, stderr, exitCode } = await bench.run('logout x.test');
  expect([stdout, exitCode]).toEqual(['', 1]);
  const [removed] = stderr.split('\n');
  expect(removed).toBe(`removed the login for x.test from ${join(bench.home, 'config.json')}`);
  expectError(stderr, /docker-credential-box failed to .*: it is locked$/);
  expect(stderr.match(/it is locked/g)).toHaveLength(1);
});

test.each(['https://quay.io/team', 'quay.io/team/', 'Quay.io/team'])(
  'finch logout %s forgets what is kept for the team alone, however it is spelled',
  async (spelling) => {
    await using bench = await workbench();
    const path = join(bench.home, 'config.json');
    const all = { 'quay.io': auth('me', CANARY) };
    const config = { auths: { ...all, 'quay.io/team': auth('robot', CANARY) } };
    await Bun.write(path, JSON.stringify(config));
    const { stderr, exitCode } = await bench.run(`logout ${spelling}`);
    expect({ stderr, exitCode }).toEqual({
      stderr: `removed the login for quay.io/team from ${path}\n`,
      exitCode: 0,
    });
    const left: unknown = await Bun.file(path).json();
    expect(Bun.deepEquals(left, { auths: all })).toBe(true);
  },
);

test('a helper that takes long is named, but not to the callers of docker-credential-finch', async () => {
  const missing = 'echo credentials not found in native keychain; exit 1';
  await using bench = await benchWith(
    `case $1 in list) sleep 2.2; echo '{}' ;; *) sleep 1.1; ${missing} ;; esac`,
  );
  const { helper } = { helper: await installHelper(bench.path('bin'), 'symbolic link') };
  const [listed, asked] = await Promise.all([
    bench.run('login --list'),
    helper.run(['list'], { home: bench.home, stdin: '' }),
  ]);
  expect(listed).toMatchObject({ stderr: 'waiting for docker-credential-box…\n', exitCode: 0 });
  expect(asked).toEqual({ stdout: '{"x.test":"me"}\n', stderr: '', exitCode: 0 });
});

describe.skipIf(!areHere('docker-registry', 'htpasswd'))('a key of many lines', () => {
  // bcrypt takes 72 bytes.
  const key = `{\n\t"private_key":\r\n"${CANARY}"\n}`;

  test('is a password, in the file and in a helper', async () => {
    await using bench = await registryBench({ htpasswd: { _json_key: key } });
    const { host } = bench.registry;
    const kept = await writeFileHelper(join(bench.home, 'cred-helpers'), 'box');
    for (const config of [{}, { credsStore: 'box' }]) {
      await Bun.write(join(bench.home, 'config.json'), JSON.stringify(config));
      const line = `login -u _json_key --password-stdin ${host}`;
      expect(await bench.ok(line, { stdin: `${key}\n` })).toBe('Login Succeeded\n');
      expect(await bench.ok(`login ${host}`)).toBe('Login Succeeded\n');
    }
    expect((await kept.kept())[host]?.Secret === key).toBe(true);
  });
});
