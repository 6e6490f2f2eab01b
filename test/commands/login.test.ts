import { describe, expect, test } from 'bun:test';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FinchError } from '../../src/errors.ts';
import { registryErrorBody, type Script, startFakeRegistry } from '../support/fake-registry.ts';
import { buildImage } from '../support/images.ts';
import { type Finch, finch, type Surroundings } from './command-line.ts';

/** Lets in only the user `me` with the password `s3cret:-=`. */
const guarded: Script = ({ headers }) => {
  const wanted = `Basic ${btoa('me:s3cret:-=')}`;
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
      { stdin: 's3cret:-=\n' },
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
    const { asked, talk } = answers('me', 's3cret:-=');
    expect((await place.runWith({ talk }, 'login', registry.host)).stdout).toBe(
      'Login Succeeded\n',
    );
    expect(asked).toEqual(['Enter Username: ', 'Enter Password: (secret)']);
    const second = answers('s3cret:-=');
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
    [['login', '-u', '', '-p', 'c', 'x.io'], 'username is required'],
    [['login', '-u', 'a', '--password-stdin', 'x.io'], 'password is required'],
    [['login', '-u', 'a', '-p', 'b', 'ftp://x.io'], '"ftp://x.io" names no registry'],
    [['login', 'a', 'b'], '"finch login" accepts at most 1 argument'],
    [['login', '-u'], 'flag --username needs a value'],
  ])('refuses %j', async (argv, message) => {
    await using place = await finch();
    const { status, stdout, stderr } = await place.runWith({ stdin: '' }, ...argv);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain(`finch: ${message}`);
    expect(await config(place)).toBeUndefined();
  });

  test('refuses a password of more than 64 KiB', async () => {
    await using place = await finch();
    const stdin = 'x'.repeat(65_537);
    const argv = ['login', '-u', 'a', '--password-stdin', 'x.io'];
    expect((await place.runWith({ stdin }, ...argv)).stderr).toStartWith(
      'finch: what stdin holds is too long for a password',
    );
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
      ...{ status: 0, stdout: '', stderr: `removed the login for ${registry.host}\n` },
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
