import { describe, expect, test } from 'bun:test';
import { readdir, readFile, stat } from 'node:fs/promises';
import { printable } from '../../src/text.ts';
import { CANARY } from '../support/canary.ts';
import {
  type FakeRegistry,
  registryErrorBody,
  startFakeRegistry,
} from '../support/fake-registry.ts';
import { expectError } from './support/expectations.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { filesIn } from './support/home-contents.ts';
import { workbench } from './support/workbench.ts';

/** All that a careless server may make of a login: as it came, decoded, and in several spellings. */
function echoesOf(login: string): string {
  const encoded = Buffer.from(login).toString('base64');
  const secret = login.slice(login.indexOf(':') + 1);
  return [
    ...[encoded, login, secret, encodeURIComponent(secret), encodeURIComponent(encoded)],
    ...[JSON.stringify(login), Buffer.from(secret).toString('base64url'), `\x1b[2J${secret}\u202e`],
  ].join(' ');
}

/** A registry that refuses every login and tells all that it was sent. */
function tactless(): FakeRegistry {
  const registry: FakeRegistry = startFakeRegistry({
    script: ({ headers }, { pathname, search }) => {
      const login = headers.get('authorization')?.replace(/^Basic /, '');
      if (login === undefined && pathname !== '/token') {
        const realm = `${registry.origin}/token?password=${encodeURIComponent(CANARY)}`;
        const challenge = `Bearer realm="${realm}",service="s"`;
        return new Response(null, { status: 401, headers: { 'www-authenticate': challenge } });
      }
      const echo = echoesOf(Buffer.from(login ?? '', 'base64').toString());
      return registryErrorBody(401, 'UNAUTHORIZED', `no: ${echo} ${search}`);
    },
  });
  return registry;
}

/** Fails when a text has a password of the tests in it, without telling it. */
function expectSafe(text: string): void {
  const spellings = [
    ...[CANARY, encodeURIComponent(CANARY), JSON.stringify(CANARY).slice(1, -1)],
    ...[CANARY.slice(0, 9), Buffer.from(CANARY).toString('base64').slice(0, -4)],
    ...[`me:${CANARY}`, `:${CANARY}`].map((login) => Buffer.from(login).toString('base64')),
  ];
  expect(spellings.some((secret) => text.includes(secret))).toBe(false);
  expect(text.split('\n').filter((line) => line !== printable(line))).toEqual([]);
}

describe('--debug', () => {
  test.each([[['--debug', 'login']], [['login', '--debug']]])(
    'tells of each request, and never a password that the registry repeats: %s %s',
    async (words) => {
      await using bench = await workbench();
      await using registry = tactless();
      const before = await filesIn(bench.home);
      const line = [...words, '-u', 'me', '--password-stdin', registry.host];
      const stderr = await bench.fails(line, { stdin: `${CANARY}\n` });
      expectError(stderr, /^finch: /, /^hint: /);
      expectSafe(stderr);
      expect(stderr).toMatch(/^debug: finch [\d.]+: login$/m);
      expect(stderr).toMatch(
        /^debug: GET http:\/\/127\.0\.0\.1:\d+\/v2\/ -> 401, .*asks for bearer/m,
      );
      expect(stderr).toMatch(/^debug: GET .*\/token\?password=REDACTED&service=s.* -> 401, /m);
      expect(await filesIn(bench.home)).toEqual(before);
    },
  );

  test('tells no value of a flag', async () => {
    await using bench = await workbench();
    await using registry = tactless();
    const stderr = await bench.fails(['--debug', 'login', '-u', 'me', '-p', CANARY, registry.host]);
    expectSafe(stderr);
  });

  test('is off without it, also by FINCH_DEBUG=0', async () => {
    await using bench = await workbench();
    for (const env of [{}, { FINCH_DEBUG: '' }, { FINCH_DEBUG: '0' }]) {
      const stderr = await bench.fails('pull 127.0.0.1:1/app', { env });
      expect(stderr).not.toMatch(/debug: |caused by/);
    }
  });
});

describe('FINCH_DEBUG', () => {
  test('shows the same as --debug', async () => {
    await using bench = await workbench();
    const stderr = await bench.fails('pull 127.0.0.1:1/app', { env: { FINCH_DEBUG: '1' } });
    expect(stderr).toMatch(/^debug: finch [\d.]+: pull\ndebug: HEAD http:/);
    expect(stderr).toContain('\ncaused by: ');
  });

  test('that is a path collects in that file, for the user alone, and leaves stderr as it is', async () => {
    await using bench = await workbench();
    await using registry = tactless();
    const log = bench.path('debug.log');
    const env = { FINCH_DEBUG: log };
    const login = ['login', '-u', 'me', '--password-stdin', registry.host];
    const plain = await bench.fails(login, { stdin: CANARY });
    expect(await bench.fails(login, { stdin: CANARY, env })).toBe(plain);
    await bench.fails('pull 127.0.0.1:1/app', { env });
    const text = await readFile(log, 'utf8');
    expectSafe(text.replaceAll('\n', ''));
    expect(text).toMatch(/^\d{4}-\S+Z \d+ debug: finch [\d.]+: login\n/);
    expect(text).toMatch(/ debug: finch [\d.]+: pull\n/);
    expect(text).toContain(' caused by: ');
    if (process.platform !== 'win32') expect((await stat(log)).mode & 0o777).toBe(0o600);
  });

  test('that names a file which cannot be written fails no command', async () => {
    await using bench = await workbench();
    const pipe = bench.path('pipe');
    if (process.platform !== 'win32') Bun.spawnSync(['mkfifo', pipe]);
    for (const path of [bench.path('no/such/folder/log'), bench.folder, pipe]) {
      expect(await bench.ok('images -q', { env: { FINCH_DEBUG: path } })).toBe('');
    }
  });
});

test.skipIf(process.platform !== 'linux')(
  'finch that knows a password leaves no core file when it crashes',
  async () => {
    await using bench = await workbench();
    const { registry, asked } = silentRegistry();
    await using _ = registry;
    const child = Bun.spawn(
      [
        ...['sh', '-c', 'ulimit -c unlimited; exec "$0" login -u me --password-stdin "$1"'],
        ...[finchBinary, registry.host],
      ],
      {
        ...{
          env: finchEnvironment(bench.home),
          cwd: bench.folder,
          stdout: 'ignore',
          stderr: 'pipe',
        },
        stdin: new TextEncoder().encode(CANARY),
      },
    );
    await asked;
    const limits = await readFile(`/proc/${child.pid}/limits`, 'utf8');
    child.kill('SIGABRT');
    const stderr = await child.stderr.text();
    await child.exited;
    expect(limits).toMatch(/^Max core file size +0 +0 /m);
    expect(stderr.includes(CANARY)).toBe(false);
    expect((await readdir(bench.folder)).filter((name) => !name.startsWith('home-'))).toEqual([]);
  },
);

/** A registry that takes requests and never answers; `asked` is fulfilled with the first. */
function silentRegistry() {
  const asked = Promise.withResolvers<void>();
  const registry = startFakeRegistry({
    script: async ({ signal }) => {
      asked.resolve();
      await new Promise((gone) => signal.addEventListener('abort', gone));
      return undefined;
    },
  });
  return { registry, asked: asked.promise };
}

test.skipIf(process.platform === 'win32').each([
  ['SIGSEGV', ['-p', CANARY]],
  ['SIGBUS', [`-p${CANARY}`]],
  ['SIGILL', [`--password=${CANARY}`]],
  ['SIGFPE', ['--password', CANARY]],
  ['SIGABRT', ['-p', CANARY]],
  ['SIGTRAP', ['-p', CANARY]],
] as const)(
  'finch with a password among its arguments says nothing when %s ends it',
  async (name, flags) => {
    await using bench = await workbench();
    const { registry, asked } = silentRegistry();
    await using _ = registry;
    const child = Bun.spawn([finchBinary, 'login', '-u', 'me', ...flags, registry.host], {
      ...{ env: finchEnvironment(bench.home), cwd: bench.folder },
      ...{ stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
    });
    await asked;
    child.kill(name);
    const said = `${await child.stdout.text()}${await child.stderr.text()}`;
    await child.exited;
    expect([child.signalCode, said.includes(CANARY)]).toEqual([name, false]);
    expect(said.replaceAll(CANARY, '')).not.toContain('Args');
  },
);
