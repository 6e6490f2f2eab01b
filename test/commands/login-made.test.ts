import { expect, test } from 'bun:test';
import type { App } from '../../src/app.ts';
import type { Credential, PasswordLogin } from '../../src/credentials/credential.ts';
import type { FoundLogin, Logins } from '../../src/credentials/logins.ts';
import { FinchError } from '../../src/errors.ts';
import { CANARY } from '../support/canary.ts';
import { finch } from './command-line.ts';
import { fakeLogins } from './fake-logins.ts';

const HOST = '111222333444.dkr.ecr.eu-west-1.amazonaws.com';
const WHO = 'Authenticating with AWS credentials (profile dev)...\n';
const TOKEN = `log in with a token: finch login --username AWS --password-stdin ${HOST}`;

function made(number: number): FoundLogin {
  const secret = `${CANARY}-${number}`;
  const credential = {
    kind: 'password',
    username: 'AWS',
    secret,
    expires: new Date(8e12),
  } as const;
  return { credential, place: 'AWS credentials (profile dev)', isOwn: false, isMade: true };
}

const kept: PasswordLogin = { kind: 'password', username: 'me', secret: CANARY };

/** Logins that are kept, of which the first is found; one is made behind them. */
function withKept(kept: readonly FoundLogin[]): Logins {
  const left = [...kept];
  const find = async () => left[0] ?? made(1);
  const forgetFound: Logins['forgetFound'] = async ({ registry }) =>
    left[0]?.isOwn && left.shift() ? [registry] : [];
  return { ...fakeLogins({ made: made(1) }), find, forgetFound };
}

/** A registry that lets in some, and whom it was asked about. */
function gate(isGood: (credential: Credential) => boolean) {
  const seen: Credential[] = [];
  const checkLogin: App['checkLogin'] = async (_, credential) => {
    seen.push(credential);
    if (isGood(credential)) {
      return { credential, trusted: [], accepted: [], realms: [], isAsked: true };
    }
    throw new FinchError('UNAUTHENTICATED', 'login was refused: no', { hint: 'try again' });
  };
  return { seen, checkLogin };
}

async function login(logins: Logins, { checkLogin }: ReturnType<typeof gate>, stdin?: string) {
  await using place = await finch();
  const parts = { logins: async () => logins, checkLogin };
  const ask = () => Promise.reject(new Error('nobody is to be asked'));
  const around = stdin === undefined ? {} : { stdin };
  return place.runWith({ ...around, talk: { ask }, parts }, 'login', HOST);
}

test('finch login without a name uses a login that is made, says from what, and keeps nothing', async () => {
  const logins = fakeLogins({ found: made(1) });
  const { seen, ...registry } = gate(() => true);
  expect(await login(logins, { seen, ...registry })).toEqual({
    ...{ status: 0, stdout: 'Login Succeeded\n', stderr: WHO },
  });
  expect([seen, logins.saved]).toEqual([[made(1).credential], []]);
});

test('finch login makes another where the one that was remembered is refused, once', async () => {
  for (const [isGood, status] of [
    [({ kind, ...rest }: Credential) => 'secret' in rest && rest.secret === `${CANARY}-2`, 0],
    [() => false, 1],
  ] as const) {
    const logins = fakeLogins({ found: made(1), made: made(2) });
    const registry = gate(isGood);
    const outcome = await login(logins, registry);
    expect([outcome.status, outcome.stderr.startsWith(WHO)]).toEqual([status, true]);
    expect(registry.seen).toEqual([made(1).credential, made(2).credential]);
    if (status === 1)
      expect(outcome.stderr).toContain('hint: see whose keys these are with: finch ecr whoami');
    expect(logins.saved).toEqual([]);
  }
});

test('finch login uses a login that is made after one that is kept and refused', async () => {
  const found = { credential: kept, place: 'some/config.json', isOwn: true };
  const logins = withKept([found]);
  const { status, stdout, stderr } = await login(
    logins,
    gate((credential) => credential !== kept),
  );
  expect([status, stdout]).toEqual([0, 'Login Succeeded\n']);
  expect(stderr).toStartWith('Authenticating with existing credentials... [Username: me]\n');
  expect(stderr).toEndWith(
    `login was refused: no\n${WHO}removed the login for ${HOST} from some/config.json: it was refused\n`,
  );
});

test('finch login removes what is refused, in its places one after the other, and says what stays', async () => {
  const own = { credential: kept, place: 'some/config.json', isOwn: true };
  const docker = { credential: kept, place: '.docker/config.json', isOwn: false };
  const good = { credential: { ...kept, username: 'good' }, place: 'some/helper', isOwn: true };
  const broken: Logins['forgetFound'] = async () => {
    throw new FinchError('CREDENTIAL_STORE', 'the helper is locked');
  };
  const gone = `removed the login for ${HOST} from some/config.json: it was refused\n`;
  const still = (place: string) => `the login in ${place} is still tried first; remove it with:`;
  for (const [logins, said] of [
    [
      withKept([own, own, good]),
      `${gone}${gone}from now on the login in some/helper is tried first`,
    ],
    [withKept([own, docker]), `${gone}${still(docker.place)} docker logout ${HOST}\n`],
    [
      { ...withKept([own]), forgetFound: broken },
      `warning: the helper is locked\n${still(own.place)} finch logout ${HOST}\n`,
    ],
  ] as const) {
    const { status, stderr } = await login(
      logins,
      gate((credential) => credential !== kept),
    );
    expect([status, stderr]).toEqual([0, expect.stringContaining(`${WHO}${said}`)]);
  }
});

test.each([{ where: 'on a terminal' }, { where: 'without a terminal', stdin: '' }])(
  'finch login says why AWS gives none, and the other way to log in, $where',
  async ({ stdin }) => {
    for (const code of ['AWS', 'AWS_IDENTITY'] as const) {
      const fails = async () => {
        throw new FinchError(code, 'AWS knows nothing', { hint: 'tell it' });
      };
      const found = { credential: kept, place: 'some/config.json', isOwn: true };
      for (const logins of [
        { ...fakeLogins(), find: fails },
        { ...fakeLogins({ found }), make: fails },
      ]) {
        const { status, stdout, stderr } = await login(
          logins,
          gate(() => false),
          stdin,
        );
        expect([status, stdout]).toEqual([1, '']);
        expect(stderr).toEndWith(`finch: AWS knows nothing\nhint: tell it; or ${TOKEN}\n`);
      }
    }
  },
);

test('finch logout says that AWS credentials are still used', async () => {
  await using place = await finch();
  const forget: Logins['forget'] = async ({ registry }) => ({
    ...{ removed: [{ key: registry, place: 'some/config.json' }], remaining: [], failures: [] },
    made: 'AWS credentials',
  });
  const parts = { logins: async () => ({ ...fakeLogins(), forget }) };
  expect(await place.runWith({ parts }, 'logout', HOST)).toEqual({
    status: 0,
    stdout: '',
    stderr: `removed the login for ${HOST} from some/config.json\nAWS credentials are still used for ${HOST}, where there are some\n`,
  });
});
