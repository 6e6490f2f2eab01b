import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { CANARY } from '../support/canary.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { buildImage, layerTar } from '../support/images.ts';
import { startTokenGuard, type TokenGuard } from '../support/token-guard.ts';
import {
  startTokenServer,
  type TokenServer,
  type TokenServerOptions,
} from '../support/token-server.ts';
import { writeOciArchive } from './support/archives.ts';
import { expectError } from './support/expectations.ts';
import { filesIn } from './support/home-contents.ts';
import { areHere } from './support/program.ts';
import { type Workbench, workbench } from './support/workbench.ts';

/** finch beside a `docker-registry` that wants tokens, and the server that gives them. */
interface TokenBench extends Workbench {
  readonly host: string;
  readonly tokens: TokenServer;
  readonly registry: DockerRegistry;
  login(): Promise<void>;
  /** The `config.json` of the home. */
  config(): Promise<unknown>;
}

async function tokenBench(options: Partial<TokenServerOptions> = {}): Promise<TokenBench> {
  const tokens = await startTokenServer({ users: { me: CANARY }, ...options });
  const registry = await startDockerRegistry({ tokens });
  const bench = await workbench();
  const { host } = registry;
  return {
    ...bench,
    ...{ host, tokens, registry },
    async login() {
      await bench.ok(`login -u me --password-stdin ${host}`, { stdin: CANARY });
    },
    config: () => Bun.file(join(bench.home, 'config.json')).json(),
    async [Symbol.asyncDispose]() {
      await registry.stop();
      await tokens[Symbol.asyncDispose]();
      await bench[Symbol.asyncDispose]();
    },
  };
}

/** Loads an image of several layers as `HOST/app:1`. */
async function loadImage(bench: Workbench, host: string, layers = 4): Promise<void> {
  const built = buildImage({
    layers: Array.from({ length: layers }, (_, index) => layerTar(`layer ${index}`)),
  });
  await writeOciArchive(bench.path('image.tar'), 'app:1', built);
  await bench.ok('load -q -i image.tar');
  await bench.ok(`tag app:1 ${host}/app:1`);
}

const basic = Buffer.from(`me:${CANARY}`).toString('base64');

/** Whether a text holds the password in the clear, in Base64 or in a form. */
const showsPassword = (text: string): boolean =>
  [CANARY, basic, encodeURIComponent(CANARY)].some((form) => text.includes(form));

describe.skipIf(!areHere('docker-registry', 'openssl'))('a registry with a token server', () => {
  test('login keeps a refresh token that lasts, and no password, and a push and a pull use it', async () => {
    await using bench = await tokenBench({ refresh: 'lasting' });
    const { host, tokens } = bench;
    await bench.login();
    const [refreshToken = ''] = tokens.refreshTokens;
    const text = await Bun.file(join(bench.home, 'config.json')).text();
    expect(text).toContain(refreshToken);
    expect(showsPassword(text)).toBe(false);
    expect(tokens.requests.map(({ method }) => method)).toEqual(['GET', 'POST']);
    await loadImage(bench, host);
    await bench.ok(`push ${host}/app:1`);
    await bench.ok(`pull ${host}/app:1`);
    const later = tokens.requests.slice(2);
    expect(later.map(({ method }) => method)).toEqual(['POST', 'POST']);
    expect(later.map(({ params }) => params.get('scope'))).toEqual([
      'repository:app:pull,push',
      'repository:app:pull',
    ]);
    expect(later.some(({ url, authorization }) => showsPassword(`${url} ${authorization}`))).toBe(
      false,
    );
  });

  test('login keeps the password when the refresh token is good for one use only', async () => {
    await using bench = await tokenBench({ refresh: 'rotating' });
    await bench.login();
    expect(await bench.config()).toEqual({ auths: { [bench.host]: { auth: basic } } });
  });

  test('login keeps the password when the token server takes no form', async () => {
    await using bench = await tokenBench({ refresh: 'lasting', refuse: { POST: 405 } });
    await bench.login();
    expect(await bench.config()).toEqual({ auths: { [bench.host]: { auth: basic } } });
  });

  test('login goes through a form where the token server takes nothing else', async () => {
    await using bench = await tokenBench({ refuse: { GET: 405 } });
    await bench.login();
    await loadImage(bench, bench.host, 1);
    await bench.ok(`push ${bench.host}/app:1`);
  });

  test('login with a wrong password fails after one try and keeps nothing', async () => {
    await using bench = await tokenBench({ refresh: 'lasting' });
    const { host, tokens } = bench;
    const before = await filesIn(bench.home);
    const stderr = await bench.fails(`login -u me --password-stdin ${host}`, { stdin: 'wrong' });
    expectError(
      stderr,
      `login to ${host} was refused: incorrect username or password`,
      `check the user name and the password, and try again: finch login ${host}`,
    );
    expect(tokens.requests.map(({ status }) => status)).toEqual([401]);
    expect(await filesIn(bench.home)).toEqual(before);
  });

  test('a push that is granted less than it asks for is denied, and says both', async () => {
    const narrowed = (scope: string) => scope.replace(':pull,push', ':pull');
    await using bench = await tokenBench({ grant: narrowed });
    const { host } = bench;
    await bench.login();
    await loadImage(bench, host, 1);
    const before = await filesIn(bench.home);
    expectError(
      await bench.fails(`push ${host}/app:1`),
      /^finch: registry .*\(asked for repository:app:pull,push, the token grants repository:app:pull\)$/,
      `check that your account may use ${host}/app, or log in as another with: finch login ${host}`,
    );
    expect(await filesIn(bench.home)).toEqual(before);
  });

  test('a refresh token that is no longer good is asked about once, and a new login helps', async () => {
    await using bench = await tokenBench({ refresh: 'lasting' });
    const { host, tokens } = bench;
    await bench.login();
    await loadImage(bench, host, 1);
    tokens.revoke();
    const { length } = tokens.requests;
    const before = await filesIn(bench.home);
    expectError(
      await bench.fails(`push ${host}/app:1`),
      `registry ${host}: incorrect username or password`,
      `log in with: finch login ${host}`,
    );
    expect(tokens.requests.slice(length).map(({ status }) => status)).toEqual([401]);
    expect(await filesIn(bench.home)).toEqual(before);
    await bench.run(`logout ${host}`);
    await bench.login();
    await bench.ok(`push ${host}/app:1`);
  });

  test('a refresh token that is good for one use is replaced where finch keeps it', async () => {
    await using bench = await tokenBench({ refresh: 'rotating' });
    const { host, tokens } = bench;
    await loadImage(bench, host, 1);
    const answer = await fetch(`${tokens.realm}?offline_token=true`, {
      headers: { authorization: `Basic ${basic}` },
    });
    const { refresh_token: first } = (await answer.json()) as { refresh_token: string };
    const auths = { [host]: { identitytoken: first } };
    await Bun.write(join(bench.home, 'config.json'), JSON.stringify({ auths }));
    await bench.ok(`push ${host}/app:1`);
    const [next] = tokens.refreshTokens;
    expect(next).not.toBe(first);
    expect(await bench.config()).toMatchObject({ auths: { [host]: { identitytoken: next } } });
    await bench.ok(`pull ${host}/app:1`);
    await bench.ok(`login ${host}`);
  });

  test('a refresh token goes to no other token server than the one that took the login', async () => {
    await using bench = await tokenBench({ refresh: 'lasting', hostname: 'auth.localhost' });
    const { host, tokens } = bench;
    const realm = new URL(tokens.realm).host;
    await bench.ok(`login --trust-realm ${realm} -u me --password-stdin ${host}`, {
      stdin: CANARY,
    });
    await loadImage(bench, host, 1);
    await bench.ok(`push ${host}/app:1`);
    const { length } = tokens.requests;
    const other = { [host]: ['other.example:443'] };
    await Bun.write(join(bench.home, 'trusted-realms.json'), JSON.stringify(other));
    expectError(
      await bench.fails(`push ${host}/app:1`),
      `registry ${host} wants your token to be sent to ${realm}, which is not what gave it`,
      `log in again: finch login --username NAME ${host}`,
    );
    expect(tokens.requests).toHaveLength(length);
  });

  test('a token of the registry itself, in config.json, is sent as it is', async () => {
    await using bench = await tokenBench();
    const { host, tokens } = bench;
    await loadImage(bench, host, 1);
    const query = new URLSearchParams({ scope: 'repository:app:pull,push' });
    const answer = await fetch(`${tokens.realm}?${query}`, {
      headers: { authorization: `Basic ${basic}` },
    });
    const { token } = (await answer.json()) as { token: string };
    const auths = { [host]: { registrytoken: token } };
    await Bun.write(join(bench.home, 'config.json'), JSON.stringify({ auths }));
    await bench.ok(`push ${host}/app:1`);
    expect(tokens.requests).toHaveLength(1);
  });

  test('a token server of another name gets no login before the user trusts it', async () => {
    await using bench = await tokenBench({ hostname: 'auth.localhost' });
    const { host, tokens } = bench;
    const realm = new URL(tokens.realm).host;
    const line = `-u me --password-stdin ${host}`;
    const before = await filesIn(bench.home);
    expectError(
      await bench.fails(`login ${line}`, { stdin: CANARY }),
      `registry ${host} wants your login to be sent to ${realm}, which is not known to belong to it`,
      `if you trust ${realm} with it: finch login --trust-realm ${realm} ${host}`,
    );
    expect(tokens.requests).toEqual([]);
    expect(await filesIn(bench.home)).toEqual(before);
    const trusting = `login --trust-realm ${realm} ${line}`;
    await bench.fails(trusting, { stdin: 'wrong' });
    expect(await filesIn(bench.home)).toEqual(before);
    const { stdout, stderr } = await bench.run(trusting, { stdin: CANARY });
    expect(stdout).toBe('Login Succeeded\n');
    expect(stderr).toContain(`from now on ${realm} is trusted with logins for ${host}`);
    const remembered = Bun.file(join(bench.home, 'trusted-realms.json'));
    expect(await remembered.json()).toEqual({ [host]: [realm] });
    await loadImage(bench, host, 1);
    await bench.ok(`push ${host}/app:1`);
    expect((await bench.run(`logout ${host}`)).stderr).toContain(
      `forgot that logins for ${host} go to ${realm}\n`,
    );
    expect(await remembered.json()).toEqual({});
  });

  test('a token server of another name is asked for a token of nobody', async () => {
    await using bench = await tokenBench({ hostname: 'auth.localhost' });
    const { host, tokens } = bench;
    const stderr = await bench.fails(`pull ${host}/app:1`);
    expectError(stderr, /not in the registry|no image|manifest unknown/);
    expect(tokens.requests.map(({ authorization }) => authorization)).toEqual([null]);
  });

  test('a push outlives its tokens, and sends no blob twice that has arrived', async () => {
    await using bench = await tokenBench({ refresh: 'lasting' });
    const { tokens, registry } = bench;
    const { realm, service } = tokens;
    await using guard = startTokenGuard(registry.host, { uses: 3, realm, service });
    await bench.ok(`login -u me --password-stdin ${guard.host}`, { stdin: CANARY });
    await loadImage(bench, guard.host, 8);
    await bench.ok(`push ${guard.host}/app:1`);
    const tokensSeen = new Set(guard.requests.map(({ authorization }) => authorization));
    expect(tokensSeen.size).toBeGreaterThan(5);
    expectEachBlobOnce(guard);
    // The password went to the token server alone, in the one request of the login.
    expect(guard.requests.some((request) => showsPassword(JSON.stringify(request)))).toBe(false);
    const shown = tokens.requests.filter(({ authorization }) => authorization !== null);
    expect(shown.map(({ method, status }) => `${method} ${status}`)).toEqual(['GET 200']);
    await bench.ok('rmi app:1');
    await bench.ok(`pull ${guard.host}/app:1`);
  });
});

/** Each blob is taken once, and where its token ended midway in the same session. */
function expectEachBlobOnce({ requests }: TokenGuard): void {
  const puts = requests.filter(({ line }) => line.startsWith('PUT /v2/app/blobs/uploads/'));
  const taken = puts.filter(({ status }) => status === 201);
  const digestOf = (line: string) => new URLSearchParams(line.split('?')[1]).get('digest');
  expect(taken).toHaveLength(9);
  expect(new Set(taken.map(({ line }) => digestOf(line))).size).toBe(9);
  const ended = puts.filter(({ status }) => status === 401);
  // Who asked how much arrived was given a new state for it.
  const sessionOf = (line: string) => `${line.split('?')[0]} ${digestOf(line)}`;
  const went = taken.map(({ line }) => sessionOf(line));
  for (const { line } of ended) expect(went).toContain(sessionOf(line));
  const sessions = requests.filter(({ line, status }) => line.startsWith('POST') && status === 202);
  expect(sessions).toHaveLength(9);
}
