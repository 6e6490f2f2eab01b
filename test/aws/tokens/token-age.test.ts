import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AwsStandIn, startAws } from '../../support/aws/stand-in.ts';
import { askedDuring, failureOf, HOUR, REGISTRY, tokenBench } from './token-bench.ts';

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

  test('that is old is used while AWS does not answer, or who gives the keys, also at a terminal, and AWS is left alone for minutes', async () => {
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
    const surroundings = { askCode: async () => '123456' };
    for (const [options, fault] of ways) {
      const start = {
        ...options,
        surroundings,
        env: { AWS_ECR_CACHE_DIR: join(at.home, fault.action) },
      };
      const { secret } = await at.start(start).token(REGISTRY);
      at.pass(7 * HOUR);
      aws.fail(fault);
      const begun = performance.now();
      expect((await at.start(start).token(REGISTRY)).secret === secret).toBe(true);
      expect(performance.now() - begun).toBeLessThan(4500);
      const calls = aws.log.length;
      at.pass(60_000);
      expect((await at.start(start).token(REGISTRY)).secret === secret).toBe(true);
      expect(aws.log.length).toBe(calls);
      aws.recover();
      at.pass(5 * 60_000);
      expect((await at.start(start).token(REGISTRY)).secret === secret).toBe(false);
    }
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
});
