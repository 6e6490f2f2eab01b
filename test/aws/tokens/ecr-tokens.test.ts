import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { chown, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Aws } from '../../../src/aws/aws.ts';
import { parseEcrHost } from '../../../src/aws/ecr-host.ts';
import { openAws } from '../../../src/aws/open-aws.ts';
import type { AwsSurroundings } from '../../../src/aws/surroundings.ts';
import { isRepeated } from '../../../src/aws/tokens/repeated.ts';
import { FinchError, hasCode } from '../../../src/errors.ts';
import { withFileLock } from '../../../src/host/file-lock.ts';
import { redactText } from '../../../src/http/redact.ts';
import { sendRequest } from '../../../src/http/transport.ts';
import { startContainerKeys } from '../../support/aws/metadata.ts';
import { type AwsStandIn, type AwsUser, startAws } from '../../support/aws/stand-in.ts';
import { CANARY } from '../../support/canary.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const HOUR = 3_600_000;
const HOST = '111222333444.dkr.ecr.eu-west-1.amazonaws.com';
const REGISTRY = registryOf(HOST);

function registryOf(host: string) {
  const registry = parseEcrHost(host);
  if (registry === undefined) throw new Error(`${host} is no registry`);
  return registry;
}

/** One process of finch after another, in one home. */
interface Bench extends AsyncDisposable {
  readonly home: string;
  readonly user: AwsUser;
  /** What was traced. */
  readonly traced: readonly string[];
  /** Lets time go by, for everyone. */
  pass(milliseconds: number): void;
  start(options?: StartOptions): Aws;
  /** One that is a credential helper. */
  helper(options?: StartOptions): Aws;
}

interface StartOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly surroundings?: Partial<AwsSurroundings>;
  readonly profileFor?: (host: string) => Promise<string | undefined>;
}

let aws: AwsStandIn;

beforeAll(async () => {
  aws = await startAws();
});

afterAll(() => aws[Symbol.asyncDispose]());

beforeEach(() => {
  aws.recover();
  aws.clockOffsetMs = 0;
});

async function bench(): Promise<Bench> {
  const folder = await temporaryFolder();
  const home = folder.path;
  const user = aws.addUser();
  const traced: string[] = [];
  const start: Bench['start'] = ({
    env = {},
    surroundings = {},
    profileFor = async () => undefined,
  } = {}) => {
    const usual = {
      ...{ HOME: home, AWS_ENDPOINT_URL: aws.endpoint, AWS_EC2_METADATA_DISABLED: 'true' },
      AWS_ACCESS_KEY_ID: user.accessKeyId,
      AWS_SECRET_ACCESS_KEY: user.secretAccessKey,
    };
    const around = {
      ...{ env: { ...usual, ...env }, home: join(home, '.finch'), userAgent: 'finch/test' },
      ...{ transport: sendRequest, now: () => aws.now(), report: () => {} },
      trace: (line: string) => traced.push(line),
    };
    return openAws({ ...around, ...surroundings }, { profileFor });
  };
  return {
    ...{ home, user, traced, start },
    pass(milliseconds) {
      aws.clockOffsetMs += milliseconds;
    },
    helper: ({ surroundings, ...options } = {}) =>
      start({ ...options, surroundings: { isHelper: true, ...surroundings } }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** How often a token was asked for during `work`. */
async function asked(work: () => Promise<unknown>): Promise<number> {
  const before = aws.log.length;
  await work();
  return aws.log.slice(before).filter(({ action }) => action === 'GetAuthorizationToken').length;
}

async function failureOf(work: Promise<unknown>): Promise<Error> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('it did not fail');
  return error;
}

describe('a token', () => {
  test('is asked for once, for this process and for the next ones', async () => {
    await using at = await bench();
    const first = at.start();
    const secrets = new Set<string>();
    const calls = await asked(async () => {
      for (const process of [first, first, at.start(), at.start()]) {
        const { username, secret, expires } = await process.token(REGISTRY);
        expect(username).toBe('AWS');
        expect(expires.getTime()).toBeGreaterThan(aws.now() + 11 * HOUR);
        secrets.add(secret);
      }
    });
    expect([calls, secrets.size]).toEqual([1, 1]);
    expect(await at.start().remembered()).toEqual([`https://${HOST}`]);
  });

  test('is asked for once by many at a time', async () => {
    await using at = await bench();
    const processes = Array.from({ length: 5 }, () => at.start());
    const calls = await asked(() =>
      Promise.all(processes.flatMap((each) => [each.token(REGISTRY), each.token(REGISTRY)])),
    );
    expect(calls).toBe(1);
  });

  test('is another one for another registry, another user and ECR Public', async () => {
    await using at = await bench();
    const other = aws.addUser({ name: 'bob' });
    const env = {
      AWS_ACCESS_KEY_ID: other.accessKeyId,
      AWS_SECRET_ACCESS_KEY: other.secretAccessKey,
    };
    const calls = await asked(async () => {
      await at.start().token(REGISTRY);
      await at.start({ env }).token(REGISTRY);
      await at.start().token(registryOf(HOST.replace('west', 'north')));
      await at.start().token(registryOf('public.ecr.aws'));
      await at.start().token(registryOf('ecr-public.aws.com'));
    });
    expect(calls).toBe(4);
  });

  test('is asked for with the profile that finch.yaml names for the registry, and the user before that', async () => {
    await using at = await bench();
    const [dev, ops] = [aws.addUser({ name: 'dev' }), aws.addUser({ name: 'ops' })];
    await mkdir(join(at.home, '.aws'));
    const profile = (name: string, { accessKeyId, secretAccessKey }: AwsUser) =>
      `[${name}]\naws_access_key_id=${accessKeyId}\naws_secret_access_key=${secretAccessKey}\n`;
    const files = profile('dev', dev) + profile('ops', ops);
    await writeFile(join(at.home, '.aws/credentials'), files);
    const process = at.start({ profileFor: async (host) => (host === HOST ? 'dev' : undefined) });
    const whose = async (secret: Promise<{ secret: string }>) =>
      aws.issued((await secret).secret)?.principal.arn;
    expect(await whose(process.token(REGISTRY))).toBe(dev.arn);
    expect(await whose(process.token(REGISTRY, { profile: 'ops' }))).toBe(ops.arn);
    const other = registryOf(HOST.replace('west', 'north'));
    expect(await whose(process.token(other))).toBe(at.user.arn);
  });

  test('of keys that have to be asked for is found again without asking for the keys', async () => {
    await using at = await bench();
    const role = aws.addRole({ trusts: [at.user.arn] });
    await mkdir(join(at.home, '.aws'));
    const config = `[profile ci]\nrole_arn=${role.arn}\ncredential_source=Environment\nregion=eu-west-1\n`;
    await writeFile(join(at.home, '.aws/config'), config);
    const options = { profileFor: async () => 'ci' };
    const before = aws.log.length;
    const crowd = Array.from({ length: 4 }, () => at.start(options).token(REGISTRY));
    const secrets = (await Promise.all(crowd)).map(({ secret }) => secret);
    secrets.push((await at.start(options).token(REGISTRY)).secret);
    expect(new Set(secrets).size).toBe(1);
    const actions = aws.log.slice(before).map(({ action }) => action);
    expect(actions).toEqual(['AssumeRole', 'GetAuthorizationToken']);
    const state = await readFile(join(at.home, '.finch/ecr-state.json'), 'utf8');
    expect(state).not.toContain('ASIA');
  });

  test('is a new one when half of its life is over', async () => {
    await using at = await bench();
    const process = at.start();
    const old = await process.token(REGISTRY);
    at.pass(6 * HOUR - 60_000);
    expect(await asked(() => at.start().token(REGISTRY))).toBe(0);
    at.pass(120_000);
    expect(await asked(() => at.start().token(REGISTRY))).toBe(1);
    expect((await process.token(REGISTRY)).secret === old.secret).toBe(false);
  });

  test('that is old is used while AWS is busy or out of reach, and not when AWS says no', async () => {
    await using at = await bench();
    const { secret } = await at.start().token(REGISTRY);
    at.pass(7 * HOUR);
    aws.fail({ action: 'GetAuthorizationToken', type: 'ThrottlingException' });
    expect((await at.start().token(REGISTRY)).secret === secret).toBe(true);
    expect(at.traced.join('\n')).toContain('the old one is good until');
    at.pass(300_000);
    aws.recover();
    aws.fail({ action: 'GetAuthorizationToken', reset: true });
    expect((await at.start().token(REGISTRY)).secret === secret).toBe(true);
    at.pass(300_000);
    aws.recover();
    aws.fail({ action: 'GetAuthorizationToken', type: 'AccessDeniedException' });
    expect(await failureOf(at.start().token(REGISTRY))).toMatchObject({ code: 'AWS' });
  });

  test('that is old is used while AWS does not answer, or who gives the keys, and AWS is left alone for minutes', async () => {
    await using at = await bench();
    const role = aws.addRole({ trusts: [at.user.arn] });
    await mkdir(join(at.home, '.aws'));
    const config = `[profile ci]\nrole_arn=${role.arn}\ncredential_source=Environment\nregion=eu-west-1\n`;
    await writeFile(join(at.home, '.aws/config'), config);
    const ways = [
      [{}, { action: 'GetAuthorizationToken', delayMs: 20_000 }],
      [{ profileFor: async () => 'ci' }, { action: 'AssumeRole', status: 503 }],
      [{ profileFor: async () => 'ci' }, { action: 'AssumeRole', delayMs: 20_000 }],
    ] as const;
    for (const [options, fault] of ways) {
      const start = { ...options, env: { AWS_ECR_CACHE_DIR: join(at.home, fault.action) } };
      const { secret } = await at.start(start).token(REGISTRY);
      at.pass(7 * HOUR);
      aws.fail(fault);
      const begun = performance.now();
      expect((await at.start(start).token(REGISTRY)).secret === secret).toBe(true);
      expect(performance.now() - begun).toBeLessThan(8000);
      const calls = aws.log.length;
      at.pass(60_000);
      expect((await at.start(start).token(REGISTRY)).secret === secret).toBe(true);
      expect(aws.log.length).toBe(calls);
      aws.recover();
      at.pass(5 * 60_000);
      expect((await at.start(start).token(REGISTRY)).secret === secret).toBe(false);
    }
  });

  test('that is old is used while the container that gives the keys is out of reach', async () => {
    await using at = await bench();
    const container = await startContainerKeys({
      user: at.user,
      expires: new Date(aws.now() + HOUR),
    });
    const env = {
      ...{ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
      ...{ AWS_REGION: 'eu-west-1', ...container.environment },
    };
    const { secret } = await at.helper({ env }).token(REGISTRY);
    await container[Symbol.asyncDispose]();
    at.pass(7 * HOUR);
    for (const process of [at.helper({ env }), at.start({ env })]) {
      expect((await process.token(REGISTRY)).secret === secret).toBe(true);
    }
    at.pass(5 * HOUR);
    expect(await failureOf(at.start({ env }).token(REGISTRY))).toBeInstanceOf(FinchError);
  });

  test('that had ended before it came is an error that names who gave it', async () => {
    await using at = await bench();
    const password = 'a-password-of-42-characters';
    const authorizationToken = Buffer.from(`AWS:${password}`).toString('base64');
    const body = (...entries: object[]) => JSON.stringify({ authorizationData: entries });
    const whole = { authorizationToken, expiresAt: aws.now() / 1000 + 3600 };
    const host = new URL(aws.endpoint).host;
    aws.fail({
      action: 'GetAuthorizationToken',
      status: 200,
      body: body({ ...whole, expiresAt: 1e9 }),
    });
    const message = `${host} gave a token that ended before it came, at 2001-09-09T01:46:40.000Z`;
    expect(await failureOf(at.start().token(REGISTRY))).toMatchObject({ code: 'AWS', message });
    aws.recover();
    const broken = { ...whole, authorizationToken: Buffer.from('AWS:a\nb').toString('base64') };
    aws.fail({ action: 'GetAuthorizationToken', status: 200, body: body(broken) });
    expect(await failureOf(at.start().token(REGISTRY))).toMatchObject({ code: 'AWS' });
    aws.recover();
    aws.fail({ action: 'GetAuthorizationToken', status: 200, body: body({}, whole) });
    expect((await at.start().token(REGISTRY)).secret === password).toBe(true);
  });

  test('that is not to be remembered leaves nothing behind', async () => {
    await using at = await bench();
    const process = at.start();
    expect(await asked(() => process.token(REGISTRY, { remember: false }))).toBe(1);
    expect(await asked(() => process.token(REGISTRY, { remember: false }))).toBe(1);
    expect(await readdir(at.home)).toEqual([]);
  });

  test('is found again when a file of the identity was written while the keys were asked for', async () => {
    await using at = await bench();
    const role = aws.addRole({ webIdentity: 'a token' });
    const file = join(at.home, 'token');
    await writeFile(file, 'a token');
    const env = {
      ...{ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
      ...{ AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ROLE_ARN: role.arn, AWS_REGION: 'eu-west-1' },
    };
    const transport: typeof sendRequest = async (request) => {
      await utimes(file, 1, 1);
      return sendRequest(request);
    };
    await at.start({ env, surroundings: { transport } }).token(REGISTRY);
    expect(await asked(() => at.start({ env }).token(REGISTRY))).toBe(0);
  });

  test('of keys that have ended is a new one', async () => {
    await using at = await bench();
    const role = aws.addRole({ trusts: [at.user.arn] });
    await mkdir(join(at.home, '.aws'));
    const config = `[profile ci]\nrole_arn=${role.arn}\ncredential_source=Environment\nregion=eu-west-1\n`;
    await writeFile(join(at.home, '.aws/config'), config);
    const options = { profileFor: async () => 'ci' };
    await at.start(options).token(REGISTRY);
    at.pass(HOUR - 60_000);
    expect(await asked(() => at.start(options).token(REGISTRY))).toBe(0);
    at.pass(120_000);
    expect(await asked(() => at.start(options).token(REGISTRY))).toBe(1);
  });

  test('is waited for shortly where only the lock of a file is held by somebody', async () => {
    await using at = await bench();
    await mkdir(join(at.home, '.ecr'));
    await withFileLock(join(at.home, '.ecr/cache.json.lock'), async () => {
      await at.start().token(REGISTRY);
    });
    expect(at.traced.join('\n')).toContain('aws: not remembered');
  });

  test('that has ended is never given', async () => {
    await using at = await bench();
    const process = at.start();
    await process.token(REGISTRY);
    at.pass(12 * HOUR - 30_000);
    expect(await process.remembered()).toEqual([]);
    aws.fail({ action: 'GetAuthorizationToken', reset: true });
    for (const each of [process, at.start()]) {
      expect(await failureOf(each.token(REGISTRY))).toMatchObject({ code: 'NETWORK' });
    }
  });

  test('that was refused is not given again; one that somebody else has got since then is', async () => {
    await using at = await bench();
    const [a, b] = [at.start(), at.start()];
    const { secret } = await a.token(REGISTRY);
    await b.token(REGISTRY);
    const refused = { afresh: true, refused: secret };
    const renewed = await a.token(REGISTRY, refused);
    expect(renewed.secret === secret).toBe(false);
    const calls = await asked(async () => {
      const also = await b.token(REGISTRY, refused);
      expect(also.secret === renewed.secret).toBe(true);
    });
    expect(calls).toBe(0);
    expect(await asked(() => at.start().token(REGISTRY, { afresh: true }))).toBe(1);
    aws.fail({ action: 'GetAuthorizationToken', type: 'AccessDeniedException' });
    const last = at.start().token(REGISTRY, { afresh: true });
    expect(await failureOf(last)).toMatchObject({ code: 'AWS' });
  });

  test('is hidden from all that is shown, wherever it comes from', async () => {
    await using at = await bench();
    for (const process of [at.start(), at.start()]) {
      const { secret } = await process.token(REGISTRY);
      const shown = redactText(`a ${secret} b ${Buffer.from(`AWS:${secret}`).toString('base64')}`);
      expect(shown.includes(secret.slice(0, 20))).toBe(false);
      expect(shown).toBe('a REDACTED b REDACTED');
    }
  });

  test('is not waited for by who gives up', async () => {
    await using at = await bench();
    aws.fail({ action: 'GetAuthorizationToken', delayMs: 20_000 });
    const stop = new AbortController();
    const asking = at.start().token(REGISTRY, { signal: stop.signal });
    stop.abort(new Error('enough'));
    expect((await failureOf(asking)).message).toBe('enough');
  });
});

describe('a failure', () => {
  test('is told a helper again for five seconds without a call, and as told before', async () => {
    await using at = await bench();
    aws.fail({ action: 'GetAuthorizationToken', type: 'AccessDeniedException', message: CANARY });
    const first = await failureOf(at.helper().token(REGISTRY));
    expect([isRepeated(first), isRepeated(new Error('', { cause: first }))]).toEqual([
      false,
      false,
    ]);
    aws.recover();
    const calls = await asked(async () => {
      const again = await failureOf(at.helper().token(REGISTRY));
      expect(again).toMatchObject({ code: 'AWS', message: expect.stringContaining(HOST) });
      expect([isRepeated(again), isRepeated(new Error('', { cause: again }))]).toEqual([
        true,
        true,
      ]);
    });
    expect(calls).toBe(0);
    // The words of AWS stay nowhere.
    const state = await readFile(join(at.home, '.finch/ecr-state.json'), 'utf8');
    expect(state.includes(CANARY)).toBe(false);
    at.pass(5001);
    expect(await asked(() => at.helper().token(REGISTRY))).toBe(1);
  });

  test('costs one attempt, however many ask at once', async () => {
    await using at = await bench();
    aws.fail({ action: 'GetAuthorizationToken', type: 'AccessDeniedException' });
    const processes = Array.from({ length: 4 }, () => at.helper());
    const calls = await asked(() =>
      Promise.allSettled(processes.map((each) => each.token(REGISTRY))),
    );
    expect(calls).toBe(1);
  });

  test('is forgotten when a variable or a file changes that may have been its reason', async () => {
    await using at = await bench();
    aws.fail({ action: 'GetAuthorizationToken', type: 'AccessDeniedException' });
    await failureOf(at.helper().token(REGISTRY));
    expect(
      await asked(() => failureOf(at.helper({ env: { https_proxy: '' } }).token(REGISTRY))),
    ).toBe(1);
    await mkdir(join(at.home, '.aws'));
    await writeFile(join(at.home, '.aws/config'), '[default]\n');
    expect(await asked(() => failureOf(at.helper().token(REGISTRY)))).toBe(1);
    expect(await asked(() => failureOf(at.helper().token(REGISTRY)))).toBe(0);
  });

  test('of a command of finch is tried again at once, and so is one where nothing is to be remembered', async () => {
    await using at = await bench();
    aws.fail({ action: 'GetAuthorizationToken', type: 'AccessDeniedException' });
    for (const attempt of [
      () => failureOf(at.start().token(REGISTRY)),
      () => failureOf(at.helper({ env: { AWS_ECR_DISABLE_CACHE: '1' } }).token(REGISTRY)),
      () => failureOf(at.helper().token(REGISTRY, { remember: false })),
    ]) {
      await attempt();
      expect(await asked(attempt)).toBe(1);
    }
  });

  test('of a credential process is tried again at once', async () => {
    await using at = await bench();
    const log = join(at.home, 'log');
    const program = join(at.home, 'keys');
    await writeFile(program, `#!/bin/sh\necho >> ${log}\nexit 1\n`, { mode: 0o755 });
    await mkdir(join(at.home, '.aws'));
    await writeFile(join(at.home, '.aws/config'), `[default]\ncredential_process=${program}\n`);
    const env = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
    for (let time = 1; time <= 2; time++) {
      const error = await failureOf(at.helper({ env }).token(REGISTRY));
      expect([hasCode(error, 'AWS_IDENTITY'), isRepeated(error)]).toEqual([true, false]);
    }
    expect(await readFile(log, 'utf8')).toBe('\n\n');
  });

  test('to say who the user is, or to read finch.yaml, is known as one of before too', async () => {
    await using at = await bench();
    const nobody = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
    const ways = [{ env: { ...nobody } }, { env: { ...nobody, AWS_PROFILE: 'gone' } }];
    for (const way of ways) {
      const first = await failureOf(at.helper(way).token(REGISTRY));
      const again = await failureOf(at.helper(way).token(REGISTRY));
      expect([isRepeated(first), isRepeated(again)]).toEqual([false, true]);
      expect(again).toMatchObject({ code: 'AWS_IDENTITY' });
    }
  });

  test('that is no failure of AWS, but of the user giving up, is not remembered', async () => {
    await using at = await bench();
    const stop = new AbortController();
    stop.abort(new Error('enough'));
    await failureOf(at.start().token(REGISTRY, { signal: stop.signal }));
    expect(await asked(() => at.start().token(REGISTRY))).toBe(1);
  });
});

describe('what cannot be remembered changes nothing', () => {
  test('without a home, with a disabled cache, and with files in place of its folders', async () => {
    await using at = await bench();
    await writeFile(join(at.home, 'file'), '');
    const surroundings = { home: join(at.home, 'file') };
    const AWS_ECR_CACHE_DIR = join(at.home, 'file/cache');
    const ways = [
      { env: { AWS_ECR_CACHE_DIR }, surroundings: { home: undefined } },
      { env: { AWS_ECR_DISABLE_CACHE: '1' } },
      { env: { AWS_ECR_CACHE_DIR }, surroundings },
    ];
    for (const way of ways) {
      const process = at.helper(way);
      const calls = await asked(async () => {
        await process.token(REGISTRY);
        await process.token(REGISTRY);
        expect(await process.remembered()).toEqual([]);
      });
      expect(calls).toBe(1);
    }
    expect(await readdir(at.home)).toEqual(['file']);
  });

  test.skipIf(process.getuid?.() !== 0)(
    'and what root remembers in the home of a user belongs to that user',
    async () => {
      await using at = await bench();
      await chown(at.home, 12, 34);
      await at.start().token(REGISTRY);
      aws.fail({ action: 'GetAuthorizationToken', type: 'AccessDeniedException' });
      await failureOf(at.start().token(registryOf(HOST.replace('west', 'north'))));
      const files = await readdir(at.home, { recursive: true });
      const owners = files.map(async (file) => {
        const { uid, gid, mode } = await stat(join(at.home, file));
        expect([file, uid, gid]).toEqual([file, 12, 34]);
        if (!file.endsWith('.lock')) expect(mode & 0o077).toBe(0);
      });
      await Promise.all(owners);
      expect(files).toContain('.finch/ecr-state.json');
    },
  );

  test('with files that hold anything at all', async () => {
    await using at = await bench();
    await mkdir(join(at.home, '.finch'));
    const path = join(at.home, '.finch/ecr-state.json');
    aws.fail({ action: 'GetAuthorizationToken', type: 'AccessDeniedException' });
    for (const text of [
      '',
      '{',
      '[]',
      '{"version":2}',
      '{"version":1,"keys":1,"failures":[1,{}]}',
    ]) {
      await writeFile(path, text);
      expect(await failureOf(at.start().token(REGISTRY))).toMatchObject({ code: 'AWS' });
    }
    await rm(path);
    await mkdir(path);
    expect(await failureOf(at.start().token(REGISTRY))).toMatchObject({ code: 'AWS' });
  });
});
