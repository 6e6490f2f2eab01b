import { describe, expect, test } from 'bun:test';
import { dirname } from 'node:path';
import { servedLogins } from '../../src/credentials/served-logins.ts';
import { serverName } from '../../src/credentials/server-name.ts';
import { FinchError } from '../../src/errors.ts';
import { CANARY } from '../support/canary.ts';
import { ECR, ecrPassword, fakeAws } from '../support/fake-aws.ts';
import { auth, loginPlaces } from '../support/login-places.ts';

const server = serverName(ECR);
const HOUR = 3_600_000;
const made = { place: 'AWS credentials (profile dev)', isOwn: false, isMade: true };
const token = (secret: string) => ({ kind: 'password', username: 'AWS', secret }) as const;

describe('a login that is made', () => {
  test('is given where no place has one, and not for other servers', async () => {
    await using places = await loginPlaces();
    const { source, asked } = fakeAws();
    const logins = places.logins({ source });
    expect(await logins.find(server)).toMatchObject(made);
    expect(await logins.find(serverName('ghcr.io'))).toBeUndefined();
    expect(await logins.make(serverName('ghcr.io'))).toBeUndefined();
    expect(asked).toEqual([{ host: ECR }]);
    expect(places.traces.join('\n')).toContain(`the login for ${ECR} is from ${made.place}`);
  });

  test('comes after the logins of every place and every helper', async () => {
    await using places = await loginPlaces();
    const { source, asked } = fakeAws();
    await places.helper('usual', { [ECR]: ['me', CANARY] });
    for (const [path, content] of [
      [places.own, { credHelpers: { [ECR]: 'usual' } }],
      [places.own, { credsStore: 'usual' }],
      [places.own, { auths: { [ECR]: auth('me', CANARY) } }],
      [places.docker, { credsStore: 'usual' }],
      [places.docker, { auths: { [ECR]: auth('me', CANARY) } }],
      [places.session, { credHelpers: { [ECR]: 'usual' } }],
      [places.lasting, { auths: { [ECR]: auth('me', CANARY) } }],
    ] as const) {
      await places.write(path, content);
      expect(await places.logins({ source }).credential(ECR)).toMatchObject({ username: 'me' });
      await places.write(path, {});
    }
    expect(asked).toEqual([]);
  });

  test('stands for the helper of its name in every file, which is not run', async () => {
    await using places = await loginPlaces();
    await places.helper('ecr-login', { [ECR]: ['other', CANARY], 'ghcr.io': ['other', CANARY] });
    for (const path of [places.own, places.docker, places.session]) {
      for (const config of [{ credHelpers: { [ECR]: 'ecr-login' } }, { credsStore: 'ecr-login' }]) {
        const { source } = fakeAws();
        await places.write(path, config);
        const logins = places.logins({ source });
        expect(await logins.find(server)).toMatchObject(made);
        expect(await logins.find(serverName('ghcr.io'))).toBeUndefined();
        expect(await logins.list()).toEqual([]);
      }
      await places.write(path, {});
    }
    expect(await places.asked('ecr-login')).toEqual([]);
    expect(places.reports).toEqual([]);
  });

  test('stands for that helper also in the file of the home that the helper `finch` means', async () => {
    await using places = await loginPlaces();
    await places.helper('ecr-login', { [ECR]: ['other', CANARY] });
    const folder = `${places.folder}/other`;
    await places.write(`${folder}/config.json`, { credsStore: 'finch' });
    const env = { ...places.env, DOCKER_CONFIG: folder };
    for (const auths of [{}, { [ECR]: auth('me', CANARY) }]) {
      await places.write(places.own, { credHelpers: { [ECR]: 'ecr-login' }, auths });
      const { source, asked } = fakeAws();
      const login = await places.logins({ env, source }).find(server);
      const isKept = ECR in auths;
      expect(login).toMatchObject(isKept ? { place: 'docker-credential-finch' } : made);
      expect(asked).toHaveLength(isKept ? 0 : 1);
    }
    expect(await places.asked('ecr-login')).toEqual([]);
  });

  test('comes after an explicit login also where its helper is named for the server', async () => {
    await using places = await loginPlaces();
    const { source, asked } = fakeAws();
    await places.write(places.own, { credHelpers: { [ECR]: 'ecr-login' } });
    const secret = ecrPassword(new Date(Date.now() + HOUR));
    const logins = places.logins({ source });
    expect(await logins.save(server, token(secret))).toEqual({ kind: 'file', place: places.own });
    expect(await logins.find(server)).toMatchObject({
      credential: token(secret),
      place: places.own,
    });
    expect(await places.json(places.own)).toEqual({
      ...{ credHelpers: { [ECR]: 'ecr-login' }, auths: { [ECR]: auth('AWS', secret) } },
    });
    expect([asked, places.reports]).toEqual([[], []]);
  });

  test('leaves the helper of its name where it is when a login is saved past it', async () => {
    for (const config of [
      { credsStore: 'ecr-login' },
      { credHelpers: { [ECR]: 'ecr-login' } },
      { credHelpers: { [ECR]: 'ecr-login' }, credsStore: 'usual' },
    ]) {
      await using places = await loginPlaces();
      await places.helper('usual');
      await places.helper('secretservice');
      const env = { ...places.env, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' };
      await places.write(places.own, config);
      const { source } = fakeAws();
      const logins = places.logins({ source, env });
      await logins.save(server, token(CANARY));
      expect(await places.json(places.own)).toMatchObject(config);
      expect(await logins.find(server)).toMatchObject({ credential: token(CANARY) });
      expect(places.reports).toEqual([]);
    }
  });

  test('is named when the others are forgotten', async () => {
    await using places = await loginPlaces();
    const { source, asked } = fakeAws();
    await places.write(places.own, {
      ...{ credHelpers: { [ECR]: 'ecr-login' }, auths: { [ECR]: auth('AWS', CANARY) } },
    });
    const logins = places.logins({ source });
    for (const removed of [[{ key: ECR, place: places.own }], []]) {
      expect(await logins.forget(server)).toEqual({
        ...{ removed, remaining: [], failures: [], made: 'AWS credentials' },
      });
    }
    expect(await logins.forget(serverName('ghcr.io'))).not.toHaveProperty('made');
    expect(asked).toEqual([]);
  });

  test('is another when the one before was refused', async () => {
    await using places = await loginPlaces();
    const { source, asked } = fakeAws();
    const logins = places.logins({ source });
    const first = await logins.credential(ECR);
    expect(first).toMatchObject({ secret: `${CANARY}-1` });
    expect(await logins.credential(ECR)).toBe(first);
    const refused = first && { refused: first };
    expect(await logins.credential(ECR, { afresh: true, ...refused })).toMatchObject({
      secret: `${CANARY}-2`,
    });
    expect(asked).toEqual([{ host: ECR }, { host: ECR, refused: `${CANARY}-1` }]);
  });
});

describe('a password of Amazon ECR that is kept', () => {
  test('is passed over when it has ended, which is told once', async () => {
    const now = Date.UTC(2026, 10, 22, 12);
    const secret = ecrPassword(new Date(now));
    await using places = await loginPlaces();
    await places.helper('usual', { [ECR]: ['AWS', secret] });
    const auths = { auths: { [ECR]: auth('AWS', secret) } };
    for (const [path, content, place, program] of [
      [places.own, auths, places.own, 'finch'],
      [places.own, { credsStore: 'usual' }, 'docker-credential-usual', 'finch'],
      [places.docker, auths, places.docker, 'docker'],
      [places.lasting, auths, places.lasting, 'podman'],
    ] as const) {
      await places.write(path, content);
      places.reports.length = 0;
      const { source } = fakeAws();
      const logins = places.logins({ source, now: () => now });
      for (const repository of ['a', 'b']) {
        expect(await logins.credential(ECR, { repository })).toMatchObject({
          secret: expect.stringContaining(CANARY),
        });
      }
      expect(places.reports).toEqual([
        `warning: the login for ${ECR} in ${place} ended at 2026-11-22T12:00:00Z; using AWS credentials (profile dev); remove it with: ${program} logout ${ECR}`,
      ]);
      await places.write(path, {});
    }
  });

  test('is used until then, and with its end', async () => {
    const expires = new Date(Date.UTC(2026, 10, 22, 12));
    const secret = ecrPassword(expires);
    await using places = await loginPlaces();
    await places.write(places.own, { auths: { [ECR]: auth('AWS', secret) } });
    let now = expires.getTime() - 1;
    const { source, asked } = fakeAws();
    const logins = places.logins({ source, now: () => now });
    const credential = { ...token(secret), expires };
    expect(await logins.find(server)).toEqual({ credential, place: places.own, isOwn: true });
    expect(await logins.credential(ECR, { afresh: true, refused: credential })).toEqual(credential);
    expect([asked, places.reports]).toEqual([[], []]);
    now += 1;
    expect(await logins.find(server, { afresh: true })).toMatchObject(made);
    expect(places.reports).toHaveLength(1);
  });

  test('is given when it has ended and there is no other, unless the registry refuses it', async () => {
    const secret = ecrPassword(new Date(0));
    await using places = await loginPlaces();
    await places.write(places.own, { auths: { [ECR]: auth('AWS', secret) } });
    const fails = () => new FinchError('AWS', 'AWS refuses');
    const logins = places.logins({ source: fakeAws({ fails }).source });
    const what = `the login for ${ECR} in ${places.own}`;
    const credential = { ...token(secret), expires: new Date(0) };
    expect(await logins.find(server)).toEqual({ credential, place: places.own, isOwn: true });
    expect(places.reports).toEqual([
      `warning: ${what} ended at 1970-01-01T00:00:00Z, and there is no other: AWS refuses; it is tried all the same, because the clock of this machine may be wrong`,
    ]);
    const refused = { afresh: true, refused: credential, hasEnded: true };
    expect(await logins.find(server, refused)).toBeUndefined();
  });

  test('is not looked into for servers for which none are made', async () => {
    const secret = ecrPassword(new Date(0));
    await using places = await loginPlaces();
    await places.write(places.own, { auths: { 'ghcr.io': auth('AWS', secret) } });
    expect(await places.logins({ source: fakeAws().source }).credential('ghcr.io')).toEqual(
      token(secret),
    );
    expect(places.reports).toEqual([]);
  });
});

describe('the logins that finch serves', () => {
  test('are made where none is kept, but not listed', async () => {
    await using places = await loginPlaces();
    const docker = { [ECR]: auth('me', CANARY) };
    await places.write(places.docker, { credsStore: 'ecr-login', auths: docker });
    await places.write(places.own, { credHelpers: { [ECR]: 'ecr-login' } });
    const home = dirname(places.own);
    for (const [env, wanted] of [
      [places.env, { username: 'AWS' }],
      [{ ...places.env, DOCKER_CONFIG: dirname(places.docker) }, { username: 'me' }],
    ] as const) {
      const { source, asked } = fakeAws();
      const around = { report: () => {}, trace: () => {} };
      const logins = servedLogins({ env, home, source, ...around });
      const listed = await logins.list();
      expect(listed.map(({ username }) => username)).toEqual(
        wanted.username === 'me' ? ['me'] : [],
      );
      expect(asked).toEqual([]);
      expect((await logins.find(server))?.credential).toMatchObject(wanted);
      expect(asked).toHaveLength(wanted.username === 'me' ? 0 : 1);
    }
  });
});
