import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { chown, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRepeated } from '../../../src/aws/tokens/repeated.ts';
import { hasCode } from '../../../src/errors.ts';
import { type AwsStandIn, startAws } from '../../support/aws/stand-in.ts';
import { CANARY } from '../../support/canary.ts';
import { askedDuring, failureOf, HOST, REGISTRY, registryOf, tokenBench } from './token-bench.ts';

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
