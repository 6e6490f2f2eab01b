import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import fc from 'fast-check';
import type { App } from '../../src/app.ts';
import type { Credential, IdentityToken, PasswordLogin } from '../../src/credentials/credential.ts';
import { FinchError } from '../../src/errors.ts';
import { CANARY } from '../support/canary.ts';
import { finch, type Surroundings } from './command-line.ts';
import { fakeLogins } from './fake-logins.ts';

const stored: PasswordLogin = { kind: 'password', username: 'me', secret: CANARY };
const token: IdentityToken = { kind: 'identity-token', token: `${CANARY}-1` };
const HOW = 'for another account: finch logout x.io, or finch login --username NAME x.io';

/** A registry that lets in some credentials, and the credentials that it was asked about. */
function gate(accepts: (credential: Credential) => boolean, given?: Credential) {
  const seen: Credential[] = [];
  const checkLogin: App['checkLogin'] = async (_server, credential) => {
    seen.push(credential);
    if (accepts(credential))
      return {
        credential: given ?? credential,
        trusted: [],
        accepted: [],
        realms: [],
        isAsked: true,
      };
    throw new FinchError('UNAUTHENTICATED', 'login to x.io was refused: no', { hint: 'try again' });
  };
  return { seen, checkLogin };
}

/** Answers what is asked in order, and writes down what that was. */
function answers(...texts: readonly string[]) {
  const asked: string[] = [];
  const rest = [...texts];
  const ask: NonNullable<Surroundings['talk']>['ask'] = async (question) => {
    asked.push(question);
    return rest.shift() ?? '';
  };
  return { asked, talk: { ask } };
}

describe('finch login without a name, where there is a login', () => {
  test('tries it, says whose it is and how to use another, and asks nothing', async () => {
    await using place = await finch();
    const logins = fakeLogins({
      found: { credential: stored, place: 'some/config.json', isOwn: true },
    });
    const { checkLogin, seen } = gate(() => true);
    const { asked, talk } = answers();
    const parts = { logins: async () => logins, checkLogin };
    expect(await place.runWith({ talk, parts }, 'login', 'x.io')).toEqual({
      status: 0,
      stdout: 'Login Succeeded\n',
      stderr: `Authenticating with existing credentials... [Username: me]\nthey are in some/config.json; ${HOW}\n`,
    });
    expect({ seen, asked, saved: logins.saved }).toEqual({ seen: [stored], asked: [], saved: [] });
  });

  test('asks when it is refused, and no name means the same', async () => {
    for (const [answer, username] of [
      ['', 'me'],
      ['you', 'you'],
    ] as const) {
      await using place = await finch();
      const logins = fakeLogins({
        found: { credential: stored, place: 'some/config.json', isOwn: true },
      });
      const wanted: PasswordLogin = { kind: 'password', username, secret: `new ${CANARY}` };
      const { checkLogin } = gate((credential) => credential !== stored);
      const { asked, talk } = answers(answer, wanted.secret);
      const parts = { logins: async () => logins, checkLogin };
      const { status, stdout, stderr } = await place.runWith({ talk, parts }, 'login', 'x.io');
      expect([status, stdout]).toEqual([0, 'Login Succeeded\n']);
      expect(stderr.split('\n').slice(2)).toEqual([
        'login to x.io was refused: no',
        'press enter without a name to log in as me',
        '',
      ]);
      expect(asked).toEqual(['Enter Username: ', 'Enter Password: ']);
      expect(logins.saved).toEqual([{ registry: 'x.io', credential: wanted }]);
    }
  });

  test('keeps a token that the registry gives in place of the one that there is', async () => {
    await using place = await finch();
    const logins = fakeLogins({ found: { credential: token, place: 'helper', isOwn: true } });
    const next: IdentityToken = { kind: 'identity-token', token: `${CANARY}-2` };
    const { checkLogin } = gate(() => true, next);
    const parts = { logins: async () => logins, checkLogin };
    const { status, stderr } = await place.runWith({ parts }, 'login', 'x.io');
    expect(status).toBe(0);
    expect(stderr).toStartWith('Authenticating with existing credentials...\n');
    expect(logins.saved).toEqual([{ registry: 'x.io', credential: next }]);
  });

  test('says whose token it is, where that is known', async () => {
    await using place = await finch();
    const credential = { ...token, username: 'alice' };
    const logins = fakeLogins({ found: { credential, place: 'helper', isOwn: true } });
    const parts = { logins: async () => logins, checkLogin: gate(() => true).checkLogin };
    const { stderr } = await place.runWith({ parts }, 'login', 'x.io');
    expect(stderr).toStartWith('Authenticating with existing credentials... [Username: alice]\n');
  });

  test('needs a name when a token without one is refused', async () => {
    await using place = await finch();
    const logins = fakeLogins({ found: { credential: token, place: 'helper', isOwn: true } });
    const { checkLogin } = gate(() => false);
    const parts = { logins: async () => logins, checkLogin };
    const { stderr } = await place.runWith({ ...answers(''), parts }, 'login', 'x.io');
    expect(stderr).toContain('finch: username is required\n');
    expect(stderr).not.toContain('press enter');
  });

  test('is an error, without a question, where it is refused and there is no terminal', async () => {
    await using place = await finch();
    const logins = fakeLogins({
      found: { credential: stored, place: 'some/config.json', isOwn: true },
    });
    const { checkLogin } = gate(() => false);
    const { asked, talk } = answers();
    const parts = { logins: async () => logins, checkLogin };
    const { status, stderr } = await place.runWith({ stdin: '', talk, parts }, 'login', 'x.io');
    expect(status).toBe(1);
    expect(stderr).toContain(
      'finch: cannot ask for the user name: stdin is not a terminal\nhint: name the user with',
    );
    expect({ asked, saved: logins.saved }).toEqual({ asked: [], saved: [] });
  });

  test('does not ask when the registry could not be asked', async () => {
    await using place = await finch();
    const logins = fakeLogins({
      found: { credential: stored, place: 'some/config.json', isOwn: true },
    });
    const checkLogin = async () => {
      throw new FinchError('NETWORK', 'no answer from x.io');
    };
    const { asked, talk } = answers();
    const parts = { logins: async () => logins, checkLogin };
    const { status, stderr } = await place.runWith({ talk, parts }, 'login', 'x.io');
    expect([status, asked]).toEqual([1, []]);
    expect(stderr).toContain('finch: no answer from x.io\n');
  });

  test('does not try it when a name or a password is given', async () => {
    for (const flags of [
      ['-u', 'you'],
      ['-p', 'Wb7-other'],
      ['-u', 'you', '-p', 'Wb7-other'],
    ]) {
      await using place = await finch();
      const logins = fakeLogins({
        found: { credential: stored, place: 'some/config.json', isOwn: true },
      });
      const { checkLogin, seen } = gate(() => true);
      const parts = { logins: async () => logins, checkLogin };
      const { talk } = answers('Wb7-other');
      await place.runWith({ talk, parts }, 'login', ...flags, 'x.io');
      expect(seen).toHaveLength(1);
      expect(seen).not.toContain(stored);
    }
  });

  test('that finch only reads says how to use another, and not how to remove it', async () => {
    await using place = await finch();
    const logins = fakeLogins({ found: { credential: stored, place: 'docker', isOwn: false } });
    const parts = { logins: async () => logins, checkLogin: gate(() => true).checkLogin };
    const { stderr } = await place.runWith({ parts }, 'login', 'x.io');
    expect(stderr).toContain(
      'they are in docker; for another account: finch login --username NAME',
    );
  });
});

describe('finch login says where the login went', () => {
  const argv = ['login', '-u', 'me', '--password-stdin', 'https://X.io/v2/'];
  const cases = [
    ['helper', ''],
    ['managed', 'credentials for x.io are managed by docker-credential-test; not stored\n'],
    [
      'file',
      'warning: the password is kept unencrypted in docker-credential-test; a credential helper keeps it safe, see https://runfinch.com/docs/container-images/authentication/\n',
    ],
  ] as const;
  test.each(cases)('when that is kind %j', async (kind, stderr) => {
    await using place = await finch();
    const logins = fakeLogins({ kind });
    const parts = { logins: async () => logins, checkLogin: gate(() => true).checkLogin };
    expect(await place.runWith({ stdin: CANARY, parts }, ...argv)).toEqual({
      ...{ status: 0, stdout: 'Login Succeeded\n', stderr },
    });
    expect(logins.saved).toEqual([{ registry: 'x.io', credential: stored }]);
  });

  test('and keeps the token that the registry gave for the password', async () => {
    await using place = await finch();
    const logins = fakeLogins({ kind: 'file' });
    const parts = { logins: async () => logins, checkLogin: gate(() => true, token).checkLogin };
    const { stderr } = await place.runWith({ stdin: CANARY, parts }, ...argv);
    expect(stderr).toStartWith('warning: the token is kept unencrypted in ');
    expect(logins.saved).toEqual([{ registry: 'x.io', credential: token }]);
  });
});

test('finch login takes from stdin exactly what is there but one line end, or refuses it', async () => {
  await using place = await finch();
  const seen: Credential[] = [];
  const checkLogin: App['checkLogin'] = async (_server, credential) => {
    seen.push(credential);
    return { credential, trusted: [], accepted: [], realms: [], isAsked: true };
  };
  const parts = { logins: async () => fakeLogins(), checkLogin };
  const argv = ['login', '-u', 'me', '--password-stdin', 'x.io'];
  const talk = { note: () => {} };
  // Nothing that could be a word of a message: a secret stays hidden for the other tests of the process.
  const text = fc
    .oneof(fc.string({ unit: 'binary' }), fc.string())
    .map((random) => (/\w/.test(random) ? `${random[0]}☃${random}` : random));
  await fc.assert(
    fc.asyncProperty(text, fc.constantFrom('', '\n', '\r\n', '\n\n'), async (secret, end) => {
      const { status, stdout } = await place.runWith({ stdin: secret + end, parts, talk }, ...argv);
      const sent = seen.pop();
      const wanted = (secret + end)
        .toWellFormed()
        .replace(/^\ufeff/, '')
        .replace(/\r?\n$/, '');
      const isGood = wanted !== '' && !/^[\r\n]|[\r\n]$|[^\P{Cc}\t\r\n]/u.test(wanted);
      expect([status, stdout]).toEqual(isGood ? [0, 'Login Succeeded\n'] : [1, '']);
      expect(sent).toEqual(isGood ? { ...stored, secret: wanted } : undefined);
    }),
    { numRuns: 50 },
  );
});

test('finch login says when the registry has not looked at the login', async () => {
  await using place = await finch();
  const checkLogin: App['checkLogin'] = async (_server, credential) => {
    return { credential, trusted: [], accepted: [], realms: [], isAsked: false };
  };
  const parts = { logins: async () => fakeLogins(), checkLogin };
  const argv = ['login', '-u', 'me', '--password-stdin', 'x.io'];
  expect(await place.runWith({ stdin: CANARY, parts }, ...argv)).toEqual({
    status: 0,
    stdout: 'Login Succeeded\n',
    stderr: 'x.io asks for no login; the user name and password were not checked\n',
  });
});

test('finch logout names the logins that it only reads, and the command that removes them', async () => {
  await using place = await finch();
  const [docker, podman] = ['/home/me/.docker/config.json', '/run/containers/0/auth.json'] as const;
  const own = join(place.home, 'config.json');
  const remaining = [
    { key: 'x.io', place: 'docker-credential-ecr-login', file: own },
    { key: 'x.io', place: docker, file: docker },
    { key: 'x.io', place: 'docker-credential-pass', file: docker },
    { key: 'x.io', place: podman, file: podman },
    { key: 'x.io/part', place: own, file: own },
  ];
  const parts = { logins: async () => fakeLogins({ remaining }) };
  expect(await place.runWith({ parts }, 'logout', 'x.io')).toEqual({
    status: 0,
    stdout: '',
    stderr: [
      'docker-credential-ecr-login makes credentials for x.io itself, and still does',
      `a login for x.io remains in ${docker}; remove it with: docker logout x.io`,
      'a login for x.io remains in docker-credential-pass; remove it with: docker logout x.io',
      `a login for x.io remains in ${podman}; remove it with: podman logout x.io`,
      `a login for x.io/part remains in ${own}; remove it with: finch logout x.io/part`,
      '',
    ].join('\n'),
  });
});
