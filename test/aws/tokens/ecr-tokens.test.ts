import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { chown, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Aws } from '../../../src/aws/aws.ts';
import { parseEcrHost } from '../../../src/aws/ecr-host.ts';
import { openAws } from '../../../src/aws/open-aws.ts';
import type { AwsSurroundings } from '../../../src/aws/surroundings.ts';
import { isRepeated } from '../../../src/aws/tokens/repeated.ts';
import { redactText } from '../../../src/http/redact.ts';
import { sendRequest } from '../../../src/http/transport.ts';
import { type AwsStandIn, type AwsUser, startAws } from '../../support/aws/stand-in.ts';
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
  start(options?: {
    readonly env?: Readonly<Record<string, string | undefined>>;
    readonly surroundings?: Partial<AwsSurroundings>;
    readonly profileFor?: (host: string) => Promise<string | undefined>;
  }): Aws;
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
  return {
    ...{ home, user, traced },
    pass(milliseconds) {
      aws.clockOffsetMs += milliseconds;
    },
    start({ env = {}, surroundings = {}, profileFor = async () => undefined } = {}) {
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
    },
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
    at.pass(6000);
    aws.recover();
    aws.fail({ action: 'GetAuthorizationToken', reset: true });
    expect((await at.start().token(REGISTRY)).secret === secret).toBe(true);
    at.pass(6000);
    aws.recover();
    aws.fail({ action: 'GetAuthorizationToken', type: 'AccessDeniedException' });
    expect(await failureOf(at.start().token(REGISTRY))).toMatchObject({ code: 'AWS' });
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
  test('is told again for five seconds without a call, and as told before', async () => {
    await using at = await bench();
    aws.fail({ action: 'GetAuthorizationToken', type: 'AccessDeniedException' });
    const first = await failureOf(at.start().token(REGISTRY));
    expect([isRepeated(first), isRepeated(new Error('', { cause: first }))]).toEqual([
      false,
      false,
    ]);
    aws.recover();
    const calls = await asked(async () => {
      const again = await failureOf(at.start().token(REGISTRY));
      expect(again).toMatchObject({ code: 'AWS', message: first.message });
      expect('hint' in again && 'hint' in first && again.hint === first.hint).toBe(true);
      expect([isRepeated(again), isRepeated(new Error('', { cause: again }))]).toEqual([
        true,
        true,
      ]);
    });
    expect(calls).toBe(0);
    at.pass(5001);
    expect(await asked(() => at.start().token(REGISTRY))).toBe(1);
  });

  test('costs one attempt, however many ask at once', async () => {
    await using at = await bench();
    aws.fail({ action: 'GetAuthorizationToken', type: 'AccessDeniedException' });
    const processes = Array.from({ length: 4 }, () => at.start());
    const calls = await asked(() =>
      Promise.allSettled(processes.map((each) => each.token(REGISTRY))),
    );
    expect(calls).toBe(1);
  });

  test('is forgotten when a variable or a file changes that may have been its reason', async () => {
    await using at = await bench();
    aws.fail({ action: 'GetAuthorizationToken', type: 'AccessDeniedException' });
    await failureOf(at.start().token(REGISTRY));
    expect(
      await asked(() => failureOf(at.start({ env: { https_proxy: '' } }).token(REGISTRY))),
    ).toBe(1);
    await mkdir(join(at.home, '.aws'));
    await writeFile(join(at.home, '.aws/config'), '[default]\n');
    expect(await asked(() => failureOf(at.start().token(REGISTRY)))).toBe(1);
    expect(await asked(() => failureOf(at.start().token(REGISTRY)))).toBe(0);
  });

  test('of who is at a terminal is tried again at once', async () => {
    await using at = await bench();
    aws.fail({ action: 'GetAuthorizationToken', type: 'AccessDeniedException' });
    const surroundings = { askCode: () => Promise.reject(new Error('nobody asks')) };
    const attempt = () => failureOf(at.start({ surroundings }).token(REGISTRY));
    await attempt();
    expect(await asked(attempt)).toBe(1);
  });

  test('to say who the user is, or to read finch.yaml, is known as one of before too', async () => {
    await using at = await bench();
    const nobody = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
    const ways = [{ env: { ...nobody } }, { env: { ...nobody, AWS_PROFILE: 'gone' } }];
    for (const way of ways) {
      const first = await failureOf(at.start(way).token(REGISTRY));
      const again = await failureOf(at.start(way).token(REGISTRY));
      expect([isRepeated(first), isRepeated(again)]).toEqual([false, true]);
      expect(again).toMatchObject({ code: 'AWS_IDENTITY', message: first.message });
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
      { env: { HOME: undefined }, surroundings: { home: undefined } },
      { env: { AWS_ECR_DISABLE_CACHE: '1' } },
      { env: { AWS_ECR_CACHE_DIR }, surroundings },
    ];
    for (const way of ways) {
      const process = at.start(way);
      const calls = await asked(async () => {
        await process.token(REGISTRY);
        await process.token(REGISTRY);
        expect(await process.remembered()).toEqual([]);
      });
      expect(calls).toBe(1);
    }
    expect((await readdir(at.home)).sort()).toEqual(['.finch', 'file']);
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
