import { expect, test } from 'bun:test';
import { parseServer, partName, serverName } from '../../src/credentials/server-name.ts';
import { auth, loginPlaces } from '../support/login-places.ts';

const HUB = 'https://index.docker.io/v1/';
const ghcr = serverName('ghcr.io');

test('a login is forgotten in every spelling, by the helpers and in the file, and nothing else is', async () => {
  await using places = await loginPlaces();
  const others = { 'other.test': auth('x', 'y'), 'docker.io/part': auth('p', 'q') };
  await places.helper('host', { [HUB]: ['me', 's'] });
  await places.helper('usual', { 'docker.io': ['me', 's'], 'other.test': ['x', 'y'] });
  const config = { credHelpers: { 'docker.io': 'host' }, credsStore: 'usual' };
  await places.write(places.own, {
    ...config,
    auths: { ...others, [HUB]: auth('me', 's'), 'index.docker.io': auth('me', 's') },
    detachKeys: 'ctrl-x',
  });
  const logins = places.logins();
  const hub = parseServer('');
  const part = { key: 'docker.io/part', place: places.own, file: places.own };
  expect(await logins.forget(hub)).toEqual({
    removed: [
      { key: HUB, place: 'docker-credential-host' },
      { key: 'docker.io', place: 'docker-credential-usual' },
      { key: HUB, place: places.own },
      { key: 'index.docker.io', place: places.own },
    ],
    remaining: [part],
    failures: [],
  });
  expect(await places.json(places.own)).toEqual({ ...config, auths: others, detachKeys: 'ctrl-x' });
  expect(await places.keptBy('usual')).toEqual(['other.test']);
  expect(await logins.find(hub)).toBeUndefined();
  expect(await logins.forget(hub)).toEqual({ removed: [], remaining: [part], failures: [] });
  expect(await logins.forget(partName(part.key))).toEqual({
    ...{ removed: [{ key: part.key, place: places.own }], remaining: [], failures: [] },
  });
});

test('where there is no file there is nothing to forget, and none is made', async () => {
  await using places = await loginPlaces();
  expect(await places.logins().forget(ghcr)).toEqual({ removed: [], remaining: [], failures: [] });
  expect(await Bun.file(places.own).exists()).toBe(false);
});

test('the places that still have a login are named: those finch only reads, a helper that makes its own', async () => {
  await using places = await loginPlaces();
  await places.helper('ecr-login', { 'ghcr.io': ['AWS', 's'] }, { keepsNone: true });
  await places.helper('dockers', { 'ghcr.io': ['me', 's'] });
  await places.write(places.own, {
    credsStore: 'ecr-login',
    auths: { 'ghcr.io': auth('me', 's') },
  });
  await places.write(places.docker, { credsStore: 'dockers' });
  await places.write(places.session, { auths: { 'ghcr.io': auth('me', 's') } });
  const before = await Bun.file(places.session).bytes();
  expect(await places.logins().forget(ghcr)).toEqual({
    removed: [{ key: 'ghcr.io', place: places.own }],
    remaining: [
      { key: 'ghcr.io', place: 'docker-credential-ecr-login', file: places.own },
      { key: 'ghcr.io', place: 'docker-credential-dockers', file: places.docker },
      { key: 'ghcr.io', place: places.session, file: places.session },
    ],
    failures: [],
  });
  expect(await Bun.file(places.session).bytes()).toEqual(before);
  expect(await places.keptBy('dockers')).toEqual(['ghcr.io']);
});

test('a helper that cannot forget is told, with what the others have forgotten', async () => {
  await using places = await loginPlaces();
  await places.helper('bad', {}, { first: 'echo locked; exit 1' });
  await places.helper('usual', { 'ghcr.io': ['me', 's'] });
  await places.write(places.own, {
    ...{ credHelpers: { 'ghcr.io': 'bad' }, credsStore: 'usual' },
    auths: { 'ghcr.io': auth('me', 's') },
  });
  const { removed, remaining, failures } = await places.logins().forget(ghcr);
  expect(removed.map(({ place }) => place)).toEqual(['docker-credential-usual', places.own]);
  expect(remaining).toEqual([]);
  expect(failures).toMatchObject([{ code: 'CREDENTIAL_STORE' }]);
  expect(failures[0]?.message).toContain('docker-credential-bad');
  expect(places.reports).toEqual([]);
  expect(await places.keptBy('usual')).toEqual([]);
  expect(await places.json(places.own)).toMatchObject({ auths: {} });
});

test("a broken file of docker's is told and does not keep a login from being forgotten", async () => {
  await using places = await loginPlaces();
  await places.write(places.own, { auths: { 'ghcr.io': auth('me', 's') } });
  await places.write(places.docker, {});
  await Bun.write(places.docker, '{');
  expect(await places.logins().forget(ghcr)).toEqual({
    removed: [{ key: 'ghcr.io', place: places.own }],
    remaining: [],
    failures: [],
  });
  expect(places.reports).toHaveLength(1);
});

test('a helper that says it has forgotten what is still there is a failure, and nothing is removed', async () => {
  await using places = await loginPlaces();
  await places.helper(
    'locked',
    { 'ghcr.io': ['me', 's'] },
    { first: '[ "$1" != erase ] || exit 0' },
  );
  await places.write(places.own, { credsStore: 'locked' });
  const { removed, remaining, failures } = await places.logins().forget(ghcr);
  expect({ removed, remaining }).toEqual({ removed: [], remaining: [] });
  expect(failures.map(({ message }) => message)).toEqual([
    'docker-credential-locked still has the login for ghcr.io',
  ]);
});

test('what a helper keeps for parts of a registry is named, and is forgotten by its own name', async () => {
  await using places = await loginPlaces();
  const tokens = `${HUB}refresh-token`;
  await places.helper('usual', {
    ...{ [HUB]: ['me', 's'], [tokens]: ['me', 't'], 'ghcr.io/team': ['x', 'y'] },
  });
  await places.write(places.own, { credsStore: 'usual' });
  const logins = places.logins();
  const place = 'docker-credential-usual';
  expect(await logins.forget(parseServer(''))).toEqual({
    removed: [{ key: HUB, place }],
    remaining: [{ key: tokens, place, file: places.own }],
    failures: [],
  });
  expect(await logins.forget(partName(tokens))).toEqual({
    ...{ removed: [{ key: tokens, place }], remaining: [], failures: [] },
  });
  expect(await places.keptBy('usual')).toEqual(['ghcr.io/team']);
});

test('one login that was found is forgotten, in its place and under the keys that hold it', async () => {
  await using places = await loginPlaces();
  await places.helper('host', { 'ghcr.io': ['me', 'bad'] });
  await places.write(places.own, {
    credHelpers: { 'ghcr.io': 'host' },
    auths: {
      'ghcr.io': auth('me', 'bad'),
      'https://ghcr.io/v2/': auth('me', 'good'),
      'https://ghcr.io': auth('me', 'bad'),
      'http://ghcr.io': { auth: 'unreadable' },
    },
  });
  const logins = places.logins();
  const forget = async () => {
    const found = await logins.find(ghcr);
    return found && (await logins.forgetFound(ghcr, found));
  };
  expect(await forget()).toEqual(['ghcr.io']);
  expect(await places.keptBy('host')).toEqual([]);
  expect(await forget()).toEqual(['ghcr.io', 'https://ghcr.io']);
  expect(await places.json(places.own)).toMatchObject({
    auths: { 'https://ghcr.io/v2/': auth('me', 'good'), 'http://ghcr.io': { auth: 'unreadable' } },
  });
  await places.write(places.own, {});
  await places.write(places.docker, { auths: { 'ghcr.io': auth('me', 'bad') } });
  expect(await forget()).toEqual([]);
  expect(await logins.find(ghcr)).toMatchObject({ place: places.docker });
});

test('a helper forgets the spelling of a server that holds the login, and no other', async () => {
  await using places = await loginPlaces();
  await places.helper('many', { 'ghcr.io': ['me', 'bad'], 'https://ghcr.io': ['you', 'good'] });
  await places.write(places.own, { credsStore: 'many' });
  const logins = places.logins();
  const found = await logins.find(ghcr);
  expect(found && (await logins.forgetFound(ghcr, found))).toEqual(['ghcr.io']);
  expect(await places.keptBy('many')).toEqual(['https://ghcr.io']);
});
