import { describe, expect, test } from 'bun:test';
import { chmod } from 'node:fs/promises';
import { dirname } from 'node:path';
import { servedLogins } from '../../src/credentials/served-logins.ts';
import { serverName } from '../../src/credentials/server-name.ts';
import { CANARY } from '../support/canary.ts';
import { auth, type HelperBehaviour, loginPlaces } from '../support/login-places.ts';
import { expectFailure } from './failures.ts';

const HUB = 'https://index.docker.io/v1/';
const ghcr = serverName('ghcr.io');

/** Ways in which a helper can be of no use, each with how the user is told. */
const useless: readonly [name: string, behaviour: HelperBehaviour, told: RegExp][] = [
  [
    'fails',
    { first: 'echo "no display"; exit 1' },
    /docker-credential-bad failed to get: no display/,
  ],
  ['hangs', { first: 'exec sleep 60' }, /docker-credential-bad did not end within 0.1 s/],
  ['says what is no JSON', { first: 'echo hello; exit 0' }, /docker-credential-bad is not JSON/],
  [
    'answers for another server',
    { first: `echo '{"ServerURL":"evil.test","Username":"a","Secret":"b"}'; exit 0` },
    /docker-credential-bad is for another server/,
  ],
];

describe('a login is found', () => {
  test('in each place, in the order in which they are', async () => {
    await using places = await loginPlaces();
    await places.helper('host', { 'ghcr.io': ['1', 's'] });
    await places.helper('usual', { 'ghcr.io': ['2', 's'] });
    await places.helper('dockers', { 'ghcr.io': ['4', 's'] });
    await places.helper('podmans', { 'ghcr.io': ['6', 's'] });
    const steps: readonly [path: string, without: object][] = [
      [places.own, { credsStore: 'usual', auths: { 'ghcr.io': auth('3', 's') } }],
      [places.own, { auths: { 'ghcr.io': auth('3', 's') } }],
      [places.own, {}],
      [places.docker, { auths: { 'ghcr.io': auth('5', 's') } }],
      [places.docker, {}],
      [places.session, { credsStore: 'usual', auths: { 'ghcr.io': auth('7', 's') } }],
      [places.session, { credsStore: 'usual' }],
      [places.lasting, {}],
    ];
    await places.write(places.own, {
      ...{ credHelpers: { 'ghcr.io': 'host' }, credsStore: 'usual' },
      auths: { 'ghcr.io': auth('3', 's') },
    });
    await places.write(places.docker, {
      ...{ credsStore: 'dockers', auths: { 'ghcr.io': auth('5', 's') } },
    });
    await places.write(places.session, {
      ...{ credHelpers: { 'ghcr.io': 'podmans' }, auths: { 'ghcr.io': auth('7', 's') } },
    });
    await places.write(places.lasting, { auths: { 'ghcr.io': auth('8', 's') } });
    const found: (readonly [string, string] | undefined)[] = [];
    for (const step of [undefined, ...steps]) {
      if (step) await places.write(...step);
      const login = await places.logins().find(ghcr);
      const user = login?.credential.kind === 'password' ? login.credential.username : '';
      found.push(login && [user, login.place]);
    }
    expect(found).toEqual([
      ['1', 'docker-credential-host'],
      ['2', 'docker-credential-usual'],
      ['3', places.own],
      ['4', 'docker-credential-dockers'],
      ['5', places.docker],
      ['6', 'docker-credential-podmans'],
      ['7', places.session],
      ['8', places.lasting],
      undefined,
    ]);
    expect(places.reports).toEqual([]);
  });

  test.each(useless)('below a helper that %s, which is told once', async (how, behaviour, told) => {
    await using places = await loginPlaces();
    await places.helper('bad', {}, behaviour);
    const steps = [
      { own: { credHelpers: { 'ghcr.io': 'bad' }, auths: { 'ghcr.io': auth('me', 's') } } },
      { own: { credsStore: 'bad', auths: { 'ghcr.io': auth('me', 's') } } },
      { own: { credsStore: 'bad' }, docker: { auths: { 'ghcr.io': auth('me', 's') } } },
      { docker: { credsStore: 'bad' }, session: { auths: { 'ghcr.io': auth('me', 's') } } },
      {
        session: { credHelpers: { 'ghcr.io': 'bad' } },
        lasting: { auths: { 'ghcr.io': auth('me', 's') } },
      },
    ];
    for (const { own = {}, docker = {}, session = {}, lasting = {} } of steps) {
      await places.write(places.own, own);
      await places.write(places.docker, docker);
      await places.write(places.session, session);
      await places.write(places.lasting, lasting);
      places.reports.length = 0;
      const logins = places.logins(how === 'hangs' ? { timeoutMs: 100 } : {});
      for (const repository of ['a', 'b']) {
        expect(await logins.credential('ghcr.io', { repository })).toMatchObject({
          username: 'me',
        });
      }
      expect(places.reports).toHaveLength(1);
      expect(places.reports[0]).toMatch(told);
      expect(places.reports[0]).toMatch(/^warning: [^\n]*; [^\n]+$/);
    }
  });

  test('below a helper that is not there or has an impossible name', async () => {
    await using places = await loginPlaces();
    const auths = { 'ghcr.io': auth('me', 's') };
    for (const name of ['not-there', '../../bin/evil', 'a b', '-x', 'x\nfinch: all is well']) {
      for (const config of [{ credsStore: name }, { credHelpers: { 'ghcr.io': name } }]) {
        await places.write(places.own, { ...config, auths });
        places.reports.length = 0;
        expect(await places.logins().credential('ghcr.io')).toMatchObject({ username: 'me' });
        expect(places.reports).toHaveLength(1);
        expect(places.reports[0]).toMatch(/^warning: [^\n]*; [^\n]+$/);
      }
    }
  });

  test('below a helper that knows no such host, without a word', async () => {
    await using places = await loginPlaces();
    await places.helper('usual', { 'other.test': ['x', 's'] });
    await places.write(places.own, { credsStore: 'usual', auths: { 'ghcr.io': auth('me', 's') } });
    expect(await places.logins().credential('ghcr.io')).toMatchObject({ username: 'me' });
    expect(places.reports).toEqual([]);
    expect(places.traces.join('\n')).toContain(`the login for ghcr.io is from ${places.own}`);
  });

  test.each(['', 'finch', 'FINCH'])(
    'in the file itself where its helper is %j, and no other is asked',
    async (name) => {
      await using places = await loginPlaces();
      await places.helper('usual', { 'ghcr.io': ['other', 's'] });
      await places.write(places.own, {
        ...{ credHelpers: { 'ghcr.io': name }, credsStore: 'usual' },
        auths: { 'ghcr.io': auth('me', 's') },
      });
      expect(await places.logins().credential('ghcr.io')).toMatchObject({ username: 'me' });
      expect(await places.asked('usual')).toEqual([]);
    },
  );

  test.each([HUB, 'docker.io', 'index.docker.io', 'https://registry-1.docker.io/v2/'])(
    'for Docker Hub by a helper that is named for %j',
    async (key) => {
      await using places = await loginPlaces();
      await places.helper('hub', { [HUB]: ['me', 's'] });
      await places.write(places.own, { credHelpers: { [key]: 'hub' } });
      for (const registry of ['docker.io', 'index.docker.io', 'registry-1.docker.io:443']) {
        expect(await places.logins().credential(registry)).toMatchObject({ username: 'me' });
      }
    },
  );

  test('for the longest part of the repository that podman has one for', async () => {
    await using places = await loginPlaces();
    await places.write(places.session, {
      auths: { 'quay.io': auth('all', 's'), 'quay.io/team': auth('team', 's') },
    });
    const logins = places.logins();
    const user = async (repository?: string) => {
      const credential = await logins.credential('quay.io', { repository });
      return credential?.kind === 'password' ? credential.username : undefined;
    };
    expect([await user(), await user('team/app'), await user('teammate/app')]).toEqual([
      ...['all', 'team', 'all'],
    ]);
  });

  test('only in the own file where there are no others', async () => {
    await using places = await loginPlaces();
    await places.write(places.docker, { auths: { 'ghcr.io': auth('me', 's') } });
    expect(await places.logins({ others: [] }).credential('ghcr.io')).toBeUndefined();
    expect(await places.logins().credential('ghcr.io')).toMatchObject({ username: 'me' });
  });
});

describe('a helper is asked once', () => {
  test('by many at the same time and by who comes later, for whichever repository', async () => {
    await using places = await loginPlaces();
    await places.helper('usual', { 'ghcr.io': ['me', 's'] });
    await places.write(places.own, { credsStore: 'usual' });
    const logins = places.logins();
    const repositories = ['a', 'b', 'a', undefined];
    const found = await Promise.all(
      repositories.map((repository) => logins.credential('ghcr.io', { repository })),
    );
    expect(found).toEqual(found.map(() => ({ kind: 'password', username: 'me', secret: 's' })));
    await logins.find(ghcr, { repository: 'c' });
    expect(await places.asked('usual')).toEqual(['get ghcr.io']);
  });

  test('but once more when a login has changed', async () => {
    await using places = await loginPlaces();
    await places.helper('usual');
    await places.write(places.own, { credsStore: 'usual' });
    const logins = places.logins();
    const me = { kind: 'password', username: 'me', secret: 's' } as const;
    expect(await logins.find(ghcr)).toBeUndefined();
    await logins.save(ghcr, me);
    expect(await logins.find(ghcr)).toEqual({
      ...{ credential: me, place: 'docker-credential-usual', isOwn: true },
    });
    await logins.forget(ghcr);
    expect(await logins.find(ghcr)).toBeUndefined();
  });

  test('also by who waited for one that gave up', async () => {
    await using places = await loginPlaces();
    const gate = `[ -e '${places.folder}/open' ] || { touch '${places.folder}/open'; exec sleep 60; }`;
    await places.helper('usual', { 'ghcr.io': ['me', 's'] }, { first: gate });
    await places.write(places.own, { credsStore: 'usual' });
    const logins = places.logins();
    const impatient = new AbortController();
    const one = logins.credential('ghcr.io', { signal: impatient.signal });
    const other = logins.credential('ghcr.io');
    while (!(await Bun.file(`${places.folder}/open`).exists())) await Bun.sleep(1);
    impatient.abort(new Error('enough'));
    await expect(one).rejects.toThrow('enough');
    expect(await other).toMatchObject({ username: 'me' });
    expect(places.reports).toEqual([]);
  });
});

test('that others can read the own file is told once, and only when a login is from it', async () => {
  await using places = await loginPlaces();
  await places.write(places.own, { auths: { 'ghcr.io': auth('me', 's') } });
  await chmod(places.own, 0o644);
  const logins = places.logins();
  await logins.credential('other.test');
  expect(places.reports).toEqual([]);
  for (const repository of ['a', 'b']) await logins.credential('ghcr.io', { repository });
  expect(places.reports).toHaveLength(1);
  expect(places.reports[0]).toMatch(/^warning: others can read the logins in .*; .*chmod 600/);
});

describe('a file that is broken', () => {
  const broken: readonly [what: string, text: string][] = [
    ['is no JSON', '{"auths":'],
    ['has no object of helpers', '{"credHelpers":["a"]}'],
    ['has a helper that is no text', '{"credHelpers":{"ghcr.io":7}}'],
    ['has no object of logins', '{"auths":[]}'],
    ['has a login that cannot be read', '{"auths":{"ghcr.io":{"auth":"%"}}}'],
  ];

  test.each(broken)("and finch's own is an error: it %s", async (_, text) => {
    await using places = await loginPlaces();
    await places.write(places.own, {});
    await Bun.write(places.own, text);
    await places.write(places.docker, { auths: { 'ghcr.io': auth('me', 's') } });
    const error = await expectFailure(places.logins().find(ghcr), 'CONFIG_INVALID');
    expect(error.message).toContain(places.own);
    expect(places.reports).toEqual([]);
  });

  test.each(broken)("and another's is told once and hides nothing: it %s", async (_, text) => {
    await using places = await loginPlaces();
    await places.write(places.docker, {});
    await Bun.write(places.docker, text);
    await places.write(places.session, { auths: { 'ghcr.io': auth('me', 's') } });
    const logins = places.logins();
    for (const repository of ['a', 'b']) {
      expect(await logins.credential('ghcr.io', { repository })).toMatchObject({ username: 'me' });
    }
    expect(places.reports).toHaveLength(1);
    expect(places.reports[0]).toMatch(/^warning: [^\n]*; [^\n]+$/);
    expect(places.reports[0]).toContain(places.docker);
    expect(await Bun.file(places.docker).text()).toBe(text);
  });

  test.skipIf(process.getuid?.() === 0)("or may not be read is another's problem", async () => {
    await using places = await loginPlaces();
    await places.write(places.docker, {});
    await chmod(places.docker, 0);
    await places.write(places.session, { auths: { 'ghcr.io': auth('me', 's') } });
    expect(await places.logins().credential('ghcr.io')).toMatchObject({ username: 'me' });
    expect(places.reports).toHaveLength(1);
  });
});

describe('the helper finch, in a folder of DOCKER_CONFIG, stands for the file in the home of finch', () => {
  const me = { kind: 'password', username: 'me', secret: CANARY } as const;

  /** Places in which `DOCKER_CONFIG` names finch, with logins for both ways to ask. */
  async function served() {
    const places = await loginPlaces();
    const folder = `${places.folder}/other`;
    const other = `${folder}/config.json`;
    await places.write(other, { credsStore: 'finch', auths: { 'ghcr.io': auth('old', 's') } });
    const env = { ...places.env, DOCKER_CONFIG: folder };
    const { report, home } = {
      report: places.reports.push.bind(places.reports),
      home: dirname(places.own),
    };
    const helper = () => servedLogins({ env, home, report, trace: () => {} });
    return { ...places, other, helper, logins: () => places.logins({ env }) };
  }

  test('so that a login is found by docker and by finch, whoever keeps it', async () => {
    for (const keeper of ['helper', 'logins'] as const) {
      await using places = await served();
      await places[keeper]().save(ghcr, me);
      expect(await places.json(places.own)).toEqual({ auths: { 'ghcr.io': auth('me', CANARY) } });
      expect(places.reports).toEqual([
        expect.stringContaining('warning: the password is kept unencrypted in '),
      ]);
      expect((await places.helper().find(ghcr))?.credential).toEqual(me);
      expect((await places.logins().find(ghcr))?.credential).toEqual(me);
      expect(await places.logins().list()).toMatchObject([
        { registry: 'ghcr.io', username: 'me', place: 'docker-credential-finch' },
        ...(keeper === 'helper' ? [{ registry: 'ghcr.io', username: 'old' }] : []),
      ]);
    }
  });

  test('and is forgotten by both', async () => {
    await using places = await served();
    await places.helper().save(ghcr, me);
    const { removed } = await places.logins().forget(ghcr);
    expect(removed.map(({ place }) => place)).toEqual(['docker-credential-finch', places.other]);
    expect(await places.helper().find(ghcr)).toBeUndefined();
  });
});
