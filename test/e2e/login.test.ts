import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { chmod, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finchOnTerminal } from './support/dialogue.ts';
import { expectError } from './support/expectations.ts';
import { filesIn } from './support/home-contents.ts';
import { loginBench } from './support/login-bench.ts';
import { areHere } from './support/program.ts';
import { login, secureBench, USER } from './support/workbench.ts';

const basic = Buffer.from(`${USER.name}:${USER.password}`).toString('base64');
const mayRun = areHere('docker-registry', 'openssl');

describe.skipIf(!mayRun)('finch login', () => {
  test('says so on stdout alone, and keeps it for this user only, with one warning', async () => {
    await using bench = await secureBench();
    const { host } = bench.registry;
    const { stdout, stderr, exitCode } = await bench.run(
      `login --username ${USER.name} --password-stdin ${host}`,
      { stdin: `${USER.password}\n` },
    );
    expect({ stdout, exitCode }).toEqual({ stdout: 'Login Succeeded\n', exitCode: 0 });
    const path = join(bench.home, 'config.json');
    expect(stderr).toBe(
      `warning: the password is kept unencrypted in ${path}; a credential helper keeps it safe, see https://runfinch.com/docs/container-images/authentication/\n`,
    );
    expect(await Bun.file(path).json()).toEqual({ auths: { [host]: { auth: basic } } });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('knows the registry however its address is written', async () => {
    await using bench = await loginBench();
    const { host } = bench.registry;
    const [, port] = host.split(':');
    for (const server of [
      `https://${host}`,
      `https://${host}/v2/some/path?x=y`,
      `http://${host}/`,
      `${host}/team/app`,
      `HTTPS://LocalHost:${port}`,
    ]) {
      const line = `login -u ${USER.name} --password-stdin ${server}`;
      expect(await bench.ok(line, { stdin: USER.password })).toBe('Login Succeeded\n');
      await bench.ok(`push ${bench.name}`);
      const { stderr } = await bench.run(`logout ${server}`);
      expect(stderr).toBe(`removed the login for ${host} from ${bench.home}/config.json\n`);
      await bench.fails(`push ${bench.name}`);
    }
  });

  test('changes one entry of the file, and nothing else in it', async () => {
    await using bench = await loginBench();
    const { host } = bench.registry;
    const path = join(bench.home, 'config.json');
    const other = '{\n\t"auths": {\n\t\t"other.example": {\n\t\t\t"auth": "YTpi"\n\t\t}';
    await Bun.write(path, `${other}\n\t},\n\t"detachKeys": "ctrl-x"\n}`);
    await login(bench);
    expect(await Bun.file(path).text()).toBe(
      `${other},\n\t\t"${host}": {\n\t\t\t"auth": "${basic}"\n\t\t}\n\t},\n\t"detachKeys": "ctrl-x"\n}`,
    );
    await bench.ok(`push ${bench.name}`);
    await bench.ok(`logout ${host}`);
    expect(await Bun.file(path).text()).toBe(`${other}\n\t},\n\t"detachKeys": "ctrl-x"\n}`);
  });

  test('without a terminal and without a password says which flag to use, and reads no stdin', async () => {
    await using bench = await secureBench();
    const { host } = bench.registry;
    for (const stdin of ['', USER.password]) {
      for (const flags of ['', `-u ${USER.name} `, `-p ${USER.password} `]) {
        expectError(
          await bench.fails(`login ${flags}${host}`, { stdin }),
          /^finch: cannot ask for the (?:user name|password): stdin is not a terminal$/,
          /--username.+--password-stdin/,
        );
      }
    }
  });

  test('warns once, as a pull does, when others can read the file', async () => {
    await using bench = await secureBench();
    const { host } = bench.registry;
    const path = join(bench.home, 'config.json');
    const warning = `warning: others can read the logins in ${path}; keep them private with: chmod 600 ${path}\n`;
    const warnings = ({ stderr }: { readonly stderr: string }) => stderr.split(warning).length - 1;
    await writeFile(path, '{}', { mode: 0o644 });
    const line = `login -u ${USER.name} --password-stdin ${host}`;
    expect(warnings(await bench.run(line, { stdin: USER.password }))).toBe(1);
    expect((await stat(path)).mode & 0o777).toBe(0o644);
    expect(warnings(await bench.run(`login ${host}`))).toBe(1);
    expect(warnings(await bench.run(`pull ${host}/app`))).toBe(1);
    await chmod(path, 0o600);
    expect(warnings(await bench.run(`pull ${host}/app`))).toBe(0);
    await bench.ok(`logout ${host}`);
    await chmod(path, 0o644);
    expect(warnings(await bench.run(`pull ${host}/app`))).toBe(0);
  });

  test('with a name replaces a login that cannot be read, and without one says so', async () => {
    await using bench = await secureBench();
    const { host } = bench.registry;
    const path = join(bench.home, 'config.json');
    await Bun.write(path, JSON.stringify({ auths: { [host]: { auth: '%%%' } } }));
    expectError(
      await bench.fails(`login ${host}`),
      /^finch: the login for "localhost:\d+" in .+config\.json cannot be read$/,
      'log in again with --username, which replaces it',
    );
    await login(bench);
    expect(await Bun.file(path).json()).toEqual({ auths: { [host]: { auth: basic } } });
  });

  test('is kept in the folder that DOCKER_CONFIG names, and used from there', async () => {
    await using bench = await loginBench();
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

describe.skipIf(!mayRun)('finch login without a name, where there is a login', () => {
  test('needs no terminal when it is accepted, and changes nothing', async () => {
    await using bench = await secureBench();
    await login(bench);
    const before = await filesIn(bench.home);
    const { host } = bench.registry;
    const { stdout, stderr, exitCode } = await bench.run(`login ${host}`);
    expect({ stdout, exitCode }).toEqual({ stdout: 'Login Succeeded\n', exitCode: 0 });
    expect(stderr).toStartWith(
      `Authenticating with existing credentials... [Username: ${USER.name}]\n`,
    );
    expect(stderr).toContain(`finch logout ${host}`);
    expect(await filesIn(bench.home)).toEqual(before);
  });

  test('asks when it is no longer accepted, and enter keeps the name', async () => {
    await using bench = await secureBench();
    const { host, ca = '' } = bench.registry;
    const auth = Buffer.from(`${USER.name}:old`).toString('base64');
    const path = join(bench.home, 'config.json');
    await Bun.write(path, JSON.stringify({ auths: { [`https://${host}/v1/`]: { auth } } }));
    expectError(
      await bench.fails(`login ${host}`),
      /^finch: cannot ask for the user name/,
      /stdin/,
    );
    const { screen, exitCode } = await finchOnTerminal(['login', host], {
      home: bench.home,
      env: { SSL_CERT_FILE: ca },
      answers: [
        { when: 'Enter Username: ', type: '\n' },
        { when: 'Enter Password: ', type: `${USER.password}\n` },
      ],
    });
    expect(exitCode).toBe(0);
    expect(screen).toContain(`login to ${host} was refused: unauthorized`);
    expect(screen).toContain(`press enter without a name to log in as ${USER.name}\r\n`);
    expect(await Bun.file(path).json()).toEqual({ auths: { [host]: { auth: basic } } });
  });
});

describe.skipIf(!mayRun)('finch login on a terminal', () => {
  const answers = [
    { when: 'Enter Username: ', type: `${USER.name}\n` },
    { when: 'Enter Password: ', type: `${USER.password}\n` },
  ];

  test('asks for the name and, without echo, for the password', async () => {
    await using bench = await loginBench();
    const { host, ca = '' } = bench.registry;
    const { screen, ...ended } = await finchOnTerminal(['login', host], {
      ...{ home: bench.home, env: { SSL_CERT_FILE: ca }, answers },
    });
    expect(screen).toStartWith(`Enter Username: ${USER.name}\r\nEnter Password: \r\n`);
    expect(screen).toEndWith('Login Succeeded\r\n');
    expect(screen.includes(USER.password)).toBe(false);
    expect(ended).toEqual({ exitCode: 0, echoed: [true, false], echoesAfter: true });
    await bench.ok(`push ${bench.name}`);
  });

  test('asks there also when stdout and stderr go elsewhere', async () => {
    await using bench = await secureBench();
    const { host, ca = '' } = bench.registry;
    const { screen, ...ended } = await finchOnTerminal(['login', host], {
      ...{ home: bench.home, env: { SSL_CERT_FILE: ca }, answers },
      ...{ redirect: '>out 2>err', cwd: bench.folder },
    });
    expect(screen).toBe(`Enter Username: ${USER.name}\r\nEnter Password: \r\n`);
    expect(ended).toEqual({ exitCode: 0, echoed: [true, false], echoesAfter: true });
    expect(await Bun.file(bench.path('out')).text()).toBe('Login Succeeded\n');
    expect(await Bun.file(bench.path('err')).text()).toStartWith('warning: the password is kept');
  });

  test('that is refused shows one error, and not what was typed', async () => {
    await using bench = await secureBench();
    const { host, ca = '' } = bench.registry;
    const { screen, exitCode } = await finchOnTerminal(['login', '-u', USER.name, host], {
      ...{ home: bench.home, env: { SSL_CERT_FILE: ca } },
      answers: [{ when: 'Enter Password: ', type: 'mistyped\n' }],
    });
    expect(exitCode).toBe(1);
    expect(screen).not.toContain('mistyped');
    expectError(screen.replaceAll('\r', ''), /was refused/, /check the user name/);
    expect(await filesIn(bench.home)).toEqual({});
  });

  test('ends with 130 by ctrl-C, echoes again, and stores nothing', async () => {
    await using bench = await secureBench();
    const { home } = bench;
    const [asksForName] = answers;
    for (const given of [
      [{ when: 'Enter Username: ', type: '\x03' }],
      [
        asksForName as NonNullable<typeof asksForName>,
        { when: 'Enter Password: ', type: 'se\x03' },
      ],
    ]) {
      const { screen, exitCode, echoesAfter } = await finchOnTerminal(['login'], {
        home,
        answers: given,
      });
      expect({ exitCode, echoesAfter }).toEqual({ exitCode: 130, echoesAfter: true });
      expect(screen).toEndWith('finch: interrupted\r\n');
      expect(await filesIn(home)).toEqual({});
    }
  });
});

describe.skipIf(!mayRun)('finch logout', () => {
  test('removes every spelling of the server, says which, and leaves the others', async () => {
    await using bench = await secureBench();
    const { host } = bench.registry;
    const path = join(bench.home, 'config.json');
    const others = { 'other.example': { auth: basic }, [`${host}0`]: { auth: basic } };
    await login(bench);
    const auths = { ...others, [host]: { auth: basic }, [`https://${host}/v2/`]: { auth: basic } };
    await Bun.write(path, JSON.stringify({ auths }));
    const { stdout, stderr, exitCode } = await bench.run(`logout ${host}`);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 0 });
    expect(stderr).toBe(
      `removed the login for ${host} from ${path}\nremoved the login for https://${host}/v2/ from ${path}\n`,
    );
    expect(await Bun.file(path).json()).toEqual({ auths: others });
  });

  test("names a login of docker's that remains, and how to remove it", async () => {
    await using bench = await secureBench();
    const { host } = bench.registry;
    const path = join(bench.home, '.docker/config.json');
    await Bun.write(path, JSON.stringify({ auths: { [host]: { auth: basic } } }));
    await login(bench);
    const before = await filesIn(bench.home);
    const { stderr, exitCode } = await bench.run(`logout ${host}`);
    expect(exitCode).toBe(0);
    expect(stderr).toContain(
      `a login for ${host} remains in ${path}; remove it with: docker logout ${host}\n`,
    );
    const after = await filesIn(bench.home);
    expect(after['.docker/config.json']).toBe(before['.docker/config.json'] ?? '');
  });
});
