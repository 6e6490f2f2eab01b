import { describe, expect, test } from 'bun:test';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CANARY } from '../support/canary.ts';
import { startFakeRegistry } from '../support/fake-registry.ts';
import { expectError } from './support/expectations.ts';
import { filesIn } from './support/home-contents.ts';
import { finchWith, mayInject } from './support/injected.ts';
import { areHere } from './support/program.ts';
import { secureBench, USER, workbench } from './support/workbench.ts';

const auth = Buffer.from(`me:${CANARY}`).toString('base64');

/** What the files in a folder hold, as one text. */
async function textIn(folder: string): Promise<string> {
  const files = (await readdir(folder, { withFileTypes: true })).filter((one) => one.isFile());
  return (
    await Promise.all(files.map(({ name }) => readFile(join(folder, name), 'latin1')))
  ).join();
}

describe.skipIf(!mayInject())('finch login', () => {
  test('that is killed leaves a password that the next pull takes away', async () => {
    await using bench = await workbench();
    let asks = false;
    const challenge = { 'www-authenticate': 'Basic realm=x' };
    await using registry = startFakeRegistry({
      script: () => (asks ? new Response(null, { status: 401, headers: challenge }) : undefined),
    });
    const login = ['login', '-u', 'me', '-p', CANARY, registry.host];
    await finchWith(['rename,renameat,renameat2:error=EIO:signal=KILL'], login, bench).catch(
      () => undefined,
    );
    expect((await textIn(bench.home)).includes(auth)).toBe(true);
    asks = true;
    await bench.run(`pull ${registry.host}/app`);
    expect((await textIn(bench.home)).includes(auth)).toBe(false);
  });

  test('succeeds when the new file is there, and only its folder is not known to be on disk', async () => {
    await using bench = await workbench();
    await using registry = startFakeRegistry();
    const login = ['login', '-u', 'me', '-p', CANARY, registry.host];
    const { exitCode, stdout } = await finchWith(['fsync:error=EIO:when=2+'], login, bench);
    expect([exitCode, stdout]).toEqual([0, 'Login Succeeded\n']);
    expect((await textIn(bench.home)).includes(auth)).toBe(true);
  });
});

/**
 * Logs in where that cannot succeed, in a home that has a login for another server. Checks what is
 * said, that the password is no part of it, and that no file has changed.
 */
async function refused(
  login: string,
  { message, hint, stdin = CANARY }: { message: RegExp; hint: RegExp; stdin?: string },
): Promise<void> {
  await using bench = await workbench();
  const path = join(bench.home, 'config.json');
  await writeFile(path, '{"auths" :{"other.example":{"auth":"YTpi"}},\n\n   "x":1e400}');
  const state = async () => [await filesIn(bench.home), (await stat(path)).mtimeMs];
  const before = await state();
  const stderr = await bench.fails(`login ${login}`, { stdin });
  expectError(stderr, message, hint);
  expect(stderr.includes(stdin)).toBe(false);
  expect(await state()).toEqual(before);
}

describe('finch login leaves every file as it is', () => {
  const me = '-u me --password-stdin';

  test('where nobody answers', async () => {
    using server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
    const host = `127.0.0.1:${server.port}`;
    server.stop(true);
    await refused(`${me} ${host}`, { message: new RegExp(`${host}`), hint: /./ });
  });

  test('where something else than a registry answers', async () => {
    for (const answer of [
      () => new Response('<h1>not found</h1>', { status: 404 }),
      () => new Response('<h1>sign in</h1>', { status: 203 }),
      () => new Response('\x1b[2J', { status: 400 }),
    ]) {
      await using registry = startFakeRegistry({ script: answer });
      await refused(`${me} ${registry.host}`, { message: new RegExp(registry.host), hint: /./ });
    }
  });

  test('where a registry says 403, and does not ask who we are', async () => {
    await using registry = startFakeRegistry({ script: () => new Response(null, { status: 403 }) });
    await refused(`${me} ${registry.host}`, {
      message: /asks for no login, and refuses without one: 403 Forbidden$/,
      hint: /ask who runs the registry/,
    });
  });

  test('where a registry sends the password back', async () => {
    const echo = () =>
      Response.json(
        { errors: [{ code: 'DENIED', message: `no ${CANARY}` }] },
        { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } },
      );
    await using registry = startFakeRegistry({ script: echo });
    await refused(`${me} ${registry.host}`, { message: /was refused/, hint: /./ });
  });

  test.each([
    ['-u me --password-stdin', ''],
    ['-u me --password-stdin', '\n'],
    ['-u me --password-stdin', `${CANARY}\n\n`],
    ['-u me --password-stdin', `a\u0000${CANARY}`],
    ['--password-stdin', CANARY],
    ['-u me', CANARY],
    ['', CANARY],
  ])('with %j and stdin that does not fit', async (flags, stdin) => {
    await using bench = await workbench();
    const line = `login ${flags} registry.invalid`.split(/ +/);
    const stderr = await bench.fails(line, { stdin });
    expectError(stderr, /^finch: /, /./);
    expect(stderr.includes(CANARY)).toBe(false);
    expect(await filesIn(bench.home)).toEqual({});
  });

  test.skipIf(!areHere('docker-registry', 'openssl'))(
    'where the certificate is of an authority that nobody knows, unless the user says so',
    async () => {
      await using bench = await secureBench();
      const { host } = bench.registry;
      const login = `-u ${USER.name} --password-stdin ${host}`;
      await refused(login, { message: /certificate/, hint: /./ });
      await bench.ok(`login --insecure-registry ${login}`, {
        ...{ stdin: USER.password, env: { SSL_CERT_FILE: '' } },
      });
    },
  );
});
