import { describe, expect, test } from 'bun:test';
import { readdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeHelloFinch } from '../demo/hello-finch.ts';
import { CANARY } from '../support/canary.ts';
import { makeAuthority } from '../support/certificates.ts';
import { hasKeyring, openKeyring } from '../support/keyring.ts';
import { auth, type LoginPlaces, loginPlaces } from '../support/login-places.ts';
import { startProxy } from '../support/proxy.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { expectError } from './support/expectations.ts';
import { type FinchOptions, finch } from './support/finch.ts';
import { areHere } from './support/program.ts';
import { type RegistryBench, registryBench } from './support/workbench.ts';

/** One for each place, so that the registry's log tells which login was used. */
const USERS = ['host', 'usual', 'own', 'dockers', 'docker', 'podmans', 'session', 'lasting'];

interface Bench extends RegistryBench {
  readonly places: LoginPlaces;
  /** An image of finch's store whose name leads to the registry. */
  readonly image: string;
}

/** A registry that knows {@link USERS}, an image for it, and every place of logins. */
async function bench(): Promise<Bench> {
  const places = await loginPlaces();
  const registry = await registryBench({
    htpasswd: Object.fromEntries(USERS.map((user) => [user, CANARY])),
  });
  const home = dirname(places.own);
  const around = (options: Partial<FinchOptions> = {}) => ({
    home,
    ...options,
    env: { ...places.env, ...options.env },
  });
  await writeHelloFinch(registry.path('hello-finch.tar'));
  const image = `${registry.registry.host}/app:1`;
  await registry.ok('load -q -i hello-finch.tar', { home });
  await registry.ok(`tag hello-finch:latest ${image}`, { home });
  return {
    ...registry,
    ...{ home, places, image },
    run: (line, options) => registry.run(line, around(options)),
    ok: (line, options) => registry.ok(line, around(options)),
    fails: (line, options) => registry.fails(line, around(options)),
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await places[Symbol.asyncDispose]();
    },
  };
}

/** Asks for an image that the registry does not have, and tells as whom. The registry logs that user. */
async function askAndSee({ registry, run, image }: Bench) {
  const before = registry.log().length;
  const { stderr } = await run(`pull -q ${image.replace(/:1$/, ':none')}`);
  expectError(stderr, /is not in the registry/);
  for (;;) {
    const [, user] = /auth\.user\.name=(\w+)/.exec(registry.log().slice(before)) ?? [];
    if (user !== undefined) return { user, warnings: stderr.match(/^warning: .*$/gm) ?? [] };
    // What the registry wrote is still on its way here.
    await Bun.sleep(1);
  }
}

/** The bytes of a file and the moment in which it was changed, and what else is in its folder. */
async function stateOf(path: string) {
  const { mtimeMs, ino, mode } = await stat(path);
  const bytes = await Bun.file(path).text();
  return { mtimeMs, ino, mode, bytes, beside: await readdir(dirname(path)) };
}

describe.skipIf(!areHere('docker-registry', 'htpasswd'))('the keychain', () => {
  test('takes the login of each place, in order', async () => {
    await using all = await bench();
    const { places, registry } = all;
    const { host } = registry;
    for (const name of ['host', 'usual', 'dockers', 'podmans']) {
      await places.helper(name, { [host]: [name, CANARY] });
    }
    const own = { [host]: auth('own', CANARY) };
    const docker = { [host]: auth('docker', CANARY) };
    const session = { [host]: auth('session', CANARY) };
    const steps: readonly [user: string, path: string, content: object][] = [
      ['host', places.own, { credHelpers: { [host]: 'host' }, credsStore: 'usual', auths: own }],
      ['usual', places.own, { credsStore: 'usual', auths: own }],
      ['own', places.own, { auths: own }],
      ['dockers', places.own, {}],
      ['docker', places.docker, { auths: docker }],
      ['podmans', places.docker, {}],
      ['session', places.session, { credsStore: 'usual', auths: session }],
      ['lasting', places.session, {}],
    ];
    await places.write(places.docker, { credsStore: 'dockers', auths: docker });
    await places.write(places.session, { credHelpers: { [host]: 'podmans' }, auths: session });
    await places.write(places.lasting, { auths: { [host]: auth('lasting', CANARY) } });
    for (const [user, path, content] of steps) {
      await places.write(path, content);
      expect(await askAndSee(all)).toEqual({ user, warnings: [] });
    }
  });

  test('finds a login below a helper in each position that is missing or fails, and says so once', async () => {
    await using all = await bench();
    const { places, registry } = all;
    const { host } = registry;
    await places.helper('fails', {}, { first: 'echo "no display"; exit 1' });
    await places.helper('talks', {}, { first: 'yes; exit 0' });
    const below = (user: string) => ({ auths: { [host]: auth(user, CANARY) } });
    const positions = (bad: string): readonly [user: string, Record<string, object>][] => [
      ['own', { [places.own]: { credHelpers: { [host]: bad }, ...below('own') } }],
      ['own', { [places.own]: { credsStore: bad, ...below('own') } }],
      ['docker', { [places.own]: { credsStore: bad }, [places.docker]: below('docker') }],
      ['session', { [places.docker]: { credsStore: bad }, [places.session]: below('session') }],
      [
        'lasting',
        { [places.session]: { credHelpers: { [host]: bad } }, [places.lasting]: below('lasting') },
      ],
    ];
    for (const bad of ['missing', 'fails', 'talks']) {
      for (const [user, contents] of positions(bad)) {
        for (const path of [places.own, places.docker, places.session, places.lasting]) {
          await places.write(path, contents[path] ?? {});
        }
        const { user: seen, warnings } = await askAndSee(all);
        expect([seen, warnings.length]).toEqual([user, 1]);
        expect(warnings[0]).toMatch(new RegExp(`docker-credential-${bad} .*; .`));
      }
    }
  });

  test("uses docker's and podman's files and leaves them as they are", async () => {
    await using all = await bench();
    const { places, registry, image } = all;
    const { host } = registry;
    for (const [path, user] of [
      [places.docker, 'docker'],
      [places.session, 'session'],
      [places.lasting, 'lasting'],
    ] as const) {
      await places.write(path, { auths: { [host]: auth(user, CANARY) }, extra: [1.0] });
      const state = await stateOf(path);
      await all.ok(`push -q ${image}`);
      expect(await askAndSee(all)).toEqual({ user, warnings: [] });
      const { stderr } = await all.run(`logout ${host}`);
      expect(stderr).toContain(path);
      expect(await all.ok('login --list')).toContain(path);
      expect(await stateOf(path)).toEqual(state);
      await places.write(path, {});
    }
  });

  test("says that finch's own file is broken, and takes another's broken file for an empty one", async () => {
    await using all = await bench();
    const { places, image } = all;
    await places.write(places.docker, { auths: { [all.registry.host]: auth('docker', CANARY) } });
    await places.write(places.own, {});
    await Bun.write(places.own, '{\n  "auths": {,\n}');
    expectError(await all.fails(`push ${image}`), /config\.json:2:/, /correct the file/);
    await places.write(places.own, {});
    await Bun.write(places.docker, '{\n  "auths": {,\n}');
    const stderr = await all.fails(`push ${image}`);
    expect(stderr.match(/^warning: .*\.docker\/config\.json:2:.*; .+$/gm)).toHaveLength(1);
    expectError(stderr, /unauthorized/);
  });

  test.skipIf(!hasKeyring())(
    "keeps the password in the system's own store where nothing else is named",
    async () => {
      await using all = await bench();
      await using keyring = await openKeyring();
      const { places, registry, image } = all;
      const { env } = keyring;
      const line = `login -u own --password-stdin ${registry.host}`;
      expect(await all.run(line, { env, stdin: CANARY })).toEqual({
        ...{ stdout: 'Login Succeeded\n', exitCode: 0 },
        stderr: `logins are kept by docker-credential-secretservice, as ${places.own} says now\n`,
      });
      expect(await places.json(places.own)).toEqual({ credsStore: 'secretservice' });
      await all.ok(`push -q ${image}`, { env });
      expect(await all.ok('login --list', { env })).toMatch(
        / own +docker-credential-secretservice/,
      );
      const { stderr } = await all.run(`logout ${registry.host}`, { env });
      expect(stderr).toContain('from docker-credential-secretservice');
      expect(await places.json(places.own)).toEqual({ credsStore: 'secretservice' });
      await all.fails(`push -q ${image}`, { env });
    },
  );

  test('logs in to any registry with `credsStore: ecr-login`, and does not run it', async () => {
    await using all = await bench();
    const { places, registry, image } = all;
    await places.helper('ecr-login', { [registry.host]: ['other', CANARY] });
    await places.write(places.own, { credsStore: 'ecr-login' });
    const env = { AWS_EC2_METADATA_DISABLED: 'true' };
    const line = `login -u own --password-stdin http://${registry.host}/v2/`;
    const login = await all.run(line, { stdin: CANARY, env });
    expect(login.stdout).toBe('Login Succeeded\n');
    expect(login.stderr.split('\n')).toEqual([
      `warning: docker-credential-ecr-login keeps no logins for ${registry.host}`,
      ...[expect.stringContaining('unencrypted'), ''],
    ]);
    expect(await places.json(places.own)).toEqual({
      credsStore: 'ecr-login',
      auths: { [registry.host]: auth('own', CANARY) },
    });
    await all.ok(`push -q ${image}`, { env });
    const { stderr, exitCode } = await all.run(`logout ${registry.host}`, { env });
    expect([exitCode, stderr]).toEqual([
      0,
      `removed the login for ${registry.host} from ${places.own}\n`,
    ]);
    expect(await places.asked('ecr-login')).toEqual([]);
  });
});

describe.skipIf(!areHere('docker-registry', 'openssl'))('Docker Hub', () => {
  /** What answers for Docker Hub and its token server behind a proxy. */
  async function startHub() {
    const folder = await temporaryFolder();
    const names = 'DNS:registry-1.docker.io,DNS:auth.docker.io';
    const { ca, certificate, key } = await makeAuthority(folder.path, { names });
    const wanted = `Basic ${auth('me', CANARY).auth}`;
    const asked: string[] = [];
    const server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      tls: { cert: Bun.file(certificate), key: Bun.file(key) },
      fetch(request) {
        const url = new URL(request.url);
        const given = request.headers.get('authorization');
        asked.push(`${url.host}${url.pathname}`);
        if (url.host === 'auth.docker.io') {
          return given === wanted
            ? Response.json({ token: 'good', expires_in: 300 })
            : Response.json({ details: 'incorrect username or password' }, { status: 401 });
        }
        if (given === 'Bearer good') return Response.json({});
        const challenge =
          'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"';
        return new Response(null, { status: 401, headers: { 'www-authenticate': challenge } });
      },
    });
    const proxy = await startProxy({ port: server.port ?? 0 });
    return {
      asked,
      env: {
        HTTPS_PROXY: `http://${proxy.host}`,
        SSL_CERT_FILE: ca,
        AWS_CA_BUNDLE: ca,
        AWS_EC2_METADATA_DISABLED: 'true',
      },
      async [Symbol.asyncDispose]() {
        await proxy[Symbol.asyncDispose]();
        await server.stop(true);
        await folder[Symbol.asyncDispose]();
      },
    };
  }

  test.each([
    ['keeps a login', {}],
    ['keeps a login with `credsStore: ecr-login`', { credsStore: 'ecr-login' }],
  ])('%s under its old address, and finds it again', async (_, config) => {
    await using places = await loginPlaces();
    await using hub = await startHub();
    await places.write(places.own, config);
    const home = dirname(places.own);
    const env = { ...places.env, ...hub.env };
    const run = (line: string, stdin?: string) =>
      finch(line.split(' '), { home, env, ...(stdin !== undefined && { stdin }) });
    for (const server of ['', ' docker.io', ' https://index.docker.io/v1/']) {
      const login = await run(`login -u me --password-stdin${server}`, CANARY);
      expect({ ...login, stderr: '' }).toEqual({
        stdout: 'Login Succeeded\n',
        stderr: '',
        exitCode: 0,
      });
      expect(await places.json(places.own)).toEqual({
        ...config,
        auths: { 'https://index.docker.io/v1/': auth('me', CANARY) },
      });
    }
    const refused = await run('login -u me --password-stdin', 'wrong');
    expect(refused.exitCode).toBe(1);
    expectError(refused.stderr, /refused/);
    expect(hub.asked).toContain('auth.docker.io/token');
    const { stderr } = await run('logout registry-1.docker.io');
    expect(stderr).toContain('removed the login for');
    expect(await places.json(places.own)).toEqual({ ...config, auths: {} });
  });

  test('gets no password that is for another registry, whatever is wrong with the helper', async () => {
    await using all = await bench();
    await using hub = await startHub();
    const { places, registry } = all;
    for (const config of [
      { credsStore: 'missing' },
      { credsStore: '../x' },
      { credHelpers: { '': 'x' } },
    ]) {
      await places.write(places.own, config);
      const line = `login -u own --password-stdin ${registry.host}`;
      const { stdout } = await all.run(line, { stdin: CANARY, env: hub.env });
      expect(stdout).toBe('Login Succeeded\n');
      expect(await places.json(places.own)).toEqual({
        ...{ ...config, auths: { [registry.host]: auth('own', CANARY) } },
      });
    }
    for (const server of ['https://', 'https:///docker.io', '/', ' ', 'me@', '%2f']) {
      const line = ['login', '-u', 'own', '--password-stdin', server];
      expectError(await all.fails(line, { stdin: CANARY, env: hub.env }), /no registry|holds an @/);
    }
    expect(hub.asked).toEqual([]);
  });
});
