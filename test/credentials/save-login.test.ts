import { describe, expect, test } from 'bun:test';
import { parseServer, serverName } from '../../src/credentials/server-name.ts';
import { CANARY } from '../support/canary.ts';
import { auth, type LoginPlaces, loginPlaces } from '../support/login-places.ts';
import { expectFailure } from './failures.ts';

const HUB = 'https://index.docker.io/v1/';
const ghcr = serverName('ghcr.io');
const me = { kind: 'password', username: 'me', secret: CANARY } as const;

/** Whether a file holds a secret, in any of the forms in which files do. */
async function holdsSecret(path: string): Promise<boolean> {
  const text = await Bun.file(path).text();
  return [CANARY, auth('me', CANARY).auth].some((form) => text.includes(form));
}

/** Saves a login and checks that it is the one that is found then. */
async function saveAndFind(places: LoginPlaces, logins = places.logins()) {
  const saved = await logins.save(ghcr, me);
  const found = await places.logins().find(ghcr);
  expect(found?.place).toBe(saved.place);
  expect(found?.credential.kind === 'password' && found.credential.secret === CANARY).toBe(true);
  return saved;
}

describe('a login is kept', () => {
  test('by the helper that is named for the server, in whichever spelling', async () => {
    for (const key of ['ghcr.io', 'https://GHCR.io/v2/']) {
      await using places = await loginPlaces();
      await places.helper('host');
      await places.helper('usual');
      const config = { credHelpers: { [key]: 'host', 'other.test': 'usual' }, credsStore: 'usual' };
      await places.write(places.own, config);
      expect(await saveAndFind(places)).toEqual({
        ...{ kind: 'helper', place: 'docker-credential-host' },
      });
      expect(await places.keptBy('host')).toEqual(['ghcr.io']);
      expect(await places.asked('usual')).toEqual([]);
      expect(await places.json(places.own)).toEqual(config);
    }
  });

  test('by the usual helper of all servers', async () => {
    await using places = await loginPlaces();
    await places.helper('usual');
    await places.write(places.own, { credsStore: 'usual' });
    expect(await saveAndFind(places)).toEqual({
      ...{ kind: 'helper', place: 'docker-credential-usual' },
    });
    expect(await places.json(places.own)).toEqual({ credsStore: 'usual' });
    expect(places.reports).toEqual([]);
  });

  test('in the file where nothing is named and the system has no store', async () => {
    await using places = await loginPlaces();
    expect(await saveAndFind(places)).toEqual({ kind: 'file', place: places.own });
    expect(places.reports).toEqual([]);
  });

  test.each(['', 'finch'])('in the file where the user wants it there: %j', async (name) => {
    await using places = await loginPlaces();
    await places.helper('secretservice');
    const bus = { env: { ...places.env, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' } };
    for (const config of [{ credHelpers: { 'ghcr.io': name } }, { credsStore: 'finch' }]) {
      await places.write(places.own, config);
      expect(await saveAndFind(places, places.logins(bus))).toEqual({
        ...{ kind: 'file', place: places.own },
      });
    }
    expect(await places.asked('secretservice')).toEqual([]);
  });

  test("and docker's file, which finch only reads, has no say and stays as it is", async () => {
    await using places = await loginPlaces();
    await places.helper('dockers', { 'ghcr.io': ['old', 's'] });
    await places.write(places.docker, {
      credsStore: 'dockers',
      auths: { 'ghcr.io': auth('a', 'b') },
    });
    const before = await Bun.file(places.docker).bytes();
    expect(await saveAndFind(places)).toEqual({ kind: 'file', place: places.own });
    expect(await Bun.file(places.docker).bytes()).toEqual(before);
    expect(await places.asked('dockers')).toEqual([]);
  });

  test('in place of what the file held of the same server, and only then', async () => {
    await using places = await loginPlaces();
    await places.helper('usual');
    const other = { 'other.test': auth('x', 'y'), 'ghcr.io/part': auth('p', 'q') };
    await places.write(places.own, {
      credsStore: 'usual',
      auths: {
        ...{ ...other, 'ghcr.io': auth('old', 's'), 'https://ghcr.io/v2/': { identitytoken: 't' } },
        ...{ 'http://ghcr.io': { email: 'me@x.test' }, 'ghcr.io:443': {} },
      },
      detachKeys: 'ctrl-x',
    });
    await saveAndFind(places);
    expect(await places.json(places.own)).toEqual({
      credsStore: 'usual',
      auths: { ...other, 'http://ghcr.io': { email: 'me@x.test' }, 'ghcr.io:443': {} },
      detachKeys: 'ctrl-x',
    });
    expect(await holdsSecret(places.own)).toBe(false);
  });

  test('as an identity token too', async () => {
    await using places = await loginPlaces();
    await places.helper('usual');
    await places.write(places.own, { credsStore: 'usual' });
    const token = { kind: 'identity-token', token: CANARY } as const;
    await places.logins().save(ghcr, token);
    const found = await places.logins().find(ghcr);
    expect(found?.credential.kind).toBe('identity-token');
  });

  test('nowhere while the own file is broken', async () => {
    await using places = await loginPlaces();
    await places.write(places.own, {});
    await Bun.write(places.own, '{"credsStore":');
    await expectFailure(places.logins().save(ghcr, me), 'CONFIG_INVALID');
    expect(await Bun.file(places.own).text()).toBe('{"credsStore":');
  });
});

describe('a helper that keeps no logins', () => {
  test('and serves the server itself is left to it', async () => {
    await using places = await loginPlaces();
    await places.helper('ecr-login', { 'ghcr.io': ['AWS', 's'] }, { keepsNone: true });
    const config = { credHelpers: { 'ghcr.io': 'ecr-login' } };
    const others = { 'other.test': auth('x', 'y') };
    await places.write(places.own, { ...config, auths: { ...others, 'ghcr.io': auth('o', 's') } });
    expect(await places.logins().save(ghcr, me)).toEqual({
      ...{ kind: 'managed', place: 'docker-credential-ecr-login' },
    });
    expect(await places.json(places.own)).toEqual({ ...config, auths: others });
    expect(places.reports).toEqual([]);
  });

  test('and does not know the server gives way to the next: the usual helper, the file', async () => {
    await using places = await loginPlaces();
    await places.helper('ecr-login', {}, { keepsNone: true });
    await places.helper('usual');
    await places.write(places.own, { credsStore: 'ecr-login' });
    expect(await saveAndFind(places)).toEqual({ kind: 'file', place: places.own });
    await places.write(places.own, {
      credHelpers: { 'ghcr.io': 'ecr-login' },
      credsStore: 'usual',
    });
    expect(await saveAndFind(places)).toEqual({
      ...{ kind: 'helper', place: 'docker-credential-usual' },
    });
    expect(places.reports).toEqual([
      'warning: docker-credential-ecr-login keeps no logins for ghcr.io',
    ]);
  });

  test('of servers that it does not serve gives way to the store of the system', async () => {
    await using places = await loginPlaces();
    await places.helper('ecr-login', {}, { keepsNone: true });
    await places.helper('secretservice');
    const env = { ...places.env, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' };
    await places.write(places.own, {
      credsStore: 'ecr-login',
      auths: { 'ghcr.io': auth('o', 's') },
    });
    const place = 'docker-credential-secretservice';
    expect(await saveAndFind(places, places.logins({ env }))).toEqual({ kind: 'helper', place });
    expect(await places.json(places.own)).toEqual({
      ...{ credsStore: 'ecr-login', auths: {}, credHelpers: { 'ghcr.io': 'secretservice' } },
    });
    expect(places.reports).toEqual([`logins are kept by ${place}, as ${places.own} says now`]);
  });

  test('and that the user named for just this server is not replaced', async () => {
    await using places = await loginPlaces();
    await places.helper('ecr-login', {}, { keepsNone: true });
    await places.helper('secretservice');
    const env = { ...places.env, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' };
    const config = { credHelpers: { 'https://ghcr.io': 'ecr-login' } };
    await places.write(places.own, config);
    expect(await saveAndFind(places, places.logins({ env }))).toMatchObject({ kind: 'file' });
    expect(await places.json(places.own)).toMatchObject(config);
    expect(await places.asked('secretservice')).toEqual([]);
  });
});

describe('a helper that cannot keep a login', () => {
  const fails = (action: string) => ({ first: `[ $1 = ${action} ] && { echo oops; exit 1; }` });

  test('is told, and the login goes to the next place', async () => {
    for (const behaviour of [{ first: 'echo oops; exit 1' }, undefined]) {
      await using places = await loginPlaces();
      if (behaviour) await places.helper('bad', {}, behaviour);
      await places.write(places.own, { credsStore: 'bad' });
      expect(await saveAndFind(places)).toEqual({ kind: 'file', place: places.own });
      expect(places.reports[0]).toMatch(/^warning: .*docker-credential-bad/);
      expect(places.reports[1]).toMatch(
        /^warning: the login .* docker-credential-bad is asked first and may have an older one; log in again/,
      );
      expect(places.reports.join('\n').includes(CANARY)).toBe(false);
    }
  });

  test('because it has an impossible name is told in lines without a break', async () => {
    await using places = await loginPlaces();
    await places.write(places.own, { credsStore: 'x\nfinch: all is well\u001b[2J' });
    expect(await saveAndFind(places)).toEqual({ kind: 'file', place: places.own });
    expect(places.reports).toHaveLength(3);
    expect(places.reports.filter((line) => !/^warning: [^\p{Cc}]+$/u.test(line))).toEqual([]);
  });

  test('and hangs is not waited for', async () => {
    await using places = await loginPlaces();
    await places.helper('bad', {}, { first: 'exec sleep 60' });
    await places.write(places.own, { credsStore: 'bad' });
    const saved = await places.logins({ timeoutMs: 100 }).save(ghcr, me);
    expect(saved).toEqual({ kind: 'file', place: places.own });
  });

  test('because it is locked, and says that nothing is there, is told', async () => {
    await using places = await loginPlaces();
    const missing = 'echo credentials not found in native keychain; exit 1';
    const locked = `case $1 in list) echo '{}'; exit ;; store) echo locked; exit 1 ;; *) ${missing} ;; esac`;
    await places.helper('bad', { 'ghcr.io': ['old', 's'] }, { first: locked });
    await places.write(places.own, { credsStore: 'bad' });
    expect(await places.logins().save(ghcr, me)).toMatchObject({ kind: 'file' });
    expect(places.reports[1]).toContain(
      'docker-credential-bad is asked first and may have an older',
    );
  });

  test('although it says so is found out, and what the file holds is not removed for it', async () => {
    for (const first of ['[ $1 != store ] || exit 0', `[ $1 != get ] || { echo '{}'; exit; }`]) {
      await using places = await loginPlaces();
      await places.helper('bad', {}, { first });
      await places.write(places.own, { credsStore: 'bad', auths: { 'ghcr.io': auth('old', 's') } });
      expect(await saveAndFind(places)).toEqual({ kind: 'file', place: places.own });
      expect(places.reports[0]).toContain('docker-credential-bad');
    }
  });

  test('loses the old one, which would be found first', async () => {
    await using places = await loginPlaces();
    await places.helper('bad', { 'ghcr.io': ['old', 's'] }, fails('store'));
    await places.write(places.own, { credsStore: 'bad' });
    expect(await saveAndFind(places)).toEqual({ kind: 'file', place: places.own });
    expect(await places.keptBy('bad')).toEqual([]);
    expect(places.reports).toHaveLength(1);
  });

  test('and still gives the old one is told', async () => {
    await using places = await loginPlaces();
    const stubborn = { first: '[ $1 = get ] || [ $1 = list ] || { echo oops; exit 1; }' };
    await places.helper('bad', { 'ghcr.io': ['old', 's'] }, stubborn);
    await places.write(places.own, { credsStore: 'bad' });
    expect(await places.logins().save(ghcr, me)).toMatchObject({ kind: 'file' });
    expect(places.reports.join('\n')).toContain(
      'docker-credential-bad is asked first and may have an older one',
    );
  });
});

describe("the system's own store", () => {
  const withBus = (places: LoginPlaces) =>
    places.logins({ env: { ...places.env, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' } });

  test('is taken where nothing is named, and the file then names it for all servers', async () => {
    await using places = await loginPlaces();
    await places.helper('secretservice');
    expect(await saveAndFind(places, withBus(places))).toEqual({
      ...{ kind: 'helper', place: 'docker-credential-secretservice' },
    });
    expect(await Bun.file(places.own).text()).toBe('{\n  "credsStore": "secretservice"\n}\n');
    await withBus(places).save(parseServer(''), me);
    expect(await places.keptBy('secretservice')).toEqual(['ghcr.io', HUB]);
    expect(await Bun.file(places.own).text()).toBe('{\n  "credsStore": "secretservice"\n}\n');
    expect(places.reports).toEqual([
      `logins are kept by docker-credential-secretservice, as ${places.own} says now`,
    ]);
  });

  test('is named for this server alone beside logins that docker would not see any more', async () => {
    await using places = await loginPlaces();
    await places.helper('secretservice');
    const auths = { 'other.test': auth('x', 'y') };
    await places.write(places.own, { auths: { ...auths, [HUB]: auth('old', 's') } });
    await withBus(places).save(parseServer('docker.io'), me);
    expect(await places.json(places.own)).toEqual({
      ...{ auths, credHelpers: { [HUB]: 'secretservice' } },
    });
    expect(await holdsSecret(places.own)).toBe(false);
    expect((await places.logins().find(serverName('docker.io')))?.place).toBe(
      'docker-credential-secretservice',
    );
  });

  test('is named for all where the file holds only the login that moves', async () => {
    await using places = await loginPlaces();
    await places.helper('secretservice');
    await places.write(places.own, { auths: { 'ghcr.io': auth('old', 's'), 'other.test': {} } });
    await saveAndFind(places, withBus(places));
    expect(await places.json(places.own)).toEqual({
      ...{ auths: { 'other.test': {} }, credsStore: 'secretservice' },
    });
  });

  test('is asked first whether it answers, and not for long', async () => {
    for (const first of ['echo "no keyring"; exit 1', 'exec sleep 60']) {
      await using places = await loginPlaces();
      await places.helper('secretservice', {}, { first });
      const env = { ...places.env, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' };
      const logins = places.logins({ env, timeoutMs: 100 });
      expect(await saveAndFind(places, logins)).toEqual({ kind: 'file', place: places.own });
      expect(await places.asked('secretservice')).toEqual(['list']);
      expect(places.reports).toEqual([]);
      expect(places.traces.join('\n')).toContain('docker-credential-secretservice');
    }
  });

  test('is asked on Linux only where there is a session bus', async () => {
    await using places = await loginPlaces();
    await places.helper('secretservice');
    expect(await places.logins().save(ghcr, me)).toMatchObject({ kind: 'file' });
    expect(await places.asked('secretservice')).toEqual([]);
    await places.logins().forget(ghcr);
    await Bun.write(`${places.folder}/run/bus`, '');
    expect(await places.logins().save(ghcr, me)).toMatchObject({ kind: 'helper' });
  });

  test.skipIf(process.platform === 'win32')('is the login keychain on macOS', async () => {
    await using places = await loginPlaces();
    await places.helper('osxkeychain');
    const logins = places.logins({ platform: 'darwin' });
    expect(await logins.save(ghcr, me)).toEqual({
      ...{ kind: 'helper', place: 'docker-credential-osxkeychain' },
    });
    expect(await places.json(places.own)).toEqual({ credsStore: 'osxkeychain' });
  });
});

test('many logins at the same time are all kept, and one helper is named for them', async () => {
  await using places = await loginPlaces();
  await places.helper('secretservice');
  const env = { ...places.env, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' };
  const servers = Array.from({ length: 8 }, (_, i) => serverName(`r${i}.test`));
  await Promise.all(servers.map((server) => places.logins({ env }).save(server, me)));
  expect(await places.keptBy('secretservice')).toEqual(servers.map(({ key }) => key));
  expect(await places.json(places.own)).toEqual({ credsStore: 'secretservice' });
});
