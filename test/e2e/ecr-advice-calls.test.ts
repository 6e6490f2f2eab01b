import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { createServer } from 'node:net';
import { type AwsStandIn, type AwsUser, startAws } from '../support/aws/stand-in.ts';
import { expectError } from './support/expectations.ts';
import { filesIn } from './support/home-contents.ts';
import { workbench } from './support/workbench.ts';

let aws: AwsStandIn;
beforeAll(async () => {
  aws = await startAws();
});
afterAll(() => aws[Symbol.asyncDispose]());
afterEach(() => {
  aws.recover();
  aws.clockOffsetMs = 0;
});

const PASSWORD = 'ecr login-password --region eu-west-1';
const GET_TOKEN = 'AWS refused ecr:GetAuthorizationToken: ';

/** What somebody's environment is, and what else. */
interface Situation {
  readonly user: AwsUser;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a line that fails: status 1, one message, one hint, no file of the home changed. */
async function advice(
  line: string,
  { user, env = {} }: Situation,
): Promise<readonly [string, string]> {
  await using bench = await workbench({ ...aws.environment(user), ...env });
  const before = await filesIn(bench.home);
  const stderr = await bench.fails(line);
  expectError(stderr, /./, /./);
  expect(await filesIn(bench.home)).toEqual(before);
  const [message = '', hint = ''] = stderr.trimEnd().split('\n').slice(-2);
  return [message.replace(/^finch: /, ''), hint.replace(/^hint: /, '')];
}

/** An access key id as messages show it. */
function shown({ accessKeyId }: AwsUser): string {
  return `${accessKeyId.slice(0, 4)}…${accessKeyId.slice(-4)}`;
}

/** A port of this machine on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('what finch says when AWS says no', () => {
  test('to a session that has ended', async () => {
    const user = aws.addUser({ expired: true });
    expect(await advice(PASSWORD, { user })).toEqual([
      `${GET_TOKEN}the session token of the environment has expired`,
      'set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN to new keys',
    ]);
    expect((await advice('ecr whoami', { user }))[0]).toBe(
      'AWS refused sts:GetCallerIdentity: the session token of the environment has expired',
    );
  });

  test('to a key that nobody knows', async () => {
    const user = aws.addUser();
    aws.removeUser(user);
    const [message, hint] = await advice(PASSWORD, { user });
    expect(message).toBe(
      `${GET_TOKEN}it does not know the access key ${shown(user)} of the environment in eu-west-1`,
    );
    expect(hint).toMatch(/^the key may be deleted, .*partition \(GovCloud, China\)/);
    expect((await advice('ecr whoami', { user }))[0]).toMatch(/it does not know the access key/);
  });

  test('to keys whose session token is another one', async () => {
    const user = { ...aws.addUser({ session: true }), sessionToken: 'no-such-token' };
    const [message, hint] = await advice(PASSWORD, { user });
    expect(message).toMatch(/it does not know the access key ASIA…/);
    expect(hint).toMatch(/^the session token may belong to other keys/);
  });

  test('to a secret of another key', async () => {
    const user = aws.addUser();
    const { secretAccessKey } = aws.addUser({ name: 'bob' });
    const expected = [
      `the secret key of the environment does not belong to the access key ${shown(user)}`,
      expect.stringMatching(
        /^check the secret access key of the environment; the clock is not the reason, it is \d s off$/,
      ),
    ];
    const situation = { user: { ...user, secretAccessKey } };
    for (const line of [PASSWORD, 'ecr whoami']) {
      const [message, hint] = await advice(line, situation);
      expect([message.replace(/^AWS refused \S+ /, ''), hint]).toEqual(
        expected as [string, string],
      );
    }
  });

  test('to a secret of another key on a machine whose clock is off', async () => {
    const user = aws.addUser();
    const { secretAccessKey } = aws.addUser({ name: 'bob' });
    aws.clockOffsetMs = 20 * 60_000;
    const [message] = await advice(PASSWORD, { user: { ...user, secretAccessKey } });
    expect(message).toMatch(/the secret key of the environment does not belong/);
  });

  test('to a time that is not its own', async () => {
    aws.fail({
      ...{ action: /GetAuthorizationToken/, type: 'InvalidSignatureException' },
      message: 'Signature expired: 20261122T000000Z is now earlier than 20261122T010000Z',
    });
    const [message, hint] = await advice(PASSWORD, { user: aws.addUser() });
    expect(message).toStartWith(
      `${GET_TOKEN}the time of the signature is not that of AWS: Signature`,
    );
    expect(hint).toBe('set the clock of this machine, and try again');
  });

  test('to who may get no token', async () => {
    const user = aws.addUser({ allow: ['ecr:CreateRepository'] });
    expect(await advice(PASSWORD, { user })).toEqual([
      `${GET_TOKEN}${user.arn} may not call ecr:GetAuthorizationToken`,
      expect.stringMatching(
        /AmazonEC2ContainerRegistryReadOnly.*PowerUser to push.*resource must be "\*"$/,
      ),
    ] as unknown as [string, string]);
  });

  test.each([
    ['ecr-public:GetAuthorizationToken', []],
    ['sts:GetServiceBearerToken', ['ecr-public:*']],
  ])('to who may get no token of ECR Public for want of %s', async (action, allow) => {
    const user = aws.addUser({ allow });
    const [message, hint] = await advice('ecr login-password --public', { user });
    expect(message).toBe(
      `AWS refused ecr-public:GetAuthorizationToken: ${user.arn} may not call ${action}`,
    );
    expect(hint).toMatch(/ecr-public.*sts:GetServiceBearerToken.*pulling works without$/);
  });

  test('to who is denied a token by a policy', async () => {
    const user = aws.addUser({ name: 'eve', deny: ['ecr:GetAuthorizationToken'] });
    const [message, hint] = await advice(PASSWORD, { user });
    expect(message).toBe(`${GET_TOKEN}${user.arn} may not call ecr:GetAuthorizationToken`);
    expect(hint).toMatch(/AmazonEC2ContainerRegistryReadOnly/);
  });

  test('to an account that has asked too often', async () => {
    aws.rules.callsPerSecond = 0;
    const user = aws.addUser({ account: '555566667777' });
    expect(await advice(PASSWORD, { user })).toEqual([
      `${GET_TOKEN}it was asked too often, also when asked again 2 times`,
      'wait a minute, and try again',
    ]);
    expect(await advice('ecr whoami', { user })).toEqual([
      'AWS refused sts:GetCallerIdentity: it was asked too often, also when asked again 2 times',
      'wait a minute, and try again',
    ]);
  });

  test('to keys in a region that is not enabled', async () => {
    aws.rules.disabledRegions = ['ap-east-1'];
    const line = 'ecr login-password --region ap-east-1';
    const [message, hint] = await advice(line, { user: aws.addUser() });
    expect(message).toMatch(
      /it does not know the access key AKIA….{4} of the environment in ap-east-1$/,
    );
    expect(hint).toMatch(/or the region is not enabled for the account$/);
  });

  test.each([
    ['TooManyRequestsException', 429, /asked too often/, /^wait a minute/],
    [
      'OptInRequired',
      403,
      /the region eu-west-1 is not enabled for the account$/,
      /^enable eu-west-1/,
    ],
    [
      'MissingAuthenticationTokenException',
      403,
      /did not arrive whole$/,
      /^look for a proxy.*HTTPS_PROXY$/,
    ],
    ['InvalidParameterException', 400, /: something$/, /^check what was given/],
    ['ServerException', 500, /ServerException: something$/, /^AWS has a problem of its own/],
    ['NovelException', 400, /NovelException: something$/, /^look up ecr:GetAuthorizationToken/],
  ] as const)('with %s', async (type, status, message, hint) => {
    aws.fail({ type, status, message: 'something' });
    const said = await advice(PASSWORD, { user: aws.addUser() });
    expect(said[0]).toMatch(message);
    expect(said[1]).toMatch(hint);
  });
});

describe('what finch says when AWS is not reached', () => {
  test('in a region that does not exist', async () => {
    const line = 'ecr login-password --region nowhere';
    const [message, hint] = await advice(line, { user: aws.addUser() });
    expect(message).toMatch(/ opened no way to api\.ecr\.nowhere\.amazonaws\.com$/);
    expect(hint).toMatch(
      /^check that there is a region nowhere, and the DNS; .*com\.amazonaws\.nowhere\.ecr\.api and com\.amazonaws\.nowhere\.ecr\.dkr, and the gateway of Amazon S3 \(proxy: 127\.0\.0\.1:\d+ of HTTPS_PROXY; NO_PROXY: none\)$/,
    );
  });

  test('by an endpoint of the user where nobody listens', async () => {
    const AWS_ENDPOINT_URL = `http://127.0.0.1:${await closedPort()}`;
    const [message, hint] = await advice(PASSWORD, {
      user: aws.addUser(),
      env: { AWS_ENDPOINT_URL },
    });
    const host = new URL(AWS_ENDPOINT_URL).host;
    expect(message).toBe(`cannot connect to ${host}: connection refused`);
    expect(hint).toBe(`check the endpoint ${host} in AWS_ENDPOINT_URL or endpoint_url`);
  });

  test('by an endpoint of the user over plain HTTP to somewhere else', async () => {
    const env = { AWS_ENDPOINT_URL_ECR: 'http://example.com' };
    const [message, hint] = await advice(PASSWORD, { user: aws.addUser(), env });
    expect(message).toBe('the endpoint http://example.com for ecr is not safe to use');
    expect(hint).toMatch(/https:\/\//);
  });

  test('by a proxy that is not there', async () => {
    const HTTPS_PROXY = `http://127.0.0.1:${await closedPort()}`;
    const [message, hint] = await advice(PASSWORD, { user: aws.addUser(), env: { HTTPS_PROXY } });
    const { host } = new URL(HTTPS_PROXY);
    expect(message).toBe(`cannot connect to the proxy ${host}: connection refused`);
    expect(hint).toBe(
      `check the network connection (proxy: ${host} of HTTPS_PROXY; NO_PROXY: none)`,
    );
  });

  test('when the connection breaks every time', async () => {
    aws.fail({ reset: true });
    const [message, hint] = await advice(PASSWORD, { user: aws.addUser() });
    expect(message).toMatch(/api\.ecr\.eu-west-1\.amazonaws\.com/);
    expect(hint).toMatch(/^check the network connection \(proxy: /);
  });

  test('through a proxy that opens TLS with an authority of its own', async () => {
    const env = { AWS_CA_BUNDLE: '', SSL_CERT_FILE: '' };
    const [message, hint] = await advice(PASSWORD, { user: aws.addUser(), env });
    expect(message).toBe('the certificate of api.ecr.eu-west-1.amazonaws.com is not trusted');
    expect(hint).toMatch(/point AWS_CA_BUNDLE at a file/);
  });

  test('by a server that takes the connection and says nothing, and how long that took', async () => {
    aws.fail({ delayMs: 60_000 });
    const env = { NO_PROXY: '.internal.example,10.0.0.0/8' };
    const [message, hint] = await advice(PASSWORD, { user: aws.addUser(), env });
    expect(message).toBe('api.ecr.eu-west-1.amazonaws.com did not answer in 5 s');
    expect(hint).toMatch(
      /^check the network connection \(proxy: 127\.0\.0\.1:\d+ of HTTPS_PROXY; NO_PROXY: \.internal\.example,10\.0\.0\.0\/8\)$/,
    );
  }, 60_000);

  test('in a network that answers everything with a page to log in', async () => {
    aws.rules.isCaptive = true;
    for (const line of [PASSWORD, 'ecr whoami', 'ecr create-repo app --region eu-west-1']) {
      const [message, hint] = await advice(line, { user: aws.addUser() });
      expect(message).toMatch(
        /^\S+\.amazonaws\.com answered (?:ecr|sts):\w+.* as AWS does not: 200 text\/html$/,
      );
      expect(hint).toMatch(/^look for a login page of the network/);
    }
  });

  test.each([
    ['half of an answer', 200, '{"authorizationData":['],
    ['a page of a proxy', 403, '<html>blocked</html>'],
  ])('and %s comes in its place', async (_, status, body) => {
    aws.fail({ status, body });
    const [message, hint] = await advice(PASSWORD, { user: aws.addUser() });
    expect(message).toMatch(
      /^api\.ecr\.eu-west-1\.amazonaws\.com answered ecr:GetAuthorizationToken as AWS does not: \d{3} /,
    );
    expect(hint).toMatch(/^look for a login page of the network/);
  });
});

test('finch sends nothing with an id and a secret that are swapped, and shows neither', async () => {
  const user = aws.addUser();
  const { accessKeyId, secretAccessKey } = user;
  const swapped = { ...user, accessKeyId: `${secretAccessKey}/`, secretAccessKey: accessKeyId };
  const before = aws.log.length;
  for (const line of [PASSWORD, `--debug ${PASSWORD}`, 'ecr whoami']) {
    await using bench = await workbench(aws.environment(swapped));
    const stderr = await bench.fails(line);
    expect(stderr).toContain('finch: the access key id of the environment is none\n');
    expect(stderr).toMatch(/^hint: check whether the id and the secret .* are swapped/m);
    expect(stderr.includes(secretAccessKey)).toBe(false);
  }
  expect(aws.log.length).toBe(before);
});

test('finch --debug tells of calls to AWS, and of no secret in them', async () => {
  const user = aws.addUser({ session: true, allow: ['ecr:GetAuthorizationToken'] });
  await using bench = await workbench(aws.environment(user));
  for (const line of [PASSWORD, 'ecr create-repo team/app']) {
    const { stdout, stderr } = await bench.run(`--debug ${line}`);
    expect(stderr).toMatch(/POST https:\/\/api\.ecr\.[a-z0-9-]+\.amazonaws\.com\/ -> \d{3}/);
    for (const secret of [
      user.secretAccessKey,
      user.sessionToken ?? '-',
      'Signature=',
      'AWS4-HMAC',
    ]) {
      expect(stderr.includes(secret)).toBe(false);
    }
    if (stdout !== '') expect(stderr.includes(stdout.trim())).toBe(false);
  }
});

test('finch corrects a clock that is off by 20 minutes, and warns', async () => {
  for (const minutes of [-20, 20]) {
    aws.clockOffsetMs = minutes * 60_000;
    await using bench = await workbench(aws.environment(aws.addUser()));
    const { stdout, stderr, exitCode } = await bench.run(PASSWORD);
    expect([exitCode, aws.issued(stdout.trimEnd())?.region]).toEqual([0, 'eu-west-1']);
    expect(stderr).toMatch(
      /^the clock of this machine is \d+ s (?:behind|ahead of) that of AWS; set it right\n$/,
    );
  }
});
