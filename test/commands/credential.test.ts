import { describe, expect, test } from 'bun:test';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { filesIn } from '../e2e/support/home-contents.ts';
import { CANARY } from '../support/canary.ts';
import { type Finch, finch } from './command-line.ts';

const auth = (user: string) => ({ auth: Buffer.from(`${user}:${CANARY}`).toString('base64') });

async function writeConfig({ home }: Finch, config: object): Promise<void> {
  const path = join(home, 'config.json');
  await Bun.write(path, JSON.stringify(config));
  await chmod(path, 0o600);
}

/** What a command printed, as a test that fails may show it. */
function hidden(text: string): string {
  return text.replaceAll(CANARY, 'SECRET');
}

function ask(place: Finch, action: string, stdin: string) {
  return place.runWith({ stdin }, 'credential', action);
}

describe('finch credential', () => {
  test('gives a login that is kept', async () => {
    await using place = await finch();
    await writeConfig(place, { auths: { 'ghcr.io': auth('me') } });
    const { status, stdout, stderr } = await ask(place, 'get', 'https://ghcr.io\n');
    expect([status, hidden(stdout), stderr]).toEqual([
      0,
      '{"ServerURL":"https://ghcr.io","Username":"me","Secret":"SECRET"}\n',
      '',
    ]);
  });

  test('lists user names by server, without reading stdin', async () => {
    await using place = await finch();
    await writeConfig(place, {
      auths: { 'x.io:5000': auth('b'), 'https://index.docker.io/v1/': auth('a') },
    });
    expect(await place.run('credential', 'list')).toEqual({
      status: 0,
      stdout: '{"https://index.docker.io/v1/":"a","x.io:5000":"b"}\n',
      stderr: '',
    });
  });

  test('keeps a login without asking the registry, and forgets it', async () => {
    await using place = await finch({ env: { PATH: '' } });
    const login = { ServerURL: 'registry.invalid', Username: 'me', Secret: CANARY };
    const silence = { status: 0, stdout: '', stderr: '' };
    expect(await ask(place, 'store', JSON.stringify(login))).toEqual({
      ...silence,
      stderr: expect.stringMatching(/^warning: the password is kept unencrypted in [^\n]+\n$/),
    });
    const { stdout } = await ask(place, 'get', 'registry.invalid');
    expect(hidden(stdout)).toBe(`${hidden(JSON.stringify(login))}\n`);
    expect(await ask(place, 'erase', 'registry.invalid')).toEqual(silence);
    expect(await ask(place, 'erase', 'registry.invalid')).toEqual(silence);
    expect((await place.run('credential', 'list')).stdout).toBe('{}\n');
  });

  test.each([
    ['get', 'ghcr.io', 'there is no login for ghcr.io', 'finch login --list'],
    ['get', 'x\ny', 'there is no login for what stdin holds, which names no', 'finch login --list'],
    ['get', '\n', 'no credentials server URL', 'finch credential --help'],
    ['store', '{', 'what stdin holds is no JSON object', 'finch credential --help'],
    ['erase', 'a b', 'the server names no registry', 'finch credential --help'],
  ])('reports a failed %s of %j as finch reports errors', async (action, stdin, message, hint) => {
    await using place = await finch();
    await writeConfig(place, { auths: { 'x.io': auth('me') } });
    const before = await filesIn(place.home);
    const { status, stdout, stderr } = await ask(place, action, stdin);
    expect([status, stdout]).toEqual([1, '']);
    const [said = '', hinted = '', ...more] = stderr.trimEnd().split('\n');
    expect([said, hinted]).toEqual([
      expect.stringContaining(`finch: ${message}`),
      expect.stringContaining('hint: '),
    ]);
    expect(hinted).toContain(hint);
    expect(more).toEqual([]);
    expect(await filesIn(place.home)).toEqual(before);
  });

  test.each([
    ['get', 'echo SERVER | finch credential get'],
    ['store', 'finch login SERVER'],
    ['erase', 'finch logout SERVER'],
  ])('%s on a terminal says what to do instead', async (action, hint) => {
    await using place = await finch();
    const { status, stdout, stderr } = await place.run('credential', action);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toStartWith(
      `finch: finch credential ${action} reads stdin, which is a terminal\n`,
    );
    expect(stderr).toContain(hint);
  });

  test('reports a broken config.json, and leaves it', async () => {
    await using place = await finch();
    await Bun.write(join(place.home, 'config.json'), `{"auths": {"x.io": "${CANARY}`);
    const before = await filesIn(place.home);
    const login = JSON.stringify({ ServerURL: 'x.io', Username: 'me', Secret: CANARY });
    for (const [action, stdin] of [
      ['get', 'x.io'],
      ['list', ''],
      ['store', login],
      ['erase', 'x.io'],
    ] as const) {
      const { status, stdout, stderr } = await ask(place, action, stdin);
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/^finch: \S+config\.json.* JSON.*\nhint: .*\n$/);
      expect(stderr.includes(CANARY)).toBe(false);
    }
    expect(await filesIn(place.home)).toEqual(before);
  });

  test('finds logins in the home before those beside it, and forgets both', async () => {
    await using other = await finch();
    await using place = await finch({ env: { DOCKER_CONFIG: other.home } });
    await writeConfig(place, { auths: { 'x.io': auth('home') } });
    await writeConfig(other, {
      credsStore: 'finch',
      auths: { 'x.io': auth('beside'), 'y.io': auth('beside'), 'z.io': {} },
    });
    const user = async (server: string) =>
      /"Username":"(\w+)"/.exec((await ask(place, 'get', server)).stdout)?.[1];
    expect([await user('x.io'), await user('y.io'), await user('z.io')]).toEqual([
      ...['home', 'beside', undefined],
    ]);
    expect((await place.run('credential', 'list')).stdout).toBe(
      '{"x.io":"home","y.io":"beside"}\n',
    );
    await ask(place, 'erase', 'x.io');
    expect(await user('x.io')).toBeUndefined();
    const login = JSON.stringify({ ServerURL: 'y.io', Username: 'new', Secret: CANARY });
    await ask(place, 'store', login);
    expect(await user('y.io')).toBe('new');
    const beside = (await Bun.file(join(other.home, 'config.json')).json()) as { auths: object };
    expect(Object.keys(beside)).toEqual(['credsStore', 'auths']);
    expect(Object.keys(beside.auths)).toEqual(['y.io', 'z.io']);
  });
});
