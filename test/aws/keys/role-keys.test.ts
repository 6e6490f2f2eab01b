import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { isPassing } from '../../../src/aws/identity-errors.ts';
import type { KeySource, RoleSource } from '../../../src/aws/keys/key-source.ts';
import { openIdentity } from '../../../src/aws/keys/open-identity.ts';
import { resolveKeys } from '../../../src/aws/keys/resolve-keys.ts';
import { FinchError } from '../../../src/errors.ts';
import { redactText } from '../../../src/http/redact.ts';
import { AWS_SESSION_CANARY } from '../../support/aws/secrets.ts';
import { type AwsStandIn, type AwsUser, startAws } from '../../support/aws/stand-in.ts';
import { surroundingsWith } from '../../support/aws/surroundings.ts';
import { temporaryFolder } from '../../support/temporary.ts';

let aws: AwsStandIn;
beforeAll(async () => {
  aws = await startAws();
});
afterAll(() => aws[Symbol.asyncDispose]());
afterEach(() => {
  aws.recover();
  aws.clockOffsetMs = 0;
});

const keysOf = ({ accessKeyId, secretAccessKey, sessionToken }: AwsUser): KeySource => ({
  ...{ kind: 'static', from: 'profile me' },
  keys: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
});

function roleOf(roleArn: string, source: KeySource, more: Partial<RoleSource> = {}): RoleSource {
  const nothing = { sessionName: 'it', externalId: undefined, mfaSerial: undefined };
  return {
    ...{ kind: 'role', profile: 'r', roleArn, source, ...nothing },
    ...{ durationSeconds: undefined, ...more },
  };
}

/** What resolves sources against the stand-in, and whose surroundings it is done in. */
async function resolver(env: Readonly<Record<string, string>> = {}) {
  const surroundings = surroundingsWith({ ...aws.environment(), ...env });
  const identity = await openIdentity(surroundings);
  return {
    surroundings,
    context: { surroundings, identity },
    resolve: (source: KeySource) => resolveKeys(source, { surroundings, identity }),
  };
}

async function failureOf(work: Promise<unknown>): Promise<FinchError> {
  const error = await work.catch((cause: unknown) => cause);
  if (error instanceof FinchError) return error;
  throw new Error(`this is no FinchError: ${error}`);
}

const withoutRegion = ({ AWS_REGION, AWS_DEFAULT_REGION, ...env }: Record<string, string>) => env;

const actions = (from: number) => aws.log.slice(from).map(({ action }) => action);

describe('roles', () => {
  test('are assumed one after the other, each with its own settings', async () => {
    const user = aws.addUser();
    const [mfa, from] = [
      { serial: 'arn:aws:iam::111222333444:mfa/me', code: '123456' },
      aws.log.length,
    ];
    const first = aws.addRole({ name: 'first', trusts: [user.arn], mfa });
    const trusts = [`arn:aws:sts::111222333444:assumed-role/first/one`];
    const second = aws.addRole({ name: 'second', trusts, externalId: 'outside + in' });
    const { surroundings, context } = await resolver();
    const asked: string[] = [];
    const askCode = async (question: string) => {
      asked.push(question);
      return ' 123456\n';
    };
    const source = roleOf(
      second.arn,
      roleOf(first.arn, keysOf(user), { mfaSerial: mfa.serial, sessionName: 'one' }),
      { externalId: 'outside + in', durationSeconds: 900 },
    );
    const keys = await resolveKeys(source, {
      ...context,
      surroundings: { ...surroundings, askCode },
    });
    expect(keys.sessionToken?.startsWith(AWS_SESSION_CANARY)).toBe(true);
    expect(redactText(`${keys.sessionToken} ${keys.secretAccessKey}`)).toBe('REDACTED REDACTED');
    expect(Number(keys.expires) - Date.now()).toBeLessThan(900_001);
    expect(asked).toEqual([`MFA code for ${mfa.serial}: `]);
    expect(actions(from)).toEqual(['AssumeRole', 'AssumeRole']);
    expect(surroundings.traced.filter((line) => /request/.test(line))).toEqual([]);
  });

  test('need no keys with a token of another provider, and no signature', async () => {
    await using folder = await temporaryFolder();
    const tokenFile = `${folder.path}/token`;
    const token = `${AWS_SESSION_CANARY}a+b/c=&d`;
    await Bun.write(tokenFile, `${token}\n`);
    const { arn: roleArn } = aws.addRole({ name: 'web', webIdentity: token });
    const { resolve } = await resolver();
    const from = aws.log.length;
    const web = { kind: 'web-identity', from: 'the environment', roleArn, tokenFile } as const;
    const keys = await resolve({ ...web, sessionName: undefined });
    expect(keys.accessKeyId).toStartWith('ASIA');
    expect(actions(from)).toEqual(['AssumeRoleWithWebIdentity']);
    expect(aws.log.at(-1)?.authorization).toBeUndefined();
    expect(redactText(token)).toBe('REDACTED');
  });

  test('are assumed by the clock of AWS, and again when it is busy', async () => {
    const user = aws.addUser();
    const role = aws.addRole({ name: 'late', trusts: [user.arn] });
    aws.clockOffsetMs = 20 * 60_000;
    const { resolve, surroundings } = await resolver();
    await resolve(roleOf(role.arn, keysOf(user)));
    expect(surroundings.traced.join('\n')).toMatch(/the clock of this machine is \d+ s behind/);
    aws.clockOffsetMs = 0;
    aws.fail({ action: 'AssumeRole', type: 'Throttling', status: 400, times: 1 });
    const other = await resolver();
    expect((await other.resolve(roleOf(role.arn, keysOf(user)))).accessKeyId).toStartWith('ASIA');
  });

  test.each([
    [
      { status: 503, body: '<html>busy</html>', headers: { 'content-type': 'text/html' } },
      /answered sts:AssumeRole for \S+ of profile r as AWS does not: 503 text\/html$/,
      /^look for a login page|^check the endpoint/,
    ],
    [
      { status: 200, body: '<html>log in</html>', headers: { 'content-type': 'text/html' } },
      /as AWS does not: 200 text\/html$/,
      /^look for a login page|^check the endpoint/,
    ],
    [
      { status: 307, body: '', headers: { location: 'http://127.0.0.1:9/' } },
      /as AWS does not: 307 /,
      /^look for a login page|^check the endpoint/,
    ],
    [
      { status: 400, type: 'Throttling', message: 'Rate exceeded' },
      /: it was asked too often/,
      /^wait a minute/,
    ],
    [{ status: 500, type: 'InternalFailure' }, /InternalFailure/, /problem of its own/],
  ])(
    'that are not given for a while end in an error that says so: %#',
    async (fault, what, hint) => {
      const user = aws.addUser();
      const role = aws.addRole({ name: 'shut', trusts: [user.arn] });
      aws.fail({ action: 'AssumeRole', ...fault });
      const { resolve } = await resolver();
      const error = await failureOf(resolve(roleOf(role.arn, keysOf(user))));
      expect(error.message).toMatch(what);
      expect(error.hint).toMatch(hint);
      expect(isPassing(error)).toBe(true);
    },
  );

  test.each([
    ['aws-cn', 'sts.cn-north-1.amazonaws.com.cn'],
    ['aws-us-gov', 'sts.us-gov-west-1.amazonaws.com'],
  ] as const)('of %s are asked for there, where no region is named', async (partition, host) => {
    const user = aws.addUser({ partition });
    const role = aws.addRole({ partition, name: partition, trusts: [user.arn] });
    expect(role.arn).toStartWith(`arn:${partition}:`);
    const surroundings = surroundingsWith(withoutRegion(aws.environment()));
    const identity = await openIdentity(surroundings);
    const from = aws.log.length;
    const keys = await resolveKeys(roleOf(role.arn, keysOf(user)), { surroundings, identity });
    expect(keys.accessKeyId).toStartWith('ASIA');
    expect(aws.log.slice(from).map((request) => request.host)).toEqual([host]);
  });

  test('that nobody may assume are no passing failure', async () => {
    const user = aws.addUser();
    const role = aws.addRole({ name: 'closed', trusts: [] });
    const { resolve } = await resolver();
    const error = await failureOf(resolve(roleOf(role.arn, keysOf(user))));
    expect(error.code).toBe('AWS_IDENTITY');
    expect(error.hint).toBe(
      `check the trust policy of ${role.arn}, and that ${user.arn} may call sts:AssumeRole on it`,
    );
    expect(isPassing(error)).toBe(false);
  });
});

describe('the time for keys', () => {
  test.each(['never answers', 'answers a byte at a time'])(
    'ends where one %s, for all together',
    async (how) => {
      using server = Bun.serve({
        ...{ port: 0, hostname: '127.0.0.1', idleTimeout: 0 },
        async fetch() {
          const { promise } = Promise.withResolvers<Response>();
          const pull = async (body: ReadableStreamDefaultController) => {
            body.enqueue(new Uint8Array([60]));
            await Bun.sleep(20);
          };
          return how === 'never answers' ? promise : new Response(new ReadableStream({ pull }));
        },
      });
      const { context } = await resolver({ AWS_ENDPOINT_URL_STS: server.url.href });
      const source = roleOf('arn:aws:iam::111222333444:role/slow', keysOf(aws.addUser()));
      const error = await failureOf(resolveKeys(source, context, { limitMs: 150 }));
      expect(error.message).toBe('profile r gave no AWS keys within 0.15 s');
      expect(isPassing(error)).toBe(true);
      await server.stop(true);
    },
  );

  test('does not run while a program or the user takes theirs', async () => {
    const user = aws.addUser();
    const role = aws.addRole({ name: 'patient', trusts: [user.arn] });
    const { surroundings, context } = await resolver();
    const askCode = async () => {
      await Bun.sleep(300);
      return '123456';
    };
    const source = roleOf(role.arn, keysOf(user), { mfaSerial: 'GAHT' });
    const patient = { ...context, surroundings: { ...surroundings, askCode } };
    expect((await resolveKeys(source, patient, { limitMs: 250 })).sessionToken).toBeString();
  });
});
