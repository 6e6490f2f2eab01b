import { describe, expect, test } from 'bun:test';
import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { openEcrState } from '../../../src/aws/tokens/ecr-state.ts';
import { type Failure, failureOf } from '../../../src/aws/tokens/failure.ts';
import { keyNameOf } from '../../../src/aws/tokens/key-name.ts';
import { FinchError } from '../../../src/errors.ts';
import { CANARY } from '../../support/canary.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const HOST = '111222333444.dkr.ecr.eu-west-1.amazonaws.com';
const FAILURE: Failure = {
  ...{ code: 'AWS', hash: 'aa', isPassing: true },
};
const KEY = { hash: keyNameOf('accessKey').hash, ends: 2_000_000 };

async function bench(env: Record<string, string> = {}) {
  const folder = await temporaryFolder();
  const clock = { now: 1_000_000 };
  const variables: Record<string, string> = { HOME: folder.path, ...env };
  return {
    ...{ home: folder.path, path: join(folder.path, 'ecr-state.json'), clock, variables },
    state: openEcrState(folder.path, { env: variables, now: () => clock.now }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe('the state of finch about AWS', () => {
  test('is for this user alone, and nothing stays beside it but its lock', async () => {
    await using at = await bench();
    await at.state.rememberKey('a', KEY);
    expect((await stat(at.path)).mode & 0o777).toBe(0o600);
    expect((await readdir(at.home)).sort()).toEqual(['ecr-state.json', 'ecr-state.json.lock']);
    expect(await at.state.lastKey('a')).toEqual(KEY);
    expect(await at.state.lastKey('b')).toBeUndefined();
  });

  test('remembers the last key of an identity, and of 64 identities the newest', async () => {
    await using at = await bench();
    const other = { hash: keyNameOf('other').hash, ends: 1 };
    await at.state.rememberKey('a', KEY);
    await at.state.rememberKey('a', other);
    expect(await at.state.lastKey('a')).toEqual(other);
    for (let index = 0; index < 64; index++) await at.state.rememberKey(`f${index}`, KEY);
    expect(await at.state.lastKey('a')).toBeUndefined();
    expect(await at.state.lastKey('f0')).toEqual(KEY);
    expect(JSON.parse(await readFile(at.path, 'utf8')).keys).toHaveLength(64);
  });

  test('remembers a failure for five minutes, of one identity at one host', async () => {
    await using at = await bench();
    await at.state.rememberFailure('a', HOST, FAILURE);
    at.clock.now += 299_999;
    expect(await at.state.failure('a', HOST)).toMatchObject(FAILURE);
    expect(await at.state.failure('b', HOST)).toBeUndefined();
    expect(await at.state.failure('a', 'public.ecr.aws')).toBeUndefined();
    at.clock.now += 1;
    expect(await at.state.failure('a', HOST)).toBeUndefined();
    // A clock that was put back must not keep it alive.
    at.clock.now = 0;
    expect(await at.state.failure('a', HOST)).toBeUndefined();
    at.clock.now = 2_000_000;
    await at.state.rememberKey('a', KEY);
    expect(JSON.parse(await readFile(at.path, 'utf8')).failures).toEqual([]);
  });

  test('keeps no words of a failure', async () => {
    await using at = await bench();
    const failure = failureOf(new FinchError('AWS_IDENTITY', `it said ${CANARY}`));
    if (failure === undefined) throw new Error('it is to be remembered');
    await at.state.rememberFailure('a', HOST, failure);
    const text = await readFile(at.path, 'utf8');
    expect(text).toContain('AWS_IDENTITY');
    expect(text).not.toContain('it said');
  });

  test('forgets a failure when a variable or a shared file has changed', async () => {
    await using at = await bench({ AWS_CONFIG_FILE: '/nowhere' });
    const config = join(at.home, 'config');
    await writeFile(config, '');
    at.variables['AWS_CONFIG_FILE'] = config;
    await at.state.rememberFailure('a', HOST, FAILURE);
    at.variables['EDITOR'] = 'vi';
    expect(await at.state.failure('a', HOST)).toMatchObject(FAILURE);
    at.variables['AWS_SECRET_ACCESS_KEY'] = CANARY;
    expect(await at.state.failure('a', HOST)).toBeUndefined();
    delete at.variables['AWS_SECRET_ACCESS_KEY'];
    expect(await at.state.failure('a', HOST)).toMatchObject(FAILURE);
    await utimes(config, 1, 1);
    expect(await at.state.failure('a', HOST)).toBeUndefined();
  });

  test('of another version stays as it is', async () => {
    await using at = await bench();
    await writeFile(at.path, '{"version":2}');
    await at.state.rememberKey('a', KEY);
    expect(await at.state.lastKey('a')).toBeUndefined();
    expect(await readFile(at.path, 'utf8')).toBe('{"version":2}');
  });

  test('takes whatever its file says', async () => {
    await using at = await bench();
    const some = fc.array(fc.oneof(fc.jsonValue(), fc.record({ fingerprint: fc.constant('a') })));
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.jsonValue(), fc.record({ keys: some, failures: some })),
        async (found) => {
          const text = JSON.stringify(Object.assign({ version: 1 }, found));
          await writeFile(at.path, text);
          expect(await at.state.lastKey('a')).toBeUndefined();
          expect(await at.state.failure('a', HOST)).toBeUndefined();
        },
      ),
      { numRuns: 100 },
    );
  });

  test('that cannot be read is empty, and is not begun again', async () => {
    await using at = await bench();
    await writeFile(at.path, `"${'a'.repeat(1_100_000)}"`);
    await at.state.rememberKey('a', KEY);
    expect(await at.state.lastKey('a')).toBeUndefined();
    expect((await stat(at.path)).size).toBe(1_100_002);
  });
});
