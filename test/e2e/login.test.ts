import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeHelloFinch } from '../demo/hello-finch.ts';
import { finchOnTerminal } from './support/dialogue.ts';
import { areHere } from './support/program.ts';
import { login, type RegistryBench, secureBench, USER } from './support/workbench.ts';

/** A secure bench with an image whose name leads to its registry. */
async function benchWithImage(): Promise<RegistryBench & { readonly name: string }> {
  const bench = await secureBench();
  await writeHelloFinch(bench.path('hello-finch.tar'));
  await bench.ok('load -i hello-finch.tar');
  const name = `${bench.registry.host}/test-login:tag`;
  await bench.ok(`tag hello-finch:latest ${name}`);
  return { ...bench, name };
}

const basic = Buffer.from(`${USER.name}:${USER.password}`).toString('base64');

describe.skipIf(!areHere('docker-registry', 'openssl'))('finch login', () => {
  test('with the password on stdin says so on stdout and keeps it for this user only', async () => {
    await using bench = await benchWithImage();
    const { host } = bench.registry;
    const { stdout, exitCode } = await bench.run(
      `login --username ${USER.name} --password-stdin ${host}`,
      { stdin: `${USER.password}\n` },
    );
    expect({ stdout, exitCode }).toEqual({ stdout: 'Login Succeeded\n', exitCode: 0 });
    const path = join(bench.home, 'config.json');
    expect(await Bun.file(path).json()).toEqual({ auths: { [host]: { auth: basic } } });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await bench.ok(`push ${bench.name}`);
  });

  test('takes user name and password by their short and long flags, and then a push goes through', async () => {
    await using bench = await benchWithImage();
    for (const user of ['-u', '--username']) {
      for (const password of ['-p', '--password']) {
        const flags = `${user} ${USER.name} ${password} ${USER.password}`;
        const { stdout, stderr } = await bench.run(`login ${flags} ${bench.registry.host}`);
        expect(stdout).toBe('Login Succeeded\n');
        expect(stderr).toContain('use --password-stdin');
        expect(stderr).not.toContain(USER.password);
        await bench.ok(`push ${bench.name}`);
        await bench.ok(`logout ${bench.registry.host}`);
      }
    }
  });

  test('accepts the address of the registry with a scheme', async () => {
    await using bench = await benchWithImage();
    const line = `login -u ${USER.name} --password-stdin https://${bench.registry.host}/v2/`;
    expect(await bench.ok(line, { stdin: USER.password })).toBe('Login Succeeded\n');
    await bench.ok(`push ${bench.name}`);
  });

  test('with a wrong password or a wrong user fails and stores nothing, and a push fails', async () => {
    await using bench = await benchWithImage();
    const { host } = bench.registry;
    const attempts: readonly [string, string?][] = [
      [`login -u ${USER.name} -p wrong ${host}`],
      [`login -u nobody -p ${USER.password} ${host}`],
      [`login -u ${USER.name} --password-stdin ${host}`, 'wrong'],
      [`login -u nobody --password-stdin ${host}`, USER.password],
    ];
    for (const [line, stdin] of attempts) {
      const stderr = await bench.fails(line, stdin === undefined ? {} : { stdin });
      expect(stderr).toContain(`finch: login to ${host} was refused: unauthorized`);
      expect(stderr).toContain(`hint: check the user name and the password`);
      expect(existsSync(join(bench.home, 'config.json'))).toBe(false);
      expect(await bench.fails(`push ${bench.name}`)).toContain(`finch login ${host}`);
    }
  });

  test('with a wrong password leaves the login that there is, and all else in the file', async () => {
    await using bench = await benchWithImage();
    const path = join(bench.home, 'config.json');
    const before =
      '{\n\t"auths": {\n\t\t"other.example": {\n\t\t\t"auth": "YTpi"\n\t\t}\n\t},\n\t"detachKeys": "ctrl-x"\n}';
    await Bun.write(path, before);
    await bench.fails(`login -u ${USER.name} --password-stdin ${bench.registry.host}`, {
      stdin: 'wrong',
    });
    expect(await Bun.file(path).text()).toBe(before);
    await login(bench);
    expect(await Bun.file(path).json()).toEqual({
      auths: { 'other.example': { auth: 'YTpi' }, [bench.registry.host]: { auth: basic } },
      detachKeys: 'ctrl-x',
    });
    await bench.ok(`push ${bench.name}`);
  });

  test('asks on a terminal for the name and, without echo, for the password', async () => {
    await using bench = await benchWithImage();
    const { host, ca = '' } = bench.registry;
    const { screen, exitCode, echoed } = await finchOnTerminal(['login', host], {
      home: bench.home,
      env: { SSL_CERT_FILE: ca },
      answers: [
        { when: 'Enter Username: ', type: `${USER.name}\n` },
        { when: 'Enter Password: ', type: `${USER.password}\n` },
      ],
    });
    expect(screen).toStartWith(`Enter Username: ${USER.name}\r\nEnter Password: \r\n`);
    expect(screen).toEndWith('Login Succeeded\r\n');
    expect(screen).not.toContain(USER.password);
    expect({ exitCode, echoed }).toEqual({ exitCode: 0, echoed: [true, false] });
    await bench.ok(`push ${bench.name}`);
  });

  test('that is interrupted while it asks ends with 130 and stores nothing', async () => {
    await using bench = await benchWithImage();
    for (const answers of [
      [{ when: 'Enter Username: ', type: '\x03' }],
      [
        { when: 'Enter Username: ', type: 'me\n' },
        { when: 'Enter Password: ', type: 'se\x03' },
      ],
    ]) {
      const { home } = bench;
      const { exitCode } = await finchOnTerminal(['login'], { home, answers });
      expect(exitCode).toBe(130);
      expect(existsSync(join(home, 'config.json'))).toBe(false);
    }
  });

  test('without a terminal and without a password says which flag to use', async () => {
    await using bench = await benchWithImage();
    expect(await bench.fails(`login -u ${USER.name} ${bench.registry.host}`)).toContain(
      '--password-stdin',
    );
    expect(await bench.fails(`login --password-stdin ${bench.registry.host}`)).toContain(
      '--username',
    );
    expect(
      await bench.fails(`login -u me -p secret --password-stdin ${bench.registry.host}`),
    ).toContain('exclusive');
  });

  test('is kept in the folder that DOCKER_CONFIG names, and used from there', async () => {
    await using bench = await benchWithImage();
    const { host } = bench.registry;
    const env = { DOCKER_CONFIG: bench.path('docker') };
    await bench.ok(`login -u ${USER.name} --password-stdin ${host}`, { env, stdin: USER.password });
    expect(existsSync(join(bench.home, 'config.json'))).toBe(false);
    expect(existsSync(bench.path('docker/config.json'))).toBe(true);
    await bench.ok(`push ${bench.name}`, { env });
    await bench.ok(`pull ${bench.name}`, { env });
    await bench.fails(`push ${bench.name}`);
    await bench.ok(`logout ${host}`, { env });
    await bench.fails(`push ${bench.name}`, { env });
  });
});

describe.skipIf(!areHere('docker-registry', 'openssl'))('finch logout', () => {
  test('makes a push and a pull fail again, and can be said twice', async () => {
    await using bench = await benchWithImage();
    const { host } = bench.registry;
    expect(await bench.fails(`push ${bench.name}`)).toContain(
      `hint: log in with: finch login ${host}`,
    );
    await login(bench);
    await bench.ok(`push ${bench.name}`);
    expect(await bench.ok(`logout ${host}`)).toBe('');
    expect(await bench.fails(`push ${bench.name}`)).toContain(
      `hint: log in with: finch login ${host}`,
    );
    expect(await bench.fails(`pull ${bench.name}`)).toContain(
      `hint: log in with: finch login ${host}`,
    );
    const again = await bench.run(`logout ${host}`);
    expect(again).toEqual({
      stdout: '',
      stderr: `there was no login for ${host}\n`,
      exitCode: 0,
    });
  });

  test('leaves the logins for other registries', async () => {
    await using bench = await benchWithImage();
    const path = join(bench.home, 'config.json');
    await Bun.write(path, JSON.stringify({ auths: { 'other.example': { auth: 'YTpi' } } }));
    await login(bench);
    await bench.ok(`logout ${bench.registry.host}`);
    expect(await Bun.file(path).json()).toEqual({ auths: { 'other.example': { auth: 'YTpi' } } });
  });
});
