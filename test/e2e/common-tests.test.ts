import { describe, expect, test } from 'bun:test';
import { expectError } from './support/expectations.ts';
import { filesIn } from './support/home-contents.ts';
import { loginBench } from './support/login-bench.ts';
import { areHere } from './support/program.ts';
import { USER } from './support/workbench.ts';

// What Finch's own acceptance tests ask of `login` and `logout`, here of a registry over TLS.
// https://github.com/runfinch/common-tests/blob/186517ebdd50fcea9f30e1c7569bca69f70143e6/tests/login.go

const flags = ['-u', '--username'].flatMap((user) =>
  ['-p', '--password'].map((password) => [user, password] as const),
);

describe.skipIf(!areHere('docker-registry', 'openssl'))('finch login, as Finch is tested', () => {
  test.each(flags)('with %s and %s, and then a push goes through', async (user, password) => {
    await using bench = await loginBench();
    const { host } = bench.registry;
    await bench.fails(`push ${bench.name}`);
    const line = `login ${host} ${user} ${USER.name} ${password} ${USER.password}`;
    const { stdout, stderr, exitCode } = await bench.run(line);
    expect({ stdout, exitCode }).toEqual({ stdout: 'Login Succeeded\n', exitCode: 0 });
    expect(stderr).toContain('use --password-stdin');
    expect(stderr.includes(USER.password)).toBe(false);
    await bench.ok(`push ${bench.name}`);
    await bench.ok(`logout ${host}`);
  });

  test.each(flags)(
    'with %s and %s of a wrong login fails, and so does a push',
    async (user, password) => {
      await using bench = await loginBench();
      const { host } = bench.registry;
      const before = await filesIn(bench.home);
      for (const [name, secret] of [
        [USER.name, 'invalidPassword'],
        ['invalidUser', USER.password],
      ]) {
        const stderr = await bench.fails(`login ${host} ${user} ${name} ${password} ${secret}`);
        expectError(
          stderr,
          /^finch: login to \S+ was refused: unauthorized/,
          /^hint: check the user/,
        );
        expect(stderr).not.toContain(`${secret}`);
        expectError(
          await bench.fails(`push ${bench.name}`),
          /unauthorized/,
          `log in with: finch login ${host}`,
        );
      }
      expect(await filesIn(bench.home)).toEqual(before);
    },
  );

  test('with the password on stdin, and then a push goes through', async () => {
    await using bench = await loginBench();
    const { host } = bench.registry;
    const line = `login ${host} -u ${USER.name} --password-stdin`;
    expect(await bench.ok(line, { stdin: USER.password })).toBe('Login Succeeded\n');
    await bench.ok(`push ${bench.name}`);
    await bench.ok(`logout ${host}`);
  });

  test('with a wrong login on stdin fails, and so does a push', async () => {
    await using bench = await loginBench();
    const { host } = bench.registry;
    const before = await filesIn(bench.home);
    for (const [name, stdin] of [
      [USER.name, 'invalidPassword'],
      ['invalidUser', USER.password],
    ] as const) {
      const stderr = await bench.fails(`login ${host} -u ${name} --password-stdin`, { stdin });
      expectError(
        stderr,
        /^finch: login to \S+ was refused: unauthorized/,
        /^hint: check the user/,
      );
      await bench.fails(`push ${bench.name}`);
    }
    expect(await filesIn(bench.home)).toEqual(before);
  });
});

describe.skipIf(!areHere('docker-registry', 'openssl'))('finch logout, as Finch is tested', () => {
  test('makes a push fail that went through before, and can be said twice', async () => {
    await using bench = await loginBench();
    const { host } = bench.registry;
    await bench.ok(`login ${host} -u ${USER.name} -p ${USER.password}`);
    await bench.ok(`push ${bench.name}`);
    expect(await bench.ok(`logout ${host}`)).toBe('');
    const hint = `log in with: finch login ${host}`;
    expectError(await bench.fails(`push ${bench.name}`), /unauthorized/, hint);
    expectError(await bench.fails(`pull ${bench.name}`), /unauthorized/, hint);
    expect(await bench.run(`logout ${host}`)).toEqual({
      ...{ stdout: '', stderr: `there was no login for ${host}\n`, exitCode: 0 },
    });
  });
});
