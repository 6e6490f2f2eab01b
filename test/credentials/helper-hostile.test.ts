import { describe, expect, test } from 'bun:test';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Credential } from '../../src/credentials/credential.ts';
import { helperStore } from '../../src/credentials/helper-store.ts';
import { parseServer } from '../../src/credentials/server-name.ts';
import { FinchError } from '../../src/errors.ts';
import { redactText } from '../../src/http/redact.ts';
import { CANARY } from '../support/canary.ts';
import { writeHelper } from '../support/helper-programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const server = parseServer('ghcr.io');
/** A secret that this process meets only when it is stored. */
const STORED = 'only-stored-Ü5512';
const login: Credential = { kind: 'password', username: 'me', secret: STORED };

/** What all of an error says, to whoever reads it at the highest log level. */
function wholeText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const hint = error instanceof FinchError ? error.hint : '';
  return [error.message, hint, error.stack, wholeText(error.cause ?? '')].join('\n');
}

/** Asks a helper that is the shell script; gives the error and what was traced. */
async function failureOf(
  script: string,
  ask: 'get' | 'store' | 'erase' | 'list' = 'get',
  { timeoutMs = 20_000 }: { readonly timeoutMs?: number } = {},
): Promise<FinchError> {
  await using folder = await temporaryFolder();
  await writeHelper(folder.path, 'bad', script);
  const traced: string[] = [];
  const store = helperStore('bad', {
    env: { PATH: `${folder.path}:${process.env['PATH']}` },
    home: join(folder.path, 'home'),
    trace: (line) => traced.push(line),
    timeoutMs,
  });
  const asked = {
    get: () => store.get(server),
    store: () => store.store(server, login),
    erase: () => store.erase(server),
    list: () => store.list(),
  };
  const error = await asked[ask]().then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FinchError)) throw error;
  expect(error.code).toBe('CREDENTIAL_STORE');
  expect(error.hint).toBeDefined();
  const said = [wholeText(error), ...traced].join('\n');
  expect([CANARY, STORED].filter((secret) => said.includes(secret))).toEqual([]);
  return error;
}

/** A script that answers `get` with a JSON object. */
function answering(answer: object): string {
  return `cat <<'END'\n${JSON.stringify(answer)}\nEND`;
}

describe.skipIf(process.platform === 'win32')('a helper', () => {
  test('that is not there is an error that says where to put it', async () => {
    const store = helperStore('nowhere', { env: { PATH: '/nonexistent' }, home: '/h' });
    await expect(store.get(server)).rejects.toMatchObject({
      code: 'CREDENTIAL_STORE',
      message: 'there is no docker-credential-nowhere on this machine',
      hint: 'put it on PATH or into /h/cred-helpers, or remove it from config.json',
    });
  });

  test('that is a link to nothing is an error that names the link', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'docker-credential-gone');
    await symlink(join(folder.path, 'moved'), path);
    const store = helperStore('gone', { env: { PATH: folder.path }, home: '/h' });
    await expect(store.get(server)).rejects.toMatchObject({
      code: 'CREDENTIAL_STORE',
      message: `${path} is a link that leads to no program`,
      hint: 'install docker-credential-gone again, or remove the link and its name from config.json',
    });
  });

  test.each(['../sh', '/bin/sh', '-x', '', 'a b', 'a;b', 'a\nb', 'x'.repeat(200)])(
    'of the name %j is not looked for',
    async (name) => {
      const store = helperStore(name, { env: process.env, home: '/h' });
      await expect(store.get(server)).rejects.toThrow(/is no name of a credential helper$/);
    },
  );

  test('that is not executable is named with its reason', async () => {
    await using folder = await temporaryFolder();
    const path = await writeHelper(folder.path, 'plain', 'exit 0', { mode: 0o644 });
    const store = helperStore('plain', { env: { PATH: folder.path }, home: '/h' });
    await expect(store.list()).rejects.toMatchObject({
      code: 'CREDENTIAL_STORE',
      message: 'docker-credential-plain cannot be started: permission denied',
      hint: `check it with: ls -lL ${path}`,
    });
  });

  test('that hangs is ended when its time is over', async () => {
    const { message } = await failureOf('exec sleep 100', 'get', { timeoutMs: 300 });
    expect(message).toBe('docker-credential-bad did not end within 0.3 s');
  });

  test('that writes ten gigabytes is ended', async () => {
    for (const where of ['', '>&2']) {
      const { message } = await failureOf(`head -c 10000000000 /dev/zero ${where}`);
      expect(message).toBe('docker-credential-bad wrote more than 1048576 bytes');
    }
  });

  test('that leaves a child with its output behind is not waited for', async () => {
    const answer = { ServerURL: 'ghcr.io', Username: 'a:b', Secret: CANARY };
    const { message } = await failureOf(`sleep 20 & ${answering(answer)}`);
    expect(message).toContain('a user name with a colon');
  });

  test.each([
    ['no JSON', `echo '${CANARY}'`, 'is not JSON'],
    ['half of its JSON', `printf '{"Username":"me","Secret":"%s' '${CANARY}'`, 'is not JSON'],
    ['nothing', 'exit 0', 'is not JSON'],
    ['no object', `echo '["${CANARY}"]'`, 'is not a JSON object'],
    ['bytes that are no text', `printf '\\377'`, 'is not JSON'],
    ['a number for a name', answering({ Username: 1, Secret: CANARY }), 'has a Username that is'],
    ['null for a secret', answering({ Username: 'me', Secret: null }), 'has a Secret that is'],
    [
      'a line feed in the name',
      answering({ Username: `me\nX: y`, Secret: CANARY }),
      'has a control character in the user name or the secret',
    ],
    [
      'an escape character in the secret',
      answering({ Username: 'me', Secret: `${CANARY}\u001b[2J` }),
      'has a control character in the user name or the secret',
    ],
    [
      'a colon in the name',
      answering({ Username: 'me:you', Secret: CANARY }),
      'has a user name with a colon',
    ],
    [
      'half a character',
      `printf '{"Username":"me","Secret":"\\\\ud800"}'`,
      'has a user name or a secret that is no Unicode',
    ],
    [
      'a key twice',
      `printf '{"ServerURL":"ghcr.io","ServerURL":"evil.example","Username":"me","Secret":"x"}'`,
      'is not JSON',
    ],
  ])('that answers with %s is refused', async (_what, script, why) => {
    const { message } = await failureOf(script);
    expect(message).toStartWith(`the answer of docker-credential-bad ${why}`);
  });

  test.each([
    'evil.example',
    'https://evil.example/ghcr.io',
    'ghcr.io:5000',
    'ghcr.io/me',
    '\u001b[2J',
    'ghcr.io@evil.example',
  ])('that answers for %j is refused, and what it said is not shown', async (ServerURL) => {
    const error = await failureOf(answering({ ServerURL, Username: 'me', Secret: CANARY }));
    expect(error.message).toBe(
      'the answer of docker-credential-bad is for another server than ghcr.io',
    );
  });

  test.each([
    ['stdout', `echo 'cannot use "${STORED}"'; exit 1`],
    ['stderr', `echo 'cannot use ${STORED}' >&2; exit 1`],
    ['stdout, in base64', `printf 'me:${STORED}' | base64; exit 1`],
  ])('that fails to store and says the secret on %s does not show it', async (_where, script) => {
    const { message } = await failureOf(script, 'store');
    expect(message).toStartWith('docker-credential-bad failed to store: ');
    expect(message).toContain('REDACTED');
  });

  test.each([
    ['on stderr', `echo 'token ${CANARY}' >&2; exit 1`],
    ['bare on stderr', `echo '${CANARY}' >&2; exit 1`],
    ['as an answer that is not meant', `${answering({ Username: 'me', Secret: CANARY })}\nexit 1`],
    ['as a value', `echo 'password=${CANARY}'; exit 1`],
  ])('that fails to get and says the secret %s does not show it', async (_where, script) => {
    // As in a process that has not met the secret: only what it looks like, or where it stands, tells.
    const unknown = script.replaceAll(CANARY, 'never-seen-9137');
    const { message } = await failureOf(unknown);
    expect(message).toStartWith('docker-credential-bad failed to get: ');
    expect(message).not.toContain('never-seen');
  });

  test('that fails to list is not quoted from stderr', async () => {
    const { message } = await failureOf(`echo 'me never-seen-9137' >&2; exit 1`, 'list');
    expect(message).toBe('docker-credential-bad failed to list: it ended with status 1');
  });

  test('that fails is quoted in one line, without terminal sequences and not at length', async () => {
    const script = `printf '\\033[2J\\033]0;title\\007locked\\r\\nsecond line %05000d' 1; exit 1`;
    const { message } = await failureOf(script, 'list');
    expect(message).toStartWith('docker-credential-bad failed to list: [2J ]0;title locked second');
    expect(message).toMatch(/^[ -~…]{1,400}$/);
  });

  test('that fails without a word is named with its status', async () => {
    expect((await failureOf('exit 7')).message).toBe(
      'docker-credential-bad failed to get: it ended with status 7',
    );
    expect((await failureOf('kill -9 $$')).message).toBe(
      'docker-credential-bad was ended by SIGKILL',
    );
  });

  test.each([
    'echo "credentials not found in native keychain"; exit 1',
    'echo "credentials not found in native keychain" >&2; exit 1',
    `printf '\\n  credentials not found in native keychain\\r\\n'; exit 1`,
    answering({ ServerURL: 'ghcr.io', Username: '', Secret: '' }),
    'echo "{}"',
    'echo null',
  ])('that has no login says so (%#)', async (script) => {
    await using folder = await temporaryFolder();
    await writeHelper(folder.path, 'none', script);
    const env = { PATH: `${folder.path}:${process.env['PATH']}` };
    expect(await helperStore('none', { env, home: '/h' }).get(server)).toBeUndefined();
  });

  test.each(['not implemented', 'store is Not Implemented by ecr-login', 'Add is unimplemented'])(
    'that says %j keeps nothing',
    async (words) => {
      await using folder = await temporaryFolder();
      await writeHelper(folder.path, 'none', `cat > /dev/null; echo '${words}'; exit 1`);
      const env = { PATH: `${folder.path}:${process.env['PATH']}` };
      expect(await helperStore('none', { env, home: '/h' }).store(server, login)).toBe(false);
    },
  );

  test('that is asked when the signal fires is ended', async () => {
    await using folder = await temporaryFolder();
    await writeHelper(folder.path, 'slow', 'exec sleep 100');
    const env = { PATH: `${folder.path}:${process.env['PATH']}` };
    const stop = new AbortController();
    const asked = helperStore('slow', { env, home: '/h' }).get(server, { signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(asked).rejects.toThrow('enough');
  });

  test('that gives a secret makes it one that is hidden from then on', async () => {
    await using folder = await temporaryFolder();
    const secret = 'from-a-helper-8150';
    await writeHelper(folder.path, 'good', answering({ Username: 'me', Secret: secret }));
    const env = { PATH: `${folder.path}:${process.env['PATH']}` };
    await helperStore('good', { env, home: '/h' }).get(server);
    expect(redactText(`it was ${secret}`)).toBe('it was REDACTED');
  });
});
