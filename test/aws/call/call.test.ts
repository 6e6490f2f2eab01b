import { afterAll, afterEach, beforeAll, describe, expect, spyOn, test } from 'bun:test';
import { awsRefusalError } from '../../../src/aws/call/refusal-error.ts';
import { callerIdentity } from '../../../src/aws/call/sts-calls.ts';
import { getToken } from '../../../src/aws/ecr/get-token.ts';
import { describeRepositories } from '../../../src/aws/ecr/repositories.ts';
import { ecrOfRegion, parseEcrHost } from '../../../src/aws/ecr-host.ts';
import { FinchError } from '../../../src/errors.ts';
import { transportError } from '../../../src/http/failure.ts';
import { redactText } from '../../../src/http/redact.ts';
import type { Transport } from '../../../src/http/transport.ts';
import { AWS_SECRET_CANARY, AWS_SESSION_CANARY } from '../../support/aws/secrets.ts';
import { type AwsStandIn, startAws } from '../../support/aws/stand-in.ts';
import { awsCaller } from '../support/aws-caller.ts';

const PLACE = ecrOfRegion('eu-west-1');

let aws: AwsStandIn;
beforeAll(async () => {
  aws = await startAws();
});
afterAll(() => aws[Symbol.asyncDispose]());
afterEach(() => {
  aws.recover();
  aws.clockOffsetMs = 0;
});

/** What the stand-in was asked while `run` ran, as `status type`. */
async function during(run: () => Promise<unknown>): Promise<readonly string[]> {
  const before = aws.log.length;
  await run();
  return aws.log
    .slice(before)
    .map(({ status, type }) => (type ? `${status} ${type}` : `${status}`));
}

describe('getToken()', () => {
  test('gives the password behind the first colon, its end, and the registry', async () => {
    const user = aws.addUser({ session: true });
    await using caller = await awsCaller(aws, user);
    const outcome = await getToken(PLACE, caller.identity, caller);
    if (!outcome.ok) throw awsRefusalError(outcome.refusal);
    const { username, secret, expires, proxyEndpoint } = outcome.value;
    expect(username).toBe('AWS');
    expect(proxyEndpoint).toBe('https://111222333444.dkr.ecr.eu-west-1.amazonaws.com');
    expect(aws.issued(secret)?.expires.getTime()).toBe(expires.getTime());
    expect(redactText(`it is ${secret}`)).toBe('it is REDACTED');
  });

  test('asks for the account of a registry', async () => {
    await using caller = await awsCaller(aws, aws.addUser());
    const registry = parseEcrHost('999888777666.dkr.ecr.us-west-2.amazonaws.com');
    if (registry === undefined) throw new Error('no registry');
    const outcome = await getToken(registry, caller.identity, caller);
    expect(outcome).toMatchObject({
      ok: true,
      value: { proxyEndpoint: `https://${registry.host}` },
    });
  });

  test('asks ECR Public in us-east-1', async () => {
    await using caller = await awsCaller(aws, aws.addUser(), { AWS_REGION: 'eu-west-1' });
    const registry = parseEcrHost('public.ecr.aws');
    if (registry === undefined) throw new Error('no registry');
    const outcome = await getToken(registry, caller.identity, caller);
    expect(outcome).toMatchObject({
      ok: true,
      value: { username: 'AWS', proxyEndpoint: undefined },
    });
    expect(aws.log.at(-1)).toMatchObject({ host: 'api.ecr-public.us-east-1.amazonaws.com' });
  });

  test.each([
    ['a list without an entry', { authorizationData: [] }],
    ['no list', { authorizationData: 'x' }],
    ['nothing', {}],
    ['no text', { authorizationData: [{ authorizationToken: 7, expiresAt: 1 }] }],
    ['another user', { authorizationData: [{ authorizationToken: btoa('root:x'), expiresAt: 1 }] }],
    ['no password', { authorizationData: [{ authorizationToken: btoa('AWS:'), expiresAt: 1 }] }],
    [
      'a password that is no line',
      { authorizationData: [{ authorizationToken: btoa('AWS:a\u001b[2Jb\nc'), expiresAt: 1 }] },
    ],
    ['no time', { authorizationData: [{ authorizationToken: btoa('AWS:xxxx'), expiresAt: 'x' }] }],
    [
      'a time beyond all',
      { authorizationData: [{ authorizationToken: btoa('AWS:xxxx'), expiresAt: 1e99 }] },
    ],
  ])('does not take an answer with %s', async (_, body) => {
    aws.fail({ status: 200, body: JSON.stringify(body) });
    await using caller = await awsCaller(aws, aws.addUser());
    const outcome = await getToken(PLACE, caller.identity, caller);
    expect(outcome).toMatchObject({ ok: false, refusal: { kind: 'foreign' } });
  });

  test('takes a password with colons in it whole', async () => {
    const token = btoa('AWS:one:two:');
    aws.fail({
      ...{ status: 200, times: 1 },
      body: JSON.stringify({
        authorizationData: [{ authorizationToken: token, expiresAt: 4102444800.202 }],
      }),
    });
    await using caller = await awsCaller(aws, aws.addUser());
    expect(await getToken(PLACE, caller.identity, caller)).toMatchObject({
      value: { secret: 'one:two:', expires: new Date(4_102_444_800_202) },
    });
  });
});

describe('a call to AWS', () => {
  test.each([
    ['ThrottlingException', 400],
    ['TooManyRequestsException', 429],
    ['RequestLimitExceeded', 503],
    ['ServerException', 500],
    ['InternalFailure', 503],
  ])('is tried again after %s, and then works', async (type, status) => {
    await using caller = await awsCaller(aws, aws.addUser());
    aws.fail({ type, status, times: 2 });
    const asked = await during(async () => {
      expect((await getToken(PLACE, caller.identity, caller)).ok).toBe(true);
    });
    expect(asked).toEqual([`${status} ${type}`, `${status} ${type}`, '200']);
  });

  test('is not tried a fourth time, and may still go through later', async () => {
    await using caller = await awsCaller(aws, aws.addUser());
    aws.fail({ type: 'ThrottlingException', status: 400 });
    const asked = await during(async () => {
      expect(await getToken(PLACE, caller.identity, caller)).toMatchObject({
        refusal: { kind: 'refused', isPassing: true, type: 'ThrottlingException', attempts: 3 },
      });
    });
    expect(asked).toHaveLength(3);
  });

  test('is tried again when the connection breaks', async () => {
    await using caller = await awsCaller(aws, aws.addUser());
    aws.fail({ reset: true, times: 1 });
    const asked = await during(async () => {
      expect((await getToken(PLACE, caller.identity, caller)).ok).toBe(true);
    });
    expect(asked).toEqual(['0', '200']);
  });

  test.each(['AccessDeniedException', 'LimitExceededException', 'UnrecognizedClientException'])(
    'is made once when %s is the answer',
    async (type) => {
      await using caller = await awsCaller(aws, aws.addUser());
      aws.fail({ type, status: 400, message: 'no' });
      const asked = await during(async () => {
        expect(await getToken(PLACE, caller.identity, caller)).toMatchObject({
          refusal: { kind: 'refused', isPassing: false, type, message: 'no' },
        });
      });
      expect(asked).toEqual([`400 ${type}`]);
    },
  );

  test.each([-20, 20, 600])(
    'is signed by the clock of AWS when this one is %d minutes behind, and says so once',
    async (minutes) => {
      await using caller = await awsCaller(aws, aws.addUser());
      aws.clockOffsetMs = minutes * 60_000;
      const asked = await during(async () => {
        expect((await getToken(PLACE, caller.identity, caller)).ok).toBe(true);
        expect((await callerIdentity(caller.identity, caller)).ok).toBe(true);
      });
      expect(asked).toEqual(['400 InvalidSignatureException', '200', '200']);
      expect(caller.reported).toHaveLength(1);
      const way = minutes > 0 ? 'behind' : 'ahead of';
      expect(caller.reported[0]).toMatch(
        new RegExp(`^the clock of this machine is \\d+ s ${way} that of AWS`),
      );
    },
  );

  test('is signed with newer keys when there are some and the first have ended', async () => {
    const [old, fresh] = [aws.addUser({ expired: true }), aws.addUser({ session: true })];
    await using caller = await awsCaller(aws, fresh);
    const given = [old, fresh];
    const identity = { ...caller.identity, keys: async () => given.shift() ?? fresh };
    const { accessKeyId } = fresh;
    const asked = await during(async () => {
      const outcome = await getToken(PLACE, identity, caller);
      expect(outcome).toMatchObject({ ok: true, signer: { accessKeyId } });
      const told = JSON.stringify(outcome);
      expect([fresh.secretAccessKey, `${fresh.sessionToken}`].some((it) => told.includes(it))).toBe(
        false,
      );
    });
    expect(asked).toEqual(['400 ExpiredTokenException', '200']);
  });

  test('is given up when the only keys have ended', async () => {
    await using caller = await awsCaller(aws, aws.addUser({ expired: true }));
    const asked = await during(async () => {
      expect((await getToken(PLACE, caller.identity, caller)).ok).toBe(false);
    });
    expect(asked).toEqual(['400 ExpiredTokenException']);
  });

  test('is not signed again for a wrong secret, whose error has the same name', async () => {
    const user = aws.addUser();
    const wrong = { ...user, secretAccessKey: `${user.secretAccessKey}x` };
    await using caller = await awsCaller(aws, wrong);
    const asked = await during(async () => {
      expect((await getToken(PLACE, caller.identity, caller)).ok).toBe(false);
    });
    expect(asked).toEqual(['400 InvalidSignatureException']);
    expect(caller.reported).toEqual([]);
  });

  test('asks the FIPS endpoint by its name of before when there is none of the first name', async () => {
    await using caller = await awsCaller(aws, aws.addUser());
    const hosts: string[] = [];
    // No name is looked up in tests: the network says what it would.
    const transport: Transport = async ({ url }) => {
      hosts.push(url.host);
      const cause = Object.assign(new Error('no such host'), { code: 'ENOTFOUND' });
      throw transportError(cause, { host: url.host });
    };
    const registry = parseEcrHost('111222333444.dkr.ecr-fips.us-east-1.amazonaws.com');
    if (registry === undefined) throw new Error('no registry');
    const surroundings = { ...caller.surroundings, transport };
    expect(await getToken(registry, caller.identity, { surroundings })).toMatchObject({
      refusal: { kind: 'unreachable', type: 'ENOTFOUND', host: 'ecr-fips.us-east-1.amazonaws.com' },
    });
    expect(hosts).toEqual([
      'api.ecr-fips.us-east-1.amazonaws.com',
      'ecr-fips.us-east-1.amazonaws.com',
    ]);
  });

  test.each([
    ['a page for people', '<html><body>Log in to the network</body></html>', 200],
    ['a page of a proxy', '<html><h1>502 Bad Gateway</h1></html>', 502],
    ['JSON of somebody else', '{"error":"no"}', 403],
    ['a list', '[]', 200],
    ['nothing', '', 200],
    ['half of an answer', '{"authorizationData":', 200],
  ])('says that somebody else answered with %s', async (_, body, status) => {
    await using caller = await awsCaller(aws, aws.addUser());
    aws.fail({ body, status });
    const outcome = await getToken(PLACE, caller.identity, caller);
    expect(outcome).toMatchObject({ ok: false, refusal: { kind: 'foreign', isPassing: true } });
  });

  test('reads no more of an answer than there can be', async () => {
    await using caller = await awsCaller(aws, aws.addUser());
    aws.fail({ status: 200, body: `{"authorizationData":"${'x'.repeat(200_000)}"}` });
    expect(await getToken(PLACE, caller.identity, caller)).toMatchObject({
      refusal: { kind: 'foreign', isPassing: false, message: 'it sent more than 131072 bytes' },
    });
    // A list may be longer.
    const options = { surroundings: caller.surroundings, names: ['app'] };
    aws.recover();
    aws.fail({ status: 200, body: `{"repositories":[],"x":"${'x'.repeat(200_000)}"}` });
    expect(await describeRepositories(PLACE, caller.identity, options)).toMatchObject({
      ok: true,
      value: [],
    });
  });

  test('is given up when nobody answers, and says how long that took', async () => {
    await using caller = await awsCaller(aws, aws.addUser());
    aws.fail({ delayMs: 5_000 });
    const limits = { beginMs: 60, totalMs: 100 };
    const outcome = await getToken(PLACE, caller.identity, { ...caller, limits });
    expect(outcome).toMatchObject({
      refusal: {
        ...{ kind: 'unreachable', isPassing: true, type: 'ETIMEDOUT' },
        message: 'api.ecr.eu-west-1.amazonaws.com did not answer in 0 s',
      },
    });
  });

  test('says what AWS said last, and how often it was asked, when the time is over', async () => {
    await using caller = await awsCaller(aws, aws.addUser());
    aws.fail({ type: 'ThrottlingException', status: 400 });
    // The longest pauses: 400 ms before the second attempt.
    using _ = spyOn(Math, 'random').mockReturnValue(1);
    const limits = { beginMs: 5_000, totalMs: 390 };
    expect(await getToken(PLACE, caller.identity, { ...caller, limits })).toMatchObject({
      refusal: { kind: 'refused', type: 'ThrottlingException', isPassing: true, attempts: 1 },
    });
  });

  test('ends when the user interrupts', async () => {
    await using caller = await awsCaller(aws, aws.addUser());
    const stop = new AbortController();
    aws.fail({ delayMs: 60_000, times: 1 });
    const calling = getToken(PLACE, caller.identity, { ...caller, signal: stop.signal });
    stop.abort(new FinchError('CANCELLED', 'interrupted'));
    expect(await calling.catch((error) => error)).toMatchObject({ code: 'CANCELLED' });
  });

  test.each([
    ['AWS_ACCESS_KEY_ID', 'AKIAIOSFODNN7 EXAMPLE', 'access key id'],
    ['AWS_SECRET_ACCESS_KEY', `${AWS_SECRET_CANARY} \n`, 'secret access key'],
    ['AWS_SESSION_TOKEN', `${AWS_SESSION_CANARY}\r\nx-evil: 1`, 'session token'],
  ])('is not made with a bad %s, whose value is not shown', async (variable, value, name) => {
    await using caller = await awsCaller(aws, aws.addUser(), { [variable]: value });
    const asked = await during(async () => {
      const error = await getToken(PLACE, caller.identity, caller).catch((thrown) => thrown);
      expect([error.code, error.message.includes(value.trim())]).toEqual(['AWS_IDENTITY', false]);
      expect(error.message).toStartWith(`the ${name} of the environment holds a space`);
    });
    expect(asked).toEqual([]);
  });

  test('is not made with an id and a secret that are swapped, and shows neither', async () => {
    const user = aws.addUser();
    const { accessKeyId, secretAccessKey } = user;
    const plain = `${AWS_SECRET_CANARY}abc`.replace(/\W/g, '_');
    for (const id of [`${secretAccessKey}+/`, plain]) {
      await using caller = await awsCaller(aws, user, {
        ...{ AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: accessKeyId },
      });
      const asked = await during(async () => {
        const error = await getToken(PLACE, caller.identity, caller).catch((thrown) => thrown);
        expect([error.code, error.message]).toEqual([
          'AWS_IDENTITY',
          'the access key id of the environment is none',
        ]);
        expect(error.hint).toStartWith(
          'check whether the id and the secret of the environment are',
        );
        expect(`${error.message} ${error.hint}`.includes(id)).toBe(false);
      });
      expect(asked).toEqual([]);
    }
  });

  test('shows no terminal sequence of an answer', async () => {
    await using caller = await awsCaller(aws, aws.addUser());
    aws.fail({ type: 'OddException', status: 400, message: 'a\u001b[31mb\u202ec\nd' });
    const outcome = await getToken(PLACE, caller.identity, caller);
    if (outcome.ok) throw new Error('it worked');
    expect(awsRefusalError(outcome.refusal).message).toBe(
      'AWS refused ecr:GetAuthorizationToken: OddException: a [31mbc d',
    );
  });
});

describe('callerIdentity()', () => {
  test('says whom AWS takes the caller for', async () => {
    const user = aws.addUser({ session: true, name: 'bob' });
    await using caller = await awsCaller(aws, user);
    const { arn, account, userId } = user;
    const outcome = await callerIdentity(caller.identity, { ...caller, region: 'eu-west-3' });
    expect(outcome).toMatchObject({ ok: true, value: { arn, account, userId } });
    expect(aws.log.at(-1)).toMatchObject({ host: 'sts.eu-west-3.amazonaws.com', status: 200 });
  });

  test.each([
    ['ExpiredToken', { expired: true }],
    ['InvalidClientTokenId', { partition: 'aws-cn' }],
  ])('reads the error %s out of XML', async (type, options) => {
    await using caller = await awsCaller(aws, aws.addUser(options));
    expect(await callerIdentity(caller.identity, caller)).toMatchObject({
      refusal: { kind: 'refused', type, isPassing: false, status: 403 },
    });
  });
});
