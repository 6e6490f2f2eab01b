import { describe, expect, test } from 'bun:test';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FinchError } from '../../src/errors.ts';
import { CANARY } from '../support/canary.ts';
import { registryErrorBody, type Script, startFakeRegistry } from '../support/fake-registry.ts';
import { buildImage } from '../support/images.ts';
import { type Finch, finch, type Surroundings } from './command-line.ts';

/** With characters that stand between user names and passwords, and in flags. */
const PASSWORD = `${CANARY}:-=`;

/** Lets in only the user `me` with {@link PASSWORD}. */
const guarded: Script = ({ headers }) => {
  const wanted = `Basic ${Buffer.from(`me:${PASSWORD}`).toString('base64')}`;
  if (headers.get('authorization') === wanted) return undefined;
  const refusal = registryErrorBody(401, 'UNAUTHORIZED', 'who are you');
  refusal.headers.set('www-authenticate', 'Basic realm="test"');
  return refusal;
};

async function config({ home }: Finch): Promise<unknown> {
  const file = Bun.file(join(home, 'config.json'));
  return (await file.exists()) ? file.json() : undefined;
}

/** Answers what is asked in order, and writes down what that was. */
function answers(...texts: readonly string[]) {
  const asked: string[] = [];
  const rest = [...texts];
  const ask: NonNullable<Surroundings['talk']>['ask'] = async (question, { secret }) => {
    asked.push(`${question}${secret ? '(secret)' : ''}`);
    return rest.shift() ?? '';
  };
  return { asked, talk: { ask } };
}

describe('finch login', () => {
  test('keeps a login that the registry accepts, and push uses it', async () => {
    await using registry = startFakeRegistry({ script: guarded });
    await using place = await finch();
    const name = `${registry.host}/app:1`;
    await place.load(buildImage(), name);
    expect((await place.run('push', '-q', name)).stderr).toContain(
      `hint: log in with: finch login ${registry.host}`,
    );
    const outcome = await place.runWith(
      { stdin: `${PASSWORD}\n` },
      ...['login', '--username', 'me', '--password-stdin', registry.host],
    );
    expect(outcome).toMatchObject({ status: 0, stdout: 'Login Succeeded\n' });
    expect(outcome.stderr).toContain('kept unencrypted');
    expect(await place.stdout('push', '-q', name)).toBe(`${name}\n`);
    expect(registry.manifests.has('app:1')).toBe(true);
    const { mode } = await stat(join(place.home, 'config.json'));
    expect(mode & 0o777).toBe(0o600);
  });

  test('takes the password from -p with a warning, also one that begins with a hyphen', async () => {
    await using registry = startFakeRegistry({
      script: ({ headers }) =>
        headers.get('authorization') === `Basic ${btoa('me:-p=1')}`
          ? undefined
          : guarded(new Request('http://x'), new URL('http://x')),
    });
    for (const flags of [
      ['-p', '-p=1'],
      ['--password', '-p=1'],
      ['--password=-p=1'],
      ['-p-p=1'],
      ['-p=-p=1'],
    ]) {
      await using place = await finch();
      const { status, stderr } = await place.run('login', '-u', 'me', ...flags, registry.host);
      expect([flags, status]).toEqual([flags, 0]);
      expect(stderr).toStartWith(
        'warning: --password can be seen by others; use --password-stdin\n',
      );
    }
  });

  test('asks for what is not given, the password without echo', async () => {
    await using registry = startFakeRegistry({ script: guarded });
    await using place = await finch();
    const { asked, talk } = answers('me', PASSWORD);
    expect((await place.runWith({ talk }, 'login', registry.host)).stdout).toBe(
      'Login Succeeded\n',
    );
    expect(asked).toEqual(['Enter Username: ', 'Enter Password: (secret)']);
    const second = answers(PASSWORD);
    await place.runWith({ talk: second.talk }, 'login', '-ume', registry.host);
    expect(second.asked).toEqual(['Enter Password: (secret)']);
  });

  test('keeps nothing when the registry refuses', async () => {
    await using registry = startFakeRegistry({ script: guarded });
    await using place = await finch();
    const { status, stdout, stderr } = await place.runWith(
      { stdin: 'wrong' },
      ...['login', '-u', 'me', '--password-stdin', registry.host],
    );
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toStartWith(`finch: login to ${registry.host} was refused: `);
    expect(stderr).toContain(`hint: check the user name and the password`);
    expect(stderr).not.toContain('wrong');
    expect(await config(place)).toBeUndefined();
  });

  test('replaces a login, and keeps other keys and other servers', async () => {
    await using registry = startFakeRegistry();
    await using place = await finch();
    const before = { credHelpers: { 'x.io': 'y' }, auths: { 'ghcr.io': { auth: 'YTpi' } } };
    await Bun.write(join(place.home, 'config.json'), JSON.stringify(before));
    for (const password of ['one', 'two']) {
      await place.runWith(
        { stdin: password },
        'login',
        '-u',
        'me',
        '--password-stdin',
        registry.host,
      );
    }
    expect(await config(place)).toEqual({
      ...before,
      auths: { ...before.auths, [registry.host]: { auth: btoa('me:two') } },
    });
  });

  test.each([
    [['login', '--password-stdin', 'x.io'], 'must provide --username with --password-stdin'],
    [
      ['login', '-u', 'a', '-p', 'b', '--password-stdin', 'x.io'],
      '--password and --password-stdin are mutually exclusive',
    ],
    [['login', '-u', 'a:b', '-p', 'c', 'x.io'], 'username cannot contain colons'],
    [['login', '-u', 'a\nb', '-p', 'c', 'x.io'], 'username cannot contain control characters'],
    [['login', '-u', '<token>', '-p', 'c', 'x.io'], '"<token>" is no user name'],
    [['login', '-u', '', '-p', 'c', 'x.io'], 'username is required'],
    [['login', '-u', 'a', '-p', '', 'x.io'], 'password is required'],
    [
      ['login', '-u', 'a', '-p', 'b\x07c', 'x.io'],
      'the password holds a line break or other control',
    ],
    [['login', '-u', 'a', '--password-stdin', 'x.io'], 'password is required'],
    [['login', '-u', 'a', 'x.io'], 'cannot ask for the password: stdin is not a terminal'],
    [['login', '-p', 'a', 'x.io'], 'cannot ask for the user name: stdin is not a terminal'],
    [['login', 'x.io'], 'cannot ask for the user name: stdin is not a terminal'],
    [
      ['login', '--trust-realm', 'evil.io:8444/x', '-u', 'a', '-p', 'b', 'x.io'],
      '"evil.io:8444/x" is no host of a token server',
    ],
    [['login', '-u', 'a', '-p', 'b', 'ftp://x.io'], '"ftp://x.io" names no registry'],
    [['login', 'a', 'b'], '"finch login" accepts at most 1 argument'],
    [['login', '-u'], 'flag --username needs a value'],
  ])('refuses %j', async (argv, message) => {
    await using place = await finch();
    const { status, stdout, stderr } = await place.runWith({ stdin: '' }, ...argv);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain(`finch: ${message}`);
    expect(stderr).toMatch(/^hint: /m);
    expect(await config(place)).toBeUndefined();
  });

  test('takes one line end, and no more, from what stands on stdin', async () => {
    await using registry = startFakeRegistry({ script: guarded });
    const login = ['login', '-u', 'me', '--password-stdin', registry.host];
    for (const stdin of [PASSWORD, `${PASSWORD}\n`, `${PASSWORD}\r\n`, `\ufeff${PASSWORD}\r\n`]) {
      await using place = await finch();
      const { status } = await place.runWith({ stdin }, ...login);
      expect([stdin, status]).toEqual([stdin, 0]);
    }
    for (const stdin of [
      `${PASSWORD}\n\n`,
      `${PASSWORD}\r`,
      `\n${PASSWORD}`,
      `${CANARY}\0`,
      '\x1b[A',
    ]) {
      await using place = await finch();
      const { status, stderr } = await place.runWith({ stdin }, ...login);
      expect([stdin, status]).toEqual([stdin, 1]);
      expect(stderr).toStartWith(
        'finch: the password holds a line break or other control character',
      );
    }
    expect(registry.requests).toHaveLength(8);
  });

  test.each([
    ['\n', 'password is required'],
    ['x'.repeat(65_537), 'what stdin holds is too long for a password'],
    [Uint8Array.of(0xff, 0xfe, 0x61, 0), 'what stdin holds is not UTF-8 text'],
  ])('refuses stdin that is no password', async (stdin, message) => {
    await using place = await finch();
    const argv = ['login', '-u', 'a', '--password-stdin', 'x.io'];
    const { status, stderr } = await place.runWith({ stdin }, ...argv);
    expect([status, stderr.split('\n')[0]]).toEqual([1, `finch: ${message}`]);
  });

  test('does not wait for a password on a terminal that would show it', async () => {
    await using place = await finch();
    const { status, stderr } = await place.run('login', '-u', 'a', '--password-stdin', 'x.io');
    expect(status).toBe(1);
    expect(stderr).toBe(
      'finch: there is no password on stdin: it is a terminal\nhint: leave out --password-stdin to be asked for the password\n',
    );
  });

  test.each([
    ['me:you', 'x', 'username cannot contain colons'],
    [' ', 'x', 'username is required'],
    ['me', '', 'password is required'],
    ['me', 'a\x07b', 'the password holds a line break or other control character'],
  ])('refuses the answers %j and %j', async (username, password, message) => {
    await using place = await finch();
    const { talk } = answers(username, password);
    const { status, stderr } = await place.runWith({ talk }, 'login', 'x.io');
    expect([status, stderr.split('\n')[0]]).toEqual([1, `finch: ${message}`]);
  });

  test('ends with status 130 when the question is interrupted', async () => {
    await using place = await finch();
    const ask = async () => {
      throw new FinchError('CANCELLED', 'interrupted');
    };
    expect((await place.runWith({ talk: { ask } }, 'login', 'x.io')).status).toBe(130);
  });
});

describe('finch logout', () => {
  test('forgets a login, says so on stderr, and may be repeated', async () => {
    await using registry = startFakeRegistry();
    await using place = await finch();
    await place.runWith({ stdin: 'x' }, 'login', '-u', 'me', '--password-stdin', registry.host);
    expect(await place.run('logout', registry.host)).toEqual({
      ...{
        status: 0,
        stdout: '',
        stderr: `removed the login for ${registry.host} from ${join(place.home, 'config.json')}\n`,
      },
    });
    expect(await config(place)).toEqual({ auths: {} });
    expect(await place.run('logout', `https://${registry.host}/`)).toEqual({
      ...{ status: 0, stdout: '', stderr: `there was no login for ${registry.host}\n` },
    });
  });

  test('without a server is about Docker Hub', async () => {
    await using place = await finch();
    expect((await place.run('logout')).stderr).toBe('there was no login for docker.io\n');
  });
});
