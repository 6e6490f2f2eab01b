import { describe, expect, test } from 'bun:test';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startMetadata } from '../support/aws/metadata.ts';
import { AWS_SECRET_CANARY, AWS_SESSION_CANARY } from '../support/aws/secrets.ts';
import { startSso } from '../support/aws/sso.ts';
import { type AwsStandIn, type AwsUser, startAws } from '../support/aws/stand-in.ts';
import { CANARY } from '../support/canary.ts';
import { finchOnTerminal } from './support/dialogue.ts';
import { expectError } from './support/expectations.ts';
import { filesIn } from './support/home-contents.ts';
import { workbench } from './support/workbench.ts';

/** A home with files of AWS in it, and finch that takes the stand-in for AWS. */
async function bench(aws?: AwsStandIn, env: Readonly<Record<string, string>> = {}) {
  const made = await workbench({
    ...aws?.environment(),
    AWS_EC2_METADATA_DISABLED: 'true',
    ...env,
  });
  const folder = join(made.home, '.aws');
  await mkdir(folder);
  return {
    ...made,
    folder,
    config: (text: string) => Bun.write(join(folder, 'config'), text),
    /** Asks who one is, which must fail, and changes nothing; gives stderr. */
    async refused(line = 'ecr whoami', extra: Readonly<Record<string, string>> = {}) {
      const before = await filesIn(made.home);
      const stderr = await made.fails(line, { env: extra });
      expect(await filesIn(made.home)).toEqual(before);
      // Nor a word of a program that was run, or of the SDK.
      expect(stderr.trimEnd().split('\n')).toHaveLength(2);
      for (const secret of [CANARY, AWS_SECRET_CANARY, AWS_SESSION_CANARY]) {
        expect(stderr.includes(secret)).toBe(false);
      }
      return stderr;
    },
    [Symbol.asyncDispose]: () => made[Symbol.asyncDispose](),
  };
}

const keysOf = ({ accessKeyId, secretAccessKey, sessionToken }: AwsUser) =>
  `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n${
    sessionToken === undefined ? '' : `aws_session_token = ${sessionToken}\n`
  }`;

describe('finch without an identity at AWS says', () => {
  test('where it has looked, when nothing says who the user is', async () => {
    await using it = await bench();
    expectError(
      await it.refused(),
      'no AWS credentials found (looked at: the environment, profile default, container; EC2 metadata skipped: AWS_EC2_METADATA_DISABLED is set)',
      'run aws configure or aws sso login, or set AWS_PROFILE',
    );
  });

  test('that the metadata service does not answer, and takes no second for it', async () => {
    await using it = await bench();
    await using metadata = startMetadata({ mode: 'silent' });
    expectError(
      await it.refused('ecr whoami', metadata.environment),
      /^finch: no AWS credentials found \(looked at: the environment, profile default, container; EC2 metadata failed: 127\.0\.0\.1:\d+ (?:sent|did|does|fell|stopped)/,
      'try again, or run aws configure or aws sso login, or set AWS_PROFILE',
    );
    const token = 'PUT /latest/api/token';
    const keys = 'GET /latest/meta-data/iam/security-credentials/';
    expect(metadata.requests).toEqual([token, token, keys]);
  });

  test('that the machine has no role', async () => {
    await using it = await bench();
    await using metadata = startMetadata();
    expectError(
      await it.refused('ecr whoami', metadata.environment),
      /EC2 metadata failed: this instance has no role\)$/,
    );
  });

  test('that a container gives none', async () => {
    await using it = await bench();
    await using server = startMetadata();
    const place = server.environment['AWS_EC2_METADATA_SERVICE_ENDPOINT'] ?? '';
    const full = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${place}/other` };
    expectError(
      await it.refused('ecr whoami', full),
      `the container gives no AWS credentials: ${new URL(place).host} answers 401`,
      'check AWS_CONTAINER_CREDENTIALS_FULL_URI and the role of this task or pod',
    );
    expectError(
      await it.refused('ecr whoami', {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://192.0.2.1/credentials',
      }),
      'AWS_CONTAINER_CREDENTIALS_FULL_URI names 192.0.2.1, which is no service of a container',
      'use https, or unset AWS_CONTAINER_CREDENTIALS_FULL_URI',
    );
  });

  test('which profiles there are, when one is not', async () => {
    await using it = await bench();
    await it.config('[default]\nregion = us-east-1\n[profile dev]\n');
    for (const [line, env] of [
      ['ecr whoami --profile nope', {}],
      ['ecr whoami', { AWS_PROFILE: 'nope' }],
    ] as const) {
      expectError(
        await it.refused(line, env),
        'AWS profile "nope" is not in ~/.aws/config or ~/.aws/credentials (found: default, dev)',
        'choose one of them with --profile or AWS_PROFILE',
      );
    }
  });

  test('which half of the keys is missing', async () => {
    await using it = await bench();
    await it.config('[default]\naws_access_key_id = AKIAHALF\n');
    expectError(
      await it.refused(),
      'aws_access_key_id is set but aws_secret_access_key is not, in profile default of the config file',
      'set both, or remove aws_access_key_id from profile default of the config file',
    );
    expectError(
      await it.refused('ecr whoami', { AWS_ACCESS_KEY_ID: 'AKIAHALF' }),
      'AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not, in the environment',
      'set both, or remove AWS_ACCESS_KEY_ID from the environment',
    );
    await it.config('');
    expectError(
      await it.refused('ecr whoami', { AWS_SECRET_ACCESS_KEY: AWS_SECRET_CANARY }),
      'no AWS credentials found (looked at: the environment (AWS_SECRET_ACCESS_KEY is set but AWS_ACCESS_KEY_ID is not), profile default, container; EC2 metadata skipped: AWS_EC2_METADATA_DISABLED is set)',
      'set AWS_ACCESS_KEY_ID too',
    );
  });

  test('which line of a file is wrong, but not what stands there', async () => {
    await using it = await bench();
    await it.config(`[default]\n${AWS_SECRET_CANARY}\n`);
    const path = join(it.folder, 'config');
    expectError(
      await it.refused(),
      `line 2 of ${path} is no NAME = VALUE`,
      `correct line 2 of ${path}`,
    );
  });

  test('which certificates it cannot read', async () => {
    await using aws = await startAws();
    await using it = await bench(aws);
    const user = aws.addUser();
    const path = it.path('none.pem');
    const env = { ...aws.environment(user), AWS_CA_BUNDLE: path };
    expectError(
      await it.refused('ecr whoami', env),
      `AWS_CA_BUNDLE names ${path}, which is not there`,
      'set AWS_CA_BUNDLE to a file of PEM text, or remove it',
    );
    await Bun.write(path, 'nothing');
    expectError(
      await it.refused('ecr whoami', env),
      `AWS_CA_BUNDLE names ${path}, which holds no certificate`,
    );
  });
});

describe('of a credential_process finch says', () => {
  const fix = 'run it by hand, or correct credential_process of profile default in ~/.aws/config';

  test.each([
    [
      `sh -c 'printf "\\n\\033[31mno ticket, password=${CANARY}\\nmore" >&2; exit 3'`,
      /^finch: credential_process of AWS profile "default" exited 3: \[31mno ticket, password=REDACTED$/,
    ],
    [
      `sh -c 'echo "{\\"SecretAccessKey\\":\\"${CANARY}\\"}" >&2; exit 1'`,
      /^finch: credential_process of AWS profile "default" exited 1: \{"SecretAccessKey":"REDACTED"\}$/,
    ],
    ['/nonexistent/give-keys', /: \/nonexistent\/give-keys is not found$/],
    ["sh -c 'echo hello'", / answered no JSON$/],
    [`sh -c 'echo "{}"'`, / answered no keys of "Version": 1$/],
    [`sh -c 'echo "{\\"Version\\":1}"'`, / answered no AccessKeyId$/],
    ["sh -c 'kill -9 $$'", / was ended by SIGKILL$/],
    ["'unclosed", / is no command line$/],
  ])('what is wrong: %#', async (command, message) => {
    await using it = await bench();
    await it.config(`[default]\nregion = us-east-1\ncredential_process = ${command}\n`);
    expectError(await it.refused(), message, fix);
  });
});

describe('of a role finch says', () => {
  async function roleBench(settings: string) {
    const stack = new AsyncDisposableStack();
    const aws = stack.use(await startAws());
    const it = stack.use(await bench(aws));
    const user = aws.addUser();
    const role = aws.addRole({ name: 'builder', trusts: [] });
    const roleArn = `[profile r]\nrole_arn = ${role.arn}\n${settings}`;
    return { ...it, aws, user, role, roleArn, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  }

  test('that the user may not assume it', async () => {
    await using it = await roleBench('source_profile = default\n');
    await it.config(`[default]\n${keysOf(it.user)}${it.roleArn}`);
    expectError(
      await it.refused('ecr whoami --profile r'),
      `AWS profile "r" cannot assume ${it.role.arn}: User: ${it.user.arn} is not authorized to perform: sts:AssumeRole on resource: ${it.role.arn}`,
      `check the trust policy of ${it.role.arn}, and that ${it.user.arn} may call sts:AssumeRole on it`,
    );
  });

  test('that the keys that assume it have expired, or are not known', async () => {
    await using it = await roleBench('source_profile = default\n');
    await it.config(`[default]\n${keysOf(it.aws.addUser({ expired: true }))}${it.roleArn}`);
    expectError(
      await it.refused('ecr whoami --profile r'),
      `AWS refused sts:AssumeRole for ${it.role.arn} of profile r: the session token of profile default has expired`,
      'get new keys for profile default, for one with SSO by: aws sso login',
    );
    await it.config(`[default]\n${keysOf({ ...it.user, accessKeyId: 'AKIAGONE' })}${it.roleArn}`);
    expectError(
      await it.refused('ecr whoami --profile r'),
      `AWS refused sts:AssumeRole for ${it.role.arn} of profile r: it does not know the access key AKIAGONE of profile default in us-east-1`,
    );
    const other = it.aws.addUser({ name: 'other' });
    const mixed = { ...it.user, secretAccessKey: other.secretAccessKey };
    await it.config(`[default]\n${keysOf(mixed)}${it.roleArn}`);
    expectError(
      await it.refused('ecr whoami --profile r'),
      /: the secret key of profile default does not belong to the access key AKIA…\w{4}$/,
    );
  });

  test('that its source is not there, is double, or goes in a circle', async () => {
    await using it = await roleBench('source_profile = gone\n');
    await it.config(it.roleArn);
    expectError(
      await it.refused('ecr whoami --profile r'),
      'AWS profile "r" has the source_profile "gone", which does not exist',
      'correct source_profile of profile r in ~/.aws/config',
    );
    await it.config(`${it.roleArn}credential_source = Environment\n`);
    expectError(
      await it.refused('ecr whoami --profile r'),
      'AWS profile "r" has both source_profile and credential_source',
    );
    await it.config(`${it.roleArn}\n[profile gone]\nrole_arn = a\nsource_profile = r\n`);
    expectError(
      await it.refused('ecr whoami --profile r'),
      "AWS profiles assume each other's roles in a circle: r -> gone -> r",
    );
  });

  test('that nobody can be asked for a code, and asks where somebody can be', async () => {
    await using it = await roleBench('source_profile = default\n');
    const serial = 'arn:aws:iam::111222333444:mfa/me';
    const mfa = { serial, code: '123456' };
    const role = it.aws.addRole({ name: 'guarded', trusts: [it.user.arn], mfa });
    await it.config(
      `[default]\n${keysOf(it.user)}[profile r]\nrole_arn = ${role.arn}\nrole_session_name = me\nsource_profile = default\nmfa_serial = ${serial}\n`,
    );
    expectError(
      await it.refused('ecr whoami --profile r'),
      `AWS profile "r" needs an MFA code (${serial})`,
      'run this in a terminal, or put temporary keys into the environment',
    );
    const { screen, exitCode } = await finchOnTerminal(['ecr', 'whoami', '--profile', 'r'], {
      home: it.home,
      env: { ...it.aws.environment() },
      answers: [{ when: serial, type: '123456\r' }],
    });
    expect(screen).toContain('assumed-role/guarded/me');
    expect(screen).not.toContain('123456');
    expect(exitCode).toBe(0);
    const empty = await finchOnTerminal(['ecr', 'whoami', '--profile', 'r'], {
      home: it.home,
      env: { ...it.aws.environment() },
      answers: [{ when: serial, type: '\r' }],
    });
    expect(empty.screen).toContain(
      `finch: no MFA code was typed, which AWS profile "r" needs (${serial})`,
    );
    const wrong = await finchOnTerminal(['ecr', 'whoami', '--profile', 'r'], {
      home: it.home,
      env: { ...it.aws.environment() },
      answers: [{ when: serial, type: '654321\r' }],
    });
    expect(wrong.screen).toContain('failed with invalid MFA one time pass code');
    expect(wrong.screen).toContain('hint: check the MFA code, the trust policy of');
    expect(wrong.exitCode).toBe(1);
  });

  test('that nobody answers, and what to do about an authority that it does not know', async () => {
    await using it = await roleBench('source_profile = default\n');
    await it.config(`[default]\n${keysOf(it.user)}${it.roleArn}`);
    expectError(
      await it.refused('ecr whoami --profile r', { AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:9' }),
      /127\.0\.0\.1:9/,
      'check the endpoint 127.0.0.1:9 in AWS_ENDPOINT_URL or endpoint_url',
    );
    expectError(
      await it.refused('ecr whoami --profile r', { AWS_CA_BUNDLE: '', SSL_CERT_FILE: '' }),
      'the certificate of sts.us-east-1.amazonaws.com is not trusted',
      /point AWS_CA_BUNDLE at a file with its certificate authority$/,
    );
  });

  test('that a web identity has no token, or not the right one', async () => {
    await using it = await roleBench('');
    const role = it.aws.addRole({ name: 'web', webIdentity: `${AWS_SESSION_CANARY}right` });
    const file = it.path('token');
    const env = { AWS_ROLE_ARN: role.arn, AWS_WEB_IDENTITY_TOKEN_FILE: file };
    expectError(
      await it.refused('ecr whoami', env),
      `the web identity token ${file} of the environment is not there`,
    );
    await Bun.write(file, `${AWS_SESSION_CANARY}wrong`);
    expectError(
      await it.refused('ecr whoami', env),
      `the web identity of the environment cannot assume ${role.arn}: Incorrect token audience`,
      `check the trust policy of ${role.arn}`,
    );
    expectError(
      await it.refused('ecr whoami', { AWS_WEB_IDENTITY_TOKEN_FILE: file }),
      'a web identity is configured in the environment but no role',
    );
  });
});

describe('of a sign-in finch says', () => {
  const session = '[sso-session s]\nsso_start_url = https://start.test\nsso_region = us-east-1\n';
  const profile =
    '[profile dev]\nsso_session = s\nsso_account_id = 111222333444\nsso_role_name = Dev\n';
  const older =
    '[profile old]\nsso_start_url = https://start.test\nsso_region = us-east-1\nsso_account_id = 111222333444\nsso_role_name = Dev\n';

  async function ssoBench({ canRenew = true } = {}) {
    const stack = new AsyncDisposableStack();
    const aws = stack.use(await startAws());
    const user = aws.addUser({ name: 'dev', session: true });
    const roles = [{ account: '111222333444', role: 'Dev', user }];
    const sso = stack.use(startSso({ roles, canRenew }));
    const it = stack.use(await bench(aws, sso.environment));
    await it.config(`${session}${profile}${older}`);
    const token = async (name: string, expires: number, extra: object = {}) => {
      const file = `${createHash('sha1').update(name).digest('hex')}.json`;
      const expiresAt = new Date(expires).toISOString();
      const text = JSON.stringify({ accessToken: sso.accessToken, expiresAt, ...extra });
      await Bun.write(join(it.folder, 'sso/cache', file), text);
    };
    return { ...it, aws, sso, token, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  }

  const hour = 3600_000;

  test('that it has not begun, has expired and when, or is not accepted any more', async () => {
    await using it = await ssoBench();
    const signIn = 'run: aws sso login --profile dev';
    expectError(
      await it.refused('ecr whoami --profile dev'),
      'the SSO session of AWS profile "dev" has not begun on this machine',
      signIn,
    );
    await it.token('s', Date.UTC(2026, 0, 2, 3, 4, 5));
    expectError(
      await it.refused('ecr whoami --profile dev'),
      'the SSO session of AWS profile "dev" expired at 2026-01-02T03:04:05.000Z',
      signIn,
    );
    await it.token('s', Date.now() + hour);
    it.sso.endSessions();
    expectError(
      await it.refused('ecr whoami --profile dev'),
      'the SSO session of AWS profile "dev" is not accepted any more',
      signIn,
    );
  });

  test('who one is, in both forms of the settings, and after a renewal', async () => {
    await using it = await ssoBench();
    await it.token('s', Date.now() + hour);
    await it.token('https://start.test', Date.now() + hour);
    expect(await it.ok('ecr whoami --profile dev')).toContain('user/dev');
    expect(await it.ok('ecr whoami --profile old')).toContain('user/dev');
    const { refreshToken } = it.sso;
    await it.token('s', Date.now() - hour, { clientId: 'c', clientSecret: CANARY, refreshToken });
    it.sso.endSessions();
    expect(await it.ok('ecr whoami --profile dev')).toContain('user/dev');
    expect(it.sso.requests).toContain('POST /token');
  });

  test('that a session cannot be renewed', async () => {
    await using it = await ssoBench({ canRenew: false });
    const { refreshToken } = it.sso;
    const renewable = { clientId: 'c', clientSecret: CANARY, refreshToken };
    await it.token('s', Date.UTC(2026, 0, 2, 3, 4, 5), renewable);
    expectError(
      await it.refused('ecr whoami --profile dev'),
      'the SSO session of AWS profile "dev" expired at 2026-01-02T03:04:05.000Z',
      'run: aws sso login --profile dev',
    );
  });

  test('that a role is not given, a session is not there, or a setting is missing', async () => {
    await using it = await ssoBench();
    await it.token('s', Date.now() + hour);
    await it.config(`${session}${profile.replace('Dev', 'Other')}`);
    expectError(
      await it.refused('ecr whoami --profile dev'),
      'SSO gives AWS profile "dev" no role Other in account 111222333444: No access',
      'check sso_account_id and sso_role_name of profile dev in ~/.aws/config',
    );
    await it.config(profile);
    expectError(
      await it.refused('ecr whoami --profile dev'),
      'AWS profile "dev" has the sso_session "s", which does not exist',
    );
    await it.config(older.replace(/sso_region.*\n/, ''));
    expectError(
      await it.refused('ecr whoami --profile old'),
      'AWS profile "old" uses SSO, but has no sso_region',
      'add sso_region to profile old in ~/.aws/config',
    );
  });

  test('how to begin a session of aws login', async () => {
    await using aws = await startAws();
    await using it = await bench(aws);
    const user = aws.addUser({ name: 'me', session: true });
    await it.config(`[profile dev]\nlogin_session = ${user.arn}\n`);
    expectError(
      await it.refused('ecr whoami --profile dev'),
      'the AWS login of profile "dev" has not begun on this machine',
      'run: aws login --profile dev',
    );
    const left = async (expires: number, more: object = {}) => {
      const { accessKeyId, secretAccessKey, sessionToken, account } = user;
      const keys = { accessKeyId, secretAccessKey, sessionToken, accountId: account };
      const accessToken = { ...keys, expiresAt: new Date(expires).toISOString() };
      const name = createHash('sha256').update(user.arn).digest('hex');
      await Bun.write(
        join(it.folder, 'login/cache', `${name}.json`),
        JSON.stringify({ accessToken, clientId: 'c', refreshToken: CANARY, ...more }),
      );
    };
    await left(Date.now() + hour, { dpopKey: 'k' });
    expect(await it.ok('ecr whoami --profile dev')).toContain('user/me');
    await left(Date.now() + hour);
    expectError(
      await it.refused('ecr whoami --profile dev'),
      /^finch: the AWS login of profile "dev" cannot be used: .*missing fields: dpopKey/,
      'run: aws login --profile dev',
    );
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await left(Date.now() - hour, { dpopKey: privateKey.export({ type: 'sec1', format: 'pem' }) });
    expectError(
      await it.refused('ecr whoami --profile dev', {
        AWS_ENDPOINT_URL_SIGNIN: 'http://127.0.0.1:9',
      }),
      /127\.0\.0\.1:9/,
      'check the endpoint 127.0.0.1:9 in AWS_ENDPOINT_URL or endpoint_url',
    );
  });
});
