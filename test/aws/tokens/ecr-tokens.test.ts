import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withFileLock } from '../../../src/host/file-lock.ts';
import { redactText } from '../../../src/http/redact.ts';
import { sendRequest } from '../../../src/http/transport.ts';
import { type AwsStandIn, type AwsUser, startAws } from '../../support/aws/stand-in.ts';
import {
  askedDuring,
  failureOf,
  HOST,
  HOUR,
  REGISTRY,
  registryOf,
  tokenBench,
} from './token-bench.ts';

let aws: AwsStandIn;

beforeAll(async () => {
  aws = await startAws();
});

afterAll(() => aws[Symbol.asyncDispose]());

beforeEach(() => {
  aws.recover();
  aws.clockOffsetMs = 0;
});

const bench = () => tokenBench(aws);
const asked = (work: () => Promise<unknown>) => askedDuring(work, aws);

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

  test('is waited for shortly where only the lock of a file is held by somebody', async () => {
    await using at = await bench();
    await mkdir(join(at.home, '.ecr'));
    await withFileLock(join(at.home, '.ecr/cache.json.lock'), async () => {
      await at.start().token(REGISTRY);
    });
    expect(at.traced.join('\n')).toContain('aws: not remembered');
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
