import { expect, test } from 'bun:test';
import { serverName } from '../../src/credentials/server-name.ts';
import { CANARY } from '../support/canary.ts';
import { loginPlaces } from '../support/login-places.ts';

const old = { kind: 'identity-token', token: 'old-token' } as const;
const replace = (places: Awaited<ReturnType<typeof loginPlaces>>, replaced = old) =>
  places.logins().replaceToken?.('ghcr.io', 'new-token', { replaced });

test('a replaced identity token is kept in the file that had the old one, and is found from then on', async () => {
  await using places = await loginPlaces();
  const other = { 'quay.io': { auth: 'eDp5' } };
  await places.write(places.own, {
    auths: { ...other, 'ghcr.io': { auth: '', identitytoken: 'old-token', mine: 1 } },
  });
  const logins = places.logins();
  expect((await logins.find(serverName('ghcr.io')))?.credential).toMatchObject(old);
  await logins.replaceToken?.('ghcr.io', 'new-token', { replaced: old });
  expect(await places.json(places.own)).toMatchObject({
    auths: { ...other, 'ghcr.io': { identitytoken: 'new-token', mine: 1 } },
  });
  const found = await logins.find(serverName('ghcr.io'));
  expect(found?.credential).toMatchObject({ kind: 'identity-token', token: 'new-token' });
});

test('a replaced identity token is kept by the helper that had the old one', async () => {
  await using places = await loginPlaces();
  await places.write(places.own, { credHelpers: { 'ghcr.io': 'mine' } });
  await places.helper('mine', { 'ghcr.io': ['<token>', 'old-token'] });
  await replace(places);
  const found = await places.logins().find(serverName('ghcr.io'));
  expect(found).toMatchObject({
    credential: { kind: 'identity-token', token: 'new-token' },
    place: 'docker-credential-mine',
  });
});

test.each([
  ['a newer token', { identitytoken: 'newer-token' }],
  ['a new login', { auth: Buffer.from(`me:${CANARY}`).toString('base64') }],
])('%s is not overwritten by a replaced identity token', async (_, entry) => {
  await using places = await loginPlaces();
  await places.write(places.own, { auths: { 'ghcr.io': entry } });
  await replace(places);
  expect(await places.json(places.own)).toEqual({ auths: { 'ghcr.io': entry } });
});

test('a replaced identity token of docker stays as it is', async () => {
  await using places = await loginPlaces();
  const config = { auths: { 'ghcr.io': { identitytoken: 'old-token' } } };
  await places.write(places.docker, config);
  await replace(places);
  expect(await places.json(places.docker)).toEqual(config);
  expect(await Bun.file(places.own).exists()).toBe(false);
  expect(places.traces).toContain(
    'the token server of ghcr.io replaced a token that finch does not keep',
  );
});

test('a replaced identity token is kept below a helper that cannot be used', async () => {
  await using places = await loginPlaces();
  const entry = { identitytoken: 'old-token' };
  await places.write(places.own, { credsStore: 'gone', auths: { 'ghcr.io': entry } });
  await replace(places);
  expect(await places.json(places.own)).toMatchObject({
    auths: { 'ghcr.io': { identitytoken: 'new-token' } },
  });
  expect(places.reports).toEqual([expect.stringContaining('no docker-credential-gone')]);
});

const dead =
  /^warning: the new token for ghcr\.io could not be kept, and the old one is good no more: .+; log in again with: finch login ghcr\.io$/;

test.each([
  ['keeps no logins', { keepsNone: true }],
  ['fails', { first: '[ "$1" != store ] || { echo locked; exit 1; }' }],
])('a helper that %s leaves the old token, and the user is told', async (_, behaviour) => {
  await using places = await loginPlaces();
  await places.write(places.own, { credsStore: 'mine' });
  await places.helper('mine', { 'ghcr.io': ['<token>', 'old-token'] }, behaviour);
  await replace(places);
  expect(places.reports).toEqual([expect.stringMatching(dead)]);
  expect(places.traces.join('\n')).not.toContain('replaced');
});

test('a file that cannot be read is told, and is no failure', async () => {
  await using places = await loginPlaces();
  await Bun.write(places.own, '{');
  await replace(places);
  expect(places.reports).toEqual([expect.stringMatching(dead)]);
});
