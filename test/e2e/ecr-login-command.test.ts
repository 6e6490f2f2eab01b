import { describe, expect, test } from 'bun:test';
import { chmod, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { aliasOf } from '../support/aws/repositories.ts';
import type { AwsStandIn, AwsUser } from '../support/aws/stand-in.ts';
import { ecrPassword } from '../support/fake-aws.ts';
import { writeHelper } from '../support/helper-programs.ts';
import { buildImage, layerTar } from '../support/images.ts';
import { auth } from '../support/login-places.ts';
import { type AwsBench, awsBench, ECR_HOST } from './support/aws-bench.ts';
import { expectError } from './support/expectations.ts';
import { installHelper } from './support/helper-install.ts';
import { filesIn } from './support/home-contents.ts';

const NAME = `${ECR_HOST}/app:1`;
const WHO = 'Authenticating with AWS credentials (the environment)...\n';

/** A bench with a repository, an image for it, and somebody who may do everything. */
async function bench() {
  const all = await awsBench();
  all.aws.repositories.create({ name: 'app' });
  const user = all.aws.addUser();
  await all.load(NAME);
  return { ...all, user, env: all.as(user) };
}

/** How often somebody has asked AWS for a token. */
function tokens({ log }: AwsStandIn): number {
  return log.filter(({ action }) => action === 'GetAuthorizationToken').length;
}

async function writeConfig({ home }: AwsBench, config: object): Promise<void> {
  const path = join(home, 'config.json');
  await Bun.write(path, JSON.stringify(config));
  await chmod(path, 0o600);
}

function config({ home }: AwsBench): Promise<unknown> {
  return Bun.file(join(home, 'config.json')).json();
}

/** What `aws ecr get-login-password` prints. */
async function password({ ok }: AwsBench, env: Record<string, string>, region = 'us-east-1') {
  return (await ok(`ecr login-password --region ${region}`, { env })).trim();
}

/** Whose logins the registry has taken since. */
function principals({ log }: AwsStandIn, since = 0): readonly string[] {
  const asked = log.slice(since).filter(({ service }) => service === 'registry');
  return [...new Set(asked.flatMap(({ principal }) => principal ?? []))];
}

describe('finch login', () => {
  test('without a user name logs in with AWS credentials, and stores nothing', async () => {
    await using all = await bench();
    const { run, ok, env, aws, user } = all;
    expect(await run(`login ${ECR_HOST}`, { env })).toEqual({
      ...{ stdout: 'Login Succeeded\n', stderr: WHO, exitCode: 0 },
    });
    expect(
      Object.keys(await filesIn(all.home)).filter((name) => /config|realms/.test(name)),
    ).toEqual([]);
    await ok(`push -q ${NAME}`, { env });
    await ok(`login https://${ECR_HOST.toUpperCase()}/`, { env });
    expect([tokens(aws), principals(aws)]).toEqual([1, [user.arn]]);
  });

  test('without AWS credentials says where it looked, and both ways to log in', async () => {
    await using all = await bench();
    const before = await filesIn(all.home);
    for (const host of [ECR_HOST, 'public.ecr.aws']) {
      const stderr = await all.fails(`login ${host}`);
      expectError(stderr, /^finch: no AWS credentials found \(looked at: /);
      expect(stderr).toMatch(
        new RegExp(
          `^hint: .*aws sso login.*; or .*finch login --username AWS --password-stdin ${host}$`,
          'm',
        ),
      );
    }
    const { [`ecr-state.json`]: _, ...after } = await filesIn(all.home);
    for (const [name, digest] of Object.entries(before)) expect(after[name]).toBe(digest);
    expect(Object.keys(after)).not.toContain('config.json');
  });

  test.each([
    ['nothing configured', {}],
    ['`credHelpers`', { credHelpers: { [ECR_HOST]: 'ecr-login' } }],
    ['`credsStore`', { credsStore: 'ecr-login' }],
  ])(
    'with the token of the AWS CLI verifies and stores it, with %s',
    async (_, configured: object) => {
      await using all = await bench();
      const { run, ok, aws } = all;
      const [alice, bob] = [aws.addUser({ name: 'alice' }), aws.addUser({ name: 'bob' })];
      await writeConfig(all, configured);
      const trap = join(all.folder, 'trap');
      await writeHelper(trap, 'ecr-login', `touch '${trap}/was-run'; exit 1`);
      const around = (user: AwsUser) => ({
        ...all.as(user),
        PATH: `${trap}:${process.env['PATH']}`,
      });
      const secret = await password(all, all.as(alice));
      const line = `login -u AWS --password-stdin ${ECR_HOST}`;
      const wrong = await all.fails(line, { stdin: ecrPassword(new Date(8e12)), env: around(bob) });
      expectError(wrong, /^finch: login to .* was refused/);
      expect(await config(all)).toEqual(configured);
      const login = await run(line, { stdin: secret, env: around(bob) });
      expect([login.exitCode, login.stdout]).toEqual([0, 'Login Succeeded\n']);
      expect(login.stderr).toMatch(/^warning: the password is kept unencrypted in [^\n]*\n$/);
      const kept = { ...configured, auths: { [ECR_HOST]: auth('AWS', secret) } };
      expect(await config(all)).toEqual(kept);
      const since = aws.log.length;
      await ok(`push -q ${NAME}`, { env: around(bob) });
      expect(principals(aws, since)).toEqual([alice.arn]);
      const existing = await run(`login ${ECR_HOST}`, { env: around(bob) });
      expect(existing.stderr).toContain(
        'Authenticating with existing credentials... [Username: AWS]',
      );

      expect(await run(`logout ${ECR_HOST}`, { env: around(bob) })).toEqual({
        ...{ stdout: '', exitCode: 0 },
        stderr: `removed the login for ${ECR_HOST} from ${join(all.home, 'config.json')}\nAWS credentials are still used for ${ECR_HOST}, where there are some\n`,
      });
      expect(await config(all)).toEqual({ ...configured, auths: {} });
      const later = aws.log.length;
      await ok(`pull -q ${NAME}`, { env: around(bob) });
      expect(principals(aws, later)).toEqual([bob.arn]);
      expect(await Bun.file(`${trap}/was-run`).exists()).toBe(false);
    },
  );

  test('passes over a token that says it has ended, and says so once', async () => {
    await using all = await bench();
    const { env, aws, user } = all;
    const ended = ecrPassword(new Date(Date.UTC(2026, 0, 2, 3, 4, 5)));
    await writeConfig(all, { auths: { [ECR_HOST]: auth('AWS', ended) } });
    const { stderr, exitCode } = await all.run(`push -q ${NAME}`, { env });
    expect([exitCode, stderr]).toEqual([
      0,
      `warning: the login for ${ECR_HOST} in ${join(all.home, 'config.json')} ended at 2026-01-02T03:04:05Z; using AWS credentials (the environment); remove it with: finch logout ${ECR_HOST}\n`,
    ]);
    expect(principals(aws)).toEqual([user.arn]);
    const before = aws.log.length;
    const failed = await all.fails(`push ${NAME}`);
    expect(failed).toMatch(
      /^warning: the login .* ended at 2026-01-02T03:04:05Z, and there is no other: no AWS cred.*; it is tried all the same/,
    );
    expectError(failed, /^finch: /, `log in with: finch login ${ECR_HOST}`);
    expect(principals(aws, before)).toEqual([]);
  });

  test('leaves it to the registry whether a token has ended, where there is no other', async () => {
    await using all = await bench();
    const { aws, env, user } = all;
    // The clock of AWS: that of this machine is ahead.
    aws.clockOffsetMs = -13 * 3_600_000;
    const secret = await password(all, env);
    await all.run(`login -u AWS --password-stdin ${ECR_HOST}`, { stdin: secret });
    expect(await config(all)).toEqual({ auths: { [ECR_HOST]: auth('AWS', secret) } });
    const before = aws.log.length;
    const { exitCode, stderr } = await all.run(`push -q ${NAME}`);
    expect([exitCode, stderr]).toEqual([
      0,
      expect.stringMatching(
        /^warning: the login for .* ended at .*Z, and there is no other: .*; it is tried all the same, because the clock of this machine may be wrong\n$/,
      ),
    ]);
    expect(principals(aws, before)).toEqual([user.arn]);
  });

  test('takes away the token that is refused, and no other', async () => {
    await using all = await bench();
    const { env, aws } = all;
    const good = await password(all, env);
    const bad = ecrPassword(new Date(8e12));
    const others = { [`https://${ECR_HOST}/v2/`]: auth('AWS', good), 'ghcr.io': auth('a', 'b') };
    await writeConfig(all, { auths: { [ECR_HOST]: auth('AWS', bad), ...others } });
    const { exitCode, stderr } = await all.run(`login ${ECR_HOST}`, { env });
    const path = join(all.home, 'config.json');
    expect(stderr).toContain(
      `they are in ${path}; for another account: finch logout ${ECR_HOST}, then finch ecr setup --profile NAME ${ECR_HOST}\n`,
    );
    expect(stderr).toEndWith(
      `removed the login for ${ECR_HOST} from ${path}: it was refused\nfrom now on the login in ${path} is tried first: it was accepted\n`,
    );
    expect([exitCode, await config(all)]).toEqual([0, { auths: others }]);
    // The next one is refused as well.
    aws.expire(good);
    await all.ok(`login ${ECR_HOST}`, { env });
    expect(await config(all)).toEqual({ auths: { 'ghcr.io': auth('a', 'b') } });
  });

  test('uses AWS credentials after a token that the registry refuses', async () => {
    await using all = await bench();
    const { env, aws } = all;
    const secret = await password(all, env);
    await writeConfig(all, { auths: { [ECR_HOST]: auth('AWS', secret) } });
    aws.expire(secret);
    const { exitCode, stdout, stderr } = await all.run(`login ${ECR_HOST}`, { env });
    expect([exitCode, stdout]).toEqual([0, 'Login Succeeded\n']);
    expect(stderr).toContain(WHO);
    const path = join(all.home, 'config.json');
    expect(stderr).toEndWith(`removed the login for ${ECR_HOST} from ${path}: it was refused\n`);
    await all.ok(`push -q ${NAME}`, { env });
  });

  test('sends no password of AWS to Docker Hub, and no other user to Amazon ECR', async () => {
    await using all = await bench();
    const line = 'finch login -u AWS --password-stdin public.ecr.aws';
    const stdin = await password(all, all.env);
    const before = all.aws.log.length;
    const hub = await all.fails('login --username AWS --password-stdin', { stdin });
    expectError(hub, /^finch: AWS is the user of Amazon ECR/);
    expect(hub).toContain(line);
    expectError(
      await all.fails(`login -u me --password-stdin ${ECR_HOST}`, { stdin }),
      `the user name for ${ECR_HOST} must be AWS`,
      /finch login -u AWS --password-stdin/,
    );
    expect(all.aws.log.length).toBe(before);
  });

  test('refuses a token of another region, and stores nothing', async () => {
    await using all = await bench();
    const before = await filesIn(all.home);
    const secret = await password(all, all.env, 'eu-west-1');
    const line = `login -u AWS --password-stdin ${ECR_HOST}`;
    expectError(
      await all.fails(line, { stdin: secret, env: all.env }),
      /it takes no such password, which may be of another region/,
      /must be for region us-east-1; .*: finch login /,
    );
    expect(await Bun.file(join(all.home, 'config.json')).exists()).toBe(false);
    expect(await filesIn(all.home)).toMatchObject(before);
  });

  test('logs in to ECR Public, where pulling needs no login and pushing does', async () => {
    await using all = await bench();
    const { run, ok, fails, env, aws, user } = all;
    expect(await run('login public.ecr.aws', { env })).toEqual({
      ...{ stdout: 'Login Succeeded\n', stderr: WHO, exitCode: 0 },
    });
    aws.repositories.create({ name: 'tool', isPublic: true });
    const name = `public.ecr.aws/${aliasOf(user.account)}/tool:1`;
    await all.load(name);
    expectError(await fails(`push ${name}`), /^finch: no AWS credentials found/);
    await ok(`push -q ${name}`, { env });
    // Nobody, half of somebody, and somebody whom AWS refuses.
    const poor = all.as(aws.addUser({ name: 'poor', allow: ['ecr:*'] }));
    for (const [around, notes] of [
      [{}, /^$/],
      [{ AWS_ACCESS_KEY_ID: 'AKIAHALF' }, /^warning: .*; pulling anonymously instead\n$/],
      [poor, /^warning: .*ecr-public:GetAuthorizationToken.*; pulling anonymously instead\n$/],
    ] as const) {
      const home = await all.newHome();
      const pulled = await run(`pull -q ${name}`, { env: around, home });
      expect(pulled).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(notes) });
    }
  });
});

test('a helper that is missing, or a link to nothing, is named, and AWS credentials are used', async () => {
  await using all = await bench();
  const { aws, env, user } = all;
  const bin = join(all.folder, 'bin');
  await mkdir(bin);
  await symlink(join(bin, 'nothing'), join(bin, 'docker-credential-linked'));
  for (const [helper, wanted] of [
    [
      'ecr-logn',
      /^warning: there is no docker-credential-ecr-logn on this machine; put it on PATH/,
    ],
    [
      'linked',
      /^warning: .*\/docker-credential-linked is a link that leads to no program; install/,
    ],
  ] as const) {
    await writeConfig(all, { credHelpers: { [ECR_HOST]: helper } });
    const around = { ...env, PATH: `${bin}:${process.env['PATH']}` };
    const { exitCode, stderr } = await all.run(`push -q ${NAME}`, { env: around });
    expect([exitCode, stderr.trimEnd().split('\n').length]).toEqual([0, 1]);
    expect(stderr).toMatch(wanted);
  }
  expect(principals(aws)).toEqual([user.arn]);
});

describe('a token that ends', () => {
  test('in the middle of a push is replaced once, and what was sent is sent again', async () => {
    for (const knobs of [{ endTokenAfterBytes: 150_000 }, { endTokenAfterRequests: 12 }]) {
      await using all = await bench();
      const { aws, env, ok } = all;
      const noise = () =>
        Buffer.from(crypto.getRandomValues(new Uint8Array(65_536))).toString('hex');
      const layers = Array.from({ length: 4 }, () => layerTar(noise()));
      const built = buildImage({ layers });
      await all.load(NAME, built);
      const side = await aws.registry();
      Object.assign(side.knobs, knobs);
      await ok(`push -q ${NAME}`, { env });
      expect(aws.log.some(({ status }) => status === 403)).toBe(true);
      expect(tokens(aws)).toBe(2);
      Object.assign(side.knobs, {
        endTokenAfterBytes: undefined,
        endTokenAfterRequests: undefined,
      });
      const home = await all.newHome();
      await ok(`pull -q ${NAME}`, { env, home });
    }
  });

  test('before a push is replaced once for all requests', async () => {
    await using all = await bench();
    const { aws, env, ok } = all;
    await ok(`login ${ECR_HOST}`, { env });
    const [sent] = aws.log.flatMap(({ service, authorization = '' }) =>
      service === 'registry' && authorization !== '' ? [authorization] : [],
    );
    aws.expire((sent ?? '').replace('Basic ', ''));
    await ok(`push -q ${NAME}`, { env });
    expect(tokens(aws)).toBe(2);
    // At a login too, and what came in its place is remembered.
    const last = aws.log.findLast(({ service }) => service === 'registry')?.authorization;
    aws.expire((last ?? '').replace('Basic ', ''));
    for (let i = 0; i < 2; i += 1) await ok(`login ${ECR_HOST}`, { env });
    expect(tokens(aws)).toBe(3);
  });

  test('and cannot be replaced leaves what the registry said, and why there is no other', async () => {
    await using all = await bench();
    const { aws, env, ok, fails } = all;
    await ok(`login ${ECR_HOST}`, { env });
    for (const { service, authorization } of aws.log) {
      if (service === 'registry' && authorization) aws.expire(authorization.replace('Basic ', ''));
    }
    aws.fail({ action: 'GetAuthorizationToken', type: 'AccessDeniedException', message: 'no' });
    const stderr = await fails(`push ${NAME}`, { env });
    expect(stderr).toMatch(/^warning: the login for .* was refused, and there is no other: /m);
    expectError(stderr, /^finch: /, /./);
  });
});

test('no password of Amazon ECR is in what --debug says, or in a file but the cache', async () => {
  await using all = await bench();
  const { aws, env, run } = all;
  const outputs = [
    await run(`--debug login ${ECR_HOST}`, { env }),
    await run(`--debug login public.ecr.aws`, { env }),
    await run(`--debug push ${NAME}`, { env }),
    await run(`--debug pull public.ecr.aws/x/y:1`, { env }),
  ];
  const passwords = aws.log.flatMap(({ service, authorization = '' }) => {
    const [, value] = /^(?:Basic|Bearer) (.+)$/.exec(authorization) ?? [];
    const plain = Buffer.from(value ?? '', 'base64').toString();
    return service === 'registry' && value ? [value, plain.replace(/^AWS:/, '')] : [];
  });
  expect(new Set(passwords).size).toBeGreaterThan(3);
  const files = await Array.fromAsync(
    new Bun.Glob('**/*').scan({ cwd: all.home, absolute: true, dot: true }),
  );
  const kept = files.filter((path) => !path.endsWith('/.ecr/cache.json'));
  expect(kept.length).toBe(files.length - 1);
  const texts = await Promise.all(kept.map((path) => Bun.file(path).text()));
  for (const secret of passwords) {
    for (const text of [...texts, ...outputs.flatMap(({ stdout, stderr }) => [stdout, stderr])]) {
      expect(text.includes(secret)).toBe(false);
    }
  }
});

describe('as a credential helper', () => {
  test('finch makes logins for Amazon ECR, and lists none', async () => {
    await using all = await bench();
    const { aws, env, home } = all;
    const helper = await installHelper(join(all.folder, 'bin'));
    const run = (action: string, stdin: string, more: Record<string, string> = env) =>
      helper.run([action], { home, stdin, env: { ...aws.environment(), ...more } });
    const get = await run('get', `https://${ECR_HOST}`);
    expect([get.exitCode, get.stderr]).toEqual([0, '']);
    const { ServerURL, Username, Secret } = JSON.parse(get.stdout);
    expect([ServerURL, Username]).toEqual([`https://${ECR_HOST}`, 'AWS']);
    expect(aws.issued(Secret)?.service).toBe('ecr');
    expect(await run('list', '')).toEqual({ stdout: '{}\n', stderr: '', exitCode: 0 });
    expect(tokens(aws)).toBe(1);
    expect(await all.ok('credential get', { env, stdin: ECR_HOST })).toContain(Secret);
    const none = await run('get', ECR_HOST, { HOME: await all.newHome(), ...nobody });
    expect([none.exitCode, none.stdout]).toEqual([1, 'credentials not found in native keychain\n']);
    expect(none.stderr).toMatch(/^no AWS credentials found.*\nhint: .*\n$/);
    const open = await run('get', 'public.ecr.aws', { HOME: await all.newHome(), ...nobody });
    expect([open.exitCode, open.stdout, open.stderr]).toEqual([
      1,
      'credentials not found in native keychain\n',
      '',
    ]);
  });
});

/** What takes the keys out of an environment. */
const nobody = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' };
