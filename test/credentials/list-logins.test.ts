import { expect, test } from 'bun:test';
import type { ListedLogin } from '../../src/credentials/logins.ts';
import { CANARY } from '../support/canary.ts';
import { auth, loginPlaces } from '../support/login-places.ts';
import { expectFailure } from './failures.ts';

const HUB = 'https://index.docker.io/v1/';
const ECR = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';

/** 2026-11-22T12:00:00Z, in seconds. */
const END = 1_795_348_800;
const end = new Date(END * 1000);

function jwt(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.${Buffer.from(CANARY).toString('base64url')}`;
}

/** What Amazon ECR gives as a password. */
function ecrPassword(expiration: unknown): string {
  const token = { payload: CANARY, datakey: 'x', version: '2', type: 'DATA_KEY', expiration };
  return Buffer.from(JSON.stringify(token)).toString('base64');
}

test('all logins are listed: by server, with user name, place and end, and without a secret', async () => {
  await using places = await loginPlaces();
  await places.helper('usual', {
    ...{ [HUB]: ['hubber', CANARY], [ECR]: ['AWS', ecrPassword(END)] },
    ...{ 'acr.test': ['<token>', jwt({ exp: END })] },
    [`${HUB}access-token`]: ['hubber', CANARY],
  });
  await places.helper('host', { 'ghcr.io': ['me', CANARY], 'unrouted.test': ['me', CANARY] });
  await places.helper('dockers', { 'ghcr.io': ['docker', CANARY] });
  await places.write(places.own, {
    ...{ credsStore: 'usual', credHelpers: { 'ghcr.io': 'host' } },
    auths: { 'https://old.test/v2/': auth('old', CANARY), 'old.test': auth('new', CANARY) },
  });
  await places.write(places.docker, { credsStore: 'dockers' });
  await places.write(places.session, {
    auths: {
      'quay.io/team': auth('team', CANARY),
      'jwt.test': { identitytoken: jwt({ exp: END }) },
    },
  });
  const listed = await places.logins().list();
  const expected: readonly ListedLogin[] = [
    { registry: ECR, username: 'AWS', place: 'docker-credential-usual', expires: end },
    { registry: 'acr.test', username: undefined, place: 'docker-credential-usual', expires: end },
    endless(['docker.io', 'hubber', 'docker-credential-usual']),
    endless(['ghcr.io', 'me', 'docker-credential-host']),
    endless(['ghcr.io', 'docker', 'docker-credential-dockers']),
    endless([`${HUB}access-token`, 'hubber', 'docker-credential-usual']),
    { registry: 'jwt.test', username: undefined, place: places.session, expires: end },
    endless(['old.test', 'new', places.own]),
    endless(['quay.io/team', 'team', places.session]),
  ];
  expect(listed).toEqual(expected);
  expect(JSON.stringify(listed).includes(CANARY)).toBe(false);
  expect(places.reports).toEqual([]);
});

test('the secrets of passwords that do not end are not asked for', async () => {
  await using places = await loginPlaces();
  await places.helper('usual', { 'ghcr.io': ['me', CANARY], [ECR]: ['AWS', ecrPassword(END)] });
  await places.write(places.own, { credsStore: 'usual' });
  await places.logins().list();
  expect(await places.asked('usual')).toEqual(['list', `get ${ECR}`]);
  const [first] = await places.logins().list({ expiry: false });
  expect(first).toEqual(endless([ECR, 'AWS', 'docker-credential-usual']));
  expect(await places.asked('usual')).toEqual(['list', `get ${ECR}`, 'list']);
});

test('a helper or a file that cannot be read is told, and all others are listed', async () => {
  await using places = await loginPlaces();
  await places.helper('bad', {}, { first: 'echo oops; exit 1' });
  await places.helper('mute', { [ECR]: ['AWS', ''] }, { first: '[ $1 = list ] || exit 3' });
  await places.write(places.own, {
    ...{ credsStore: 'bad', credHelpers: { [ECR]: 'mute', 'ghcr.io': '../evil' } },
    auths: { 'old.test': auth('old', CANARY), 'torn.test': { auth: '%' } },
  });
  await places.write(places.docker, {});
  await Bun.write(places.docker, '{');
  expect(await places.logins().list()).toEqual([
    endless([ECR, 'AWS', 'docker-credential-mute']),
    endless(['old.test', 'old', places.own]),
  ]);
  expect(places.reports).toHaveLength(4);
  expect(places.reports.filter((line) => !/^warning: [^\n]+$/.test(line))).toEqual([]);
  expect(places.reports.join('\n')).toContain('the login for "torn.test" in ');
});

test("finch's own broken file is an error", async () => {
  await using places = await loginPlaces();
  await places.write(places.own, {});
  await Bun.write(places.own, '{');
  await expectFailure(places.logins().list(), 'CONFIG_INVALID');
});

test('where there is no place there is no login', async () => {
  await using places = await loginPlaces();
  expect(await places.logins().list()).toEqual([]);
});

function endless([registry, username, place]: readonly [string, string, string]): ListedLogin {
  return { registry, username, place, expires: undefined };
}
