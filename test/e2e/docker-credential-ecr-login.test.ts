import { describe, expect, test } from 'bun:test';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CANARY } from '../support/canary.ts';
import { ecrHelperBench, given, NOT_FOUND, REGISTRY, shown } from './support/ecr-helper.ts';
import { finchBinary, finchEnvironment } from './support/finch.ts';
import { filesIn } from './support/home-contents.ts';

const SILENCE = { stdout: '', stderr: '', exitCode: 0 };
const USAGE = 'Usage: docker-credential-ecr-login <store|get|erase|list|version>\n';

const ADVICE = /^docker-credential-ecr-login: [^\n]+; [^\n]+\n$/;

function loginOf(ServerURL: string, Username = 'AWS', Secret = CANARY): string {
  return JSON.stringify({ ServerURL, Username, Secret });
}

describe.each(['symbolic link', 'hard link', 'copy'] as const)(
  'docker-credential-ecr-login as a %s',
  (form) => {
    test('gives a password that the registry takes, in one line and in silence', async () => {
      await using bench = await ecrHelperBench(form);
      const { stdout, stderr, exitCode } = await bench.ask('get', REGISTRY);
      expect({ stdout: shown(stdout), stderr, exitCode }).toEqual(given(REGISTRY));
      const { Secret } = JSON.parse(stdout) as { readonly Secret: string };
      expect(bench.aws.issued(Secret)).toMatchObject({
        ...{ account: '111222333444', region: 'eu-west-1', service: 'ecr' },
      });
    });
  },
);

describe('docker-credential-ecr-login', () => {
  test('knows registries of Amazon ECR however callers write them, and repeats what they wrote', async () => {
    await using bench = await ecrHelperBench();
    for (const url of [
      ...[REGISTRY, `${REGISTRY}:443`, `https://${REGISTRY}`, `http://${REGISTRY}`],
      ...[`https://${REGISTRY}:443`, `https://${REGISTRY}/`, `https://${REGISTRY}/v2/`],
      ...[`https://${REGISTRY}/v1/`, `${REGISTRY}/team/app:1`, REGISTRY.toUpperCase()],
      ...['public.ecr.aws', 'https://public.ecr.aws', 'http://PUBLIC.ecr.aws:443/a/b'],
    ]) {
      const finished = await bench.ask('get', url);
      expect({ ...finished, stdout: shown(finished.stdout) }).toEqual(given(url));
    }
    const finished = await bench.ask('get', `${REGISTRY}\r\n`);
    expect(shown(finished.stdout)).toBe(given(REGISTRY).stdout);
    // One for the private registry, one for the public one.
    expect(bench.calls()).toEqual(['GetAuthorizationToken', 'GetAuthorizationToken']);
  });

  test('has nothing for any other registry, and asks nobody about it', async () => {
    await using bench = await ecrHelperBench();
    for (const url of [
      ...['ghcr.io', 'https://index.docker.io/v1/', `${REGISTRY}.example.com`, `a.${REGISTRY}`],
      ...[`https://${REGISTRY}@evil.example`, `https://me:${CANARY}@${REGISTRY}`],
      ...['https:///evil', `evil\\${REGISTRY}`, REGISTRY.replace('.dkr', '%2edkr')],
      ...[`${REGISTRY.slice(0, 16)}\n${REGISTRY.slice(16)}\n\n`, `${REGISTRY}\u0000`],
      ...[`${REGISTRY}\t.example`, `${'a'.repeat(5000)}.${REGISTRY}`, 'http://[::1]:5000'],
    ]) {
      expect({ url, ...(await bench.ask('get', url)) }).toEqual({
        ...{ url, stdout: NOT_FOUND, stderr: '', exitCode: 1 },
      });
    }
    expect(bench.calls()).toEqual([]);
  });

  test('takes what callers want kept or removed for Amazon ECR, and nothing else', async () => {
    await using bench = await ecrHelperBench();
    const before = await filesIn(bench.home);
    const refused = {
      ...{ stdout: 'not implemented\n', exitCode: 1 },
      stderr: expect.stringMatching(ADVICE),
    };
    for (const [setting, url, expected] of [
      [undefined, REGISTRY, SILENCE],
      [undefined, `https://${REGISTRY}/v2/`, SILENCE],
      [undefined, 'public.ecr.aws', SILENCE],
      [undefined, 'ghcr.io', refused],
      ['true', REGISTRY, SILENCE],
      ['true', 'ghcr.io', SILENCE],
      ['false', REGISTRY, refused],
      ['false', 'ghcr.io', refused],
    ] as const) {
      const env = setting === undefined ? {} : { AWS_ECR_IGNORE_CREDS_STORAGE: setting };
      const stored = await bench.ask('store', loginOf(url), env);
      expect({ url, setting, ...stored }).toEqual({ url, setting, ...expected });
      const erased = await bench.ask('erase', url, env);
      expect({ url, setting, ...erased }).toEqual({ url, setting, ...expected });
    }
    expect(bench.calls()).toEqual([]);
    expect(await filesIn(bench.home)).toEqual(before);
  });

  test('reads logins as programs in Go do: names in any case, and nothing behind the object', async () => {
    await using bench = await ecrHelperBench();
    const login = loginOf(REGISTRY);
    for (const stdin of [
      ...[`${login} and more`, `${login}}`, `${login}{`, `${login}\n${login}`],
      ...[login.toLowerCase(), login.replace('Username', 'userNAME')],
      loginOf(REGISTRY, 'AWS', '{"a}'),
    ]) {
      expect(await bench.ask('store', stdin)).toEqual(SILENCE);
    }
    const [lower, last] = [
      loginOf('ghcr.io', '').toLowerCase(),
      `{"Username":"",${login.slice(1)}`,
    ];
    expect((await bench.ask('store', lower)).stdout).toBe('no credentials username\n');
    expect(await bench.ask('store', last.replace('{"Username"', '{"username"'))).toEqual(SILENCE);
  });

  test('checks what it is told before it takes it', async () => {
    await using bench = await ecrHelperBench();
    for (const [action, stdin, stdout] of [
      ['get', '', 'no credentials server URL\n'],
      ['erase', ' \n', 'no credentials server URL\n'],
      ['store', loginOf(''), 'no credentials server URL\n'],
      ['store', loginOf('ghcr.io', ''), 'no credentials username\n'],
      ['store', loginOf(REGISTRY, ''), 'no credentials username\n'],
      ['store', '', 'what stdin holds is no JSON object\n'],
      ['store', `{"Secret":"${CANARY}"`, 'what stdin holds is no JSON object\n'],
    ] as const) {
      expect({ action, ...(await bench.ask(action, stdin)) }).toEqual({
        ...{ action, stdout, stderr: '', exitCode: 1 },
      });
    }
  });

  test('lists what it remembers, and asks nobody', async () => {
    await using bench = await ecrHelperBench();
    expect(await bench.ask('list', 'unused')).toEqual({ ...SILENCE, stdout: '{}\n' });
    await bench.ask('get', REGISTRY);
    await bench.ask('get', 'public.ecr.aws');
    const calls = bench.calls();
    const listed = `{"https://${REGISTRY}":"AWS","https://public.ecr.aws":"AWS"}\n`;
    expect(await bench.ask('list')).toEqual({ ...SILENCE, stdout: listed });
    expect(await bench.askAsNobody('list')).toMatchObject({ stderr: '', exitCode: 0 });
    expect(bench.calls()).toEqual(calls);
  });

  test('says which version it is, and how it is called', async () => {
    await using bench = await ecrHelperBench();
    const about = expect.stringMatching(/^docker-credential-ecr-login \(finch\) v\d+\.\d+\.\d+\n$/);
    const banner = expect.stringMatching(
      /^amazon-ecr-credential-helper\nVersion: {4}\d+\.\d+\.\d+ \(finch\)\nGit commit: [\w-]+\n$/,
    );
    const { helper, home } = bench;
    for (const [args, stdout, exitCode] of [
      [['version'], about, 0],
      [['--version'], about, 0],
      [['-v'], banner, 0],
      [['-v', 'get'], banner, 0],
      [['--help'], USAGE, 0],
      [['-h'], USAGE, 0],
      [[], USAGE, 1],
      [['get', REGISTRY], USAGE, 1],
      [['login'], 'docker-credential-ecr-login: unknown action: login\n', 1],
    ] as const) {
      const finished = await helper.run(args, { home });
      expect({ args, ...finished }).toEqual({ args, stdout, stderr: '', exitCode });
    }
    for (const flag of ['-x', '--x', '-x=1']) {
      expect(await helper.run([flag, 'get'], { home })).toEqual({
        ...{ stdout: '', exitCode: 2 },
        stderr: `flag provided but not defined: ${flag.replace('--', '-')}\n${USAGE}`,
      });
    }
  });

  test('is silent when all went well, also on a machine whose clock is off', async () => {
    await using bench = await ecrHelperBench();
    for (const minutes of [-20, 20]) {
      bench.aws.clockOffsetMs = minutes * 60_000;
      for (const env of [{}, { FINCH_DEBUG: '1' }]) {
        const { stdout, ...rest } = await bench.ask('get', REGISTRY, {
          ...{ ...env, AWS_ECR_DISABLE_CACHE: '1' },
        });
        expect({ ...rest, stdout: shown(stdout) }).toEqual(given(REGISTRY));
      }
    }
  });

  test('is what finch is when it is called so, from anywhere', async () => {
    await using bench = await ecrHelperBench();
    const called = async (argv0: string) => {
      const child = Bun.spawn([finchBinary, '--version'], {
        ...{ argv0, env: finchEnvironment(bench.home), stdout: 'pipe', stderr: 'ignore' },
      });
      return (await child.stdout.text()).split(' ')[0];
    };
    for (const name of [
      ...['docker-credential-ecr-login', '/a/b/docker-credential-ecr-login'],
      ...['docker-credential-ecr-login.exe', 'C:\\bin\\Docker-Credential-ECR-Login.EXE'],
    ]) {
      expect([name, await called(name)]).toEqual([name, 'docker-credential-ecr-login']);
    }
    for (const name of ['docker-credential-ecr', 'docker-credential-ecr-login-2', 'ecr-login']) {
      expect([name, await called(name)]).toEqual([name, 'finch']);
    }
  });

  test('says once why there is no password, however often a caller repeats', async () => {
    await using bench = await ecrHelperBench();
    const failed = { stdout: NOT_FOUND, exitCode: 1 };
    const finished = [];
    for (const url of [
      ...[`${REGISTRY}:443`, `https://${REGISTRY}:443`, `http://${REGISTRY}:443`],
      ...[REGISTRY, `https://${REGISTRY}`, `http://${REGISTRY}`],
    ]) {
      finished.push(await bench.askAsNobody('get', url));
    }
    expect(finished).toEqual([
      { ...failed, stderr: expect.stringMatching(ADVICE) },
      ...Array.from({ length: 5 }, () => ({ ...failed, stderr: '' })),
    ]);
    expect(finished[0]?.stderr).toContain('no AWS credentials');
    expect(bench.calls()).toEqual([]);
  });

  test('asks an AWS that refuses once, and says once what to do', async () => {
    await using bench = await ecrHelperBench();
    const user = bench.aws.addUser({ name: 'bob', allow: [] });
    const asBob = () => bench.ask('get', REGISTRY, bench.aws.environment(user));
    const first = await asBob();
    expect(first).toEqual({
      ...{ stdout: NOT_FOUND, exitCode: 1, stderr: expect.stringMatching(ADVICE) },
    });
    expect(first.stderr).toContain(user.arn);
    for (let i = 0; i < 5; i++) expect(await asBob()).toEqual({ ...first, stderr: '' });
    expect(bench.calls()).toEqual(['GetAuthorizationToken']);
    // Someone else is not told what bob has read.
    const { stdout } = await bench.ask('get', REGISTRY);
    expect(shown(stdout)).toBe(given(REGISTRY).stdout);
  });

  test('takes the profile that finch.yaml names for a registry', async () => {
    await using bench = await ecrHelperBench();
    const { accessKeyId, secretAccessKey } = bench.aws.addUser({ name: 'dev' });
    const credentials = bench.path('home/.aws/credentials');
    await mkdir(dirname(credentials), { recursive: true });
    await writeFile(
      credentials,
      `[dev]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
    );
    await writeFile(
      `${bench.home}/finch.yaml`,
      `ecr: { registries: { "${REGISTRY}": { profile: dev } } }\n`,
    );
    const env = { AWS_SHARED_CREDENTIALS_FILE: credentials };
    await bench.ask('get', REGISTRY, env);
    expect(bench.aws.log.at(-1)?.principal).toEndWith('user/dev');
    await bench.ask('get', REGISTRY.replace('eu-west-1', 'us-east-1'), env);
    expect(bench.aws.log.at(-1)?.principal).toBe(bench.user.arn);
  });
});
