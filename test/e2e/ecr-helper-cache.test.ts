import { describe, expect, test } from 'bun:test';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CANARY } from '../support/canary.ts';
import { ecrHelperBench, given, REGISTRY, shown } from './support/ecr-helper.ts';
import { finchEnvironment } from './support/finch.ts';
import { filesIn } from './support/home-contents.ts';
import { areHere } from './support/program.ts';

/** What a caller wants kept. */
const STORED = JSON.stringify({ ServerURL: REGISTRY, Username: 'AWS', Secret: CANARY });

describe('what docker-credential-ecr-login remembers', () => {
  test('asks AWS once for six callers in turn, and once for twenty at the same time', async () => {
    await using bench = await ecrHelperBench();
    for (let i = 0; i < 6; i++) {
      const { stdout } = await bench.ask('get', REGISTRY);
      expect(shown(stdout)).toBe(given(REGISTRY).stdout);
    }
    expect(bench.calls()).toEqual(['GetAuthorizationToken']);
    const other = REGISTRY.replace('eu-west-1', 'us-east-1');
    const answers = await Promise.all(Array.from({ length: 20 }, () => bench.ask('get', other)));
    expect(new Set(answers.map(({ stdout }) => stdout)).size).toBe(1);
    expect(answers.map(({ exitCode, stderr }) => `${exitCode}${stderr}`).join('')).toBe(
      '0'.repeat(20),
    );
    expect(bench.calls()).toEqual(['GetAuthorizationToken', 'GetAuthorizationToken']);
  });

  test.skipIf(!areHere('strace'))('opens no connection for what is remembered', async () => {
    await using bench = await ecrHelperBench();
    await bench.ask('get', REGISTRY);
    const calls = bench.calls();
    const log = bench.path('calls');
    for (const [action, stdin] of [
      ...[['get', REGISTRY] as const, ['get', 'ghcr.io'] as const, ['list', ''] as const],
      ...[['store', STORED] as const, ['erase', REGISTRY] as const],
    ]) {
      const child = Bun.spawn(
        ['strace', '-f', '-e', 'trace=network', '-o', log, bench.helper.path, action],
        {
          env: { ...finchEnvironment(bench.home), ...bench.aws.environment(bench.user) },
          stdin: new TextEncoder().encode(stdin),
          ...{ stdout: 'ignore', stderr: 'ignore' },
        },
      );
      await child.exited;
      const traced = await readFile(log, 'utf8');
      expect(traced).toContain('+++ exited with');
      expect([action, traced.match(/^.*(?:socket|connect|sendto)\(.*$/gm)]).toEqual([action, null]);
    }
    expect(bench.calls()).toEqual(calls);
  });

  test('loads no part of the AWS SDK for plain keys, nor for a role and what is remembered of it', async () => {
    await using bench = await ecrHelperBench();
    const { arn } = bench.aws.addRole({ trusts: [bench.user.arn] });
    const config = bench.path('config');
    await writeFile(config, `[profile role]\nrole_arn = ${arn}\nsource_profile = dev\n`);
    const { accessKeyId, secretAccessKey } = bench.user;
    await writeFile(
      bench.path('credentials'),
      `[dev]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
    );
    const asRole = {
      ...{ ...bench.aws.environment(), AWS_CONFIG_FILE: config, AWS_PROFILE: 'role' },
      AWS_SHARED_CREDENTIALS_FILE: bench.path('credentials'),
    };
    // Where the sources are alone, every package is missing.
    await cp(join(import.meta.dir, '../../src'), bench.path('src'), { recursive: true });
    const main = bench.path('src/main.ts');
    const fromSources = async (server: string, env: Readonly<Record<string, string>>) => {
      const child = Bun.spawn([process.execPath, '--no-install', main, 'get'], {
        argv0: 'docker-credential-ecr-login',
        env: { ...finchEnvironment(bench.home), ...env },
        stdin: new TextEncoder().encode(server),
        ...{ stdout: 'pipe', stderr: 'pipe' },
      });
      const [stdout, stderr] = [await child.stdout.text(), await child.stderr.text()];
      return { stdout: shown(stdout), stderr, exitCode: await child.exited };
    };
    const other = REGISTRY.replace('eu-west-1', 'us-east-1');
    expect(await fromSources(REGISTRY, bench.aws.environment(bench.user))).toEqual(given(REGISTRY));
    expect(await fromSources(other, asRole)).toEqual(given(other));
    expect(await fromSources(other, asRole)).toEqual(given(other));
    expect(bench.calls()).toEqual([
      ...['GetAuthorizationToken', 'AssumeRole', 'GetAuthorizationToken'],
    ]);
  });

  test('shares its passwords with the official helper by AWS_ECR_CACHE_DIR, or keeps none', async () => {
    await using bench = await ecrHelperBench();
    const cache = bench.path('cache');
    await bench.ask('get', REGISTRY, { AWS_ECR_CACHE_DIR: cache });
    await bench.ask('get', REGISTRY, { AWS_ECR_CACHE_DIR: cache });
    expect(bench.calls()).toHaveLength(1);
    expect(Object.keys(await filesIn(cache))).toContain('cache.json');
    for (let i = 0; i < 2; i++) {
      const env = { AWS_ECR_CACHE_DIR: cache, AWS_ECR_DISABLE_CACHE: '1' };
      const { stdout, stderr } = await bench.ask('get', REGISTRY, env);
      expect([shown(stdout), stderr]).toEqual([given(REGISTRY).stdout, '']);
    }
    expect(bench.calls()).toHaveLength(3);
  });

  test('works without a home folder, and where nothing can be remembered', async () => {
    await using bench = await ecrHelperBench();
    const { HOME: _home, FINCH_HOME: _own, ...env } = finchEnvironment(bench.home);
    const file = bench.path('file');
    await writeFile(file, '');
    for (const home of [{}, { HOME: bench.home }]) {
      const child = Bun.spawn([bench.helper.path, 'get'], {
        env: { ...env, ...bench.aws.environment(bench.user), AWS_ECR_CACHE_DIR: file, ...home },
        stdin: new TextEncoder().encode(REGISTRY),
        ...{ stdout: 'pipe', stderr: 'pipe' },
      });
      const [stdout, stderr] = [await child.stdout.text(), await child.stderr.text()];
      expect({ stdout: shown(stdout), stderr, exitCode: await child.exited }).toEqual(
        given(REGISTRY),
      );
    }
    expect(bench.calls()).toHaveLength(2);
  });
});
