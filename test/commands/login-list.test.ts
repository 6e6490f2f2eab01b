import { expect, test } from 'bun:test';
import type { ListedLogin } from '../../src/credentials/logins.ts';
import { finch } from './command-line.ts';
import { fakeLogins } from './fake-logins.ts';

/** Noon, on the clock of every test. */
const NOON = Date.UTC(2026, 0, 31, 12);
const HOUR = 3_600_000;

const listed: readonly ListedLogin[] = [
  { registry: 'docker.io', username: 'me', place: '/h/config.json', expires: undefined },
  {
    registry: '123.dkr.ecr.eu-west-1.amazonaws.com',
    username: 'AWS',
    place: 'docker-credential-ecr-login',
    expires: new Date(NOON + 11.2 * HOUR),
  },
  {
    registry: 'a.io',
    username: undefined,
    place: 'docker-credential-pass',
    expires: new Date(NOON),
  },
  { registry: 'b.io', username: 'y\x1b[2Jou', place: '/h\n/x', expires: new Date(NOON + HOUR) },
];

test('finch login --list is a table, and asks no registry', async () => {
  await using place = await finch();
  const parts = { logins: async () => fakeLogins({ listed }) };
  const outcome = await place.runWith({ parts }, 'login', '--list');
  expect(outcome).toMatchObject({ status: 0, stderr: '' });
  expect(outcome.stdout.split('\n').map((line) => line.trimEnd())).toEqual([
    'SERVER                                 USERNAME    STORE                          EXPIRES',
    'docker.io                              me          /h/config.json',
    '123.dkr.ecr.eu-west-1.amazonaws.com    AWS         docker-credential-ecr-login    in 11 hours',
    'a.io                                   <token>     docker-credential-pass         expired',
    'b.io                                   y [2Jou     /h /x                          in about an hour',
    '',
  ]);
});

test('finch login --list without logins is the header', async () => {
  await using place = await finch();
  const parts = { logins: async () => fakeLogins() };
  expect(await place.runWith({ parts }, 'login', '--list')).toEqual({
    ...{ status: 0, stdout: 'SERVER    USERNAME    STORE    EXPIRES\n', stderr: '' },
  });
});

test('finch login --list has its fields as JSON and in templates', async () => {
  await using place = await finch();
  const parts = { logins: async () => fakeLogins({ listed: listed.slice(0, 2) }) };
  const list = async (format: string) =>
    (await place.runWith({ parts }, 'login', '--list', '--format', format)).stdout.split('\n');
  expect((await list('json')).slice(0, 2).map((line) => JSON.parse(line) as unknown)).toEqual([
    { Server: 'docker.io', Username: 'me', Store: '/h/config.json', Expires: '', ExpiresAt: '' },
    {
      Server: '123.dkr.ecr.eu-west-1.amazonaws.com',
      Username: 'AWS',
      Store: 'docker-credential-ecr-login',
      Expires: 'in 11 hours',
      ExpiresAt: '2026-01-31T23:12:00.000Z',
    },
  ]);
  expect(await list('{{.Username}}@{{.Server}}')).toEqual([
    'me@docker.io',
    'AWS@123.dkr.ecr.eu-west-1.amazonaws.com',
    '',
  ]);
  expect(await list('table {{.Username}}\\t{{.ExpiresAt}}')).toEqual([
    'USERNAME    EXPIRES AT',
    'me          ',
    'AWS         2026-01-31T23:12:00.000Z',
    '',
  ]);
});

test.each([
  [['--list', 'x.io'], '--list and SERVER are mutually exclusive'],
  [['--list', '-u', 'me'], '--list and --username are mutually exclusive'],
  [['--list', '-p', ''], '--list and --password are mutually exclusive'],
  [['--list', '--password-stdin'], '--list and --password-stdin are mutually exclusive'],
  [['--list', '--insecure-registry'], '--list and --insecure-registry are mutually exclusive'],
  [['--list', '--trust-realm', 'x.io'], '--list and --trust-realm are mutually exclusive'],
  [['--list', '--hosts-dir', '/x'], '--list and --hosts-dir are mutually exclusive'],
  [['--format', 'json', '-u', 'me'], '--format is for --list'],
  [['--list', '--format', '{{.Secret}}'], 'invalid template: there is no field .Secret'],
])('finch login refuses %j', async (flags, message) => {
  await using place = await finch();
  const parts = { logins: async () => fakeLogins({ listed }) };
  const { status, stdout, stderr } = await place.runWith({ stdin: '', parts }, 'login', ...flags);
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toStartWith(`finch: ${message}`);
  expect(stderr).toMatch(/^hint: .+\n$/m);
});
