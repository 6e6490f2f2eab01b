import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startContainerKeys, startMetadata } from '../support/aws/metadata.ts';
import { type AwsStandIn, type AwsUser, startAws } from '../support/aws/stand-in.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { type Finished, finch } from './support/finch.ts';
import { installHelper } from './support/helper-install.ts';
import { filesIn } from './support/home-contents.ts';

const NAME = 'docker-credential-ecr-login';
const HOST = '111222333444.dkr.ecr.eu-west-1.amazonaws.com';
const NOT_FOUND = 'credentials not found in native keychain\n';

/** The official helper, where this machine has one. */
const official = Bun.which(NAME);

let aws: AwsStandIn;

beforeAll(async () => {
  aws = await startAws();
});

afterAll(() => aws[Symbol.asyncDispose]());

beforeEach(() => aws.recover());

/** A home with finch as `docker-credential-ecr-login`, beside the official one. */
async function bench() {
  const folder = await temporaryFolder();
  const home = folder.path;
  const user = aws.addUser({ session: true });
  const helper = await installHelper(join(home, 'bin'), 'symbolic link', { name: NAME });
  return {
    ...{ home, user, path: join(home, '.ecr/cache.json') },
    get: (env: Readonly<Record<string, string>> = {}, host = HOST): Promise<Finished> =>
      helper.run(['get'], { home, stdin: host, env: { ...aws.environment(user), ...env } }),
    getByOfficial: (): Promise<Finished> => runOfficial(home, user),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

async function runOfficial(home: string, user: AwsUser): Promise<Finished> {
  const child = Bun.spawn([official ?? NAME, 'get'], {
    env: { ...aws.environment(user), HOME: home },
    stdin: new TextEncoder().encode(HOST),
    ...{ stdout: 'pipe', stderr: 'pipe' },
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { stdout, stderr, exitCode: await child.exited };
}

/** Takes the keys out of the environment. */
const NO_KEYS = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_SESSION_TOKEN: '' };

function serveNothing(environment: Readonly<Record<string, string>>) {
  return { environment, async [Symbol.asyncDispose]() {} };
}

/** How many requests AWS had during `work`. */
async function requests(work: () => Promise<unknown>): Promise<number> {
  const before = aws.log.length;
  await work();
  return aws.log.length - before;
}

function secretOf({ stdout, stderr, exitCode }: Finished): string {
  expect([exitCode, stderr]).toEqual([0, '']);
  const { Secret } = JSON.parse(stdout);
  expect(aws.issued(Secret)?.service).toBe('ecr');
  return Secret;
}

describe.skipIf(official === null)('beside the official helper', () => {
  test('finch gives the token that the other one has got, without asking AWS', async () => {
    await using at = await bench();
    const theirs = secretOf(await at.getByOfficial());
    const calls = await requests(async () => {
      expect(secretOf(await at.get()) === theirs).toBe(true);
    });
    expect(calls).toBe(0);
  });

  test('the other one gives the token with which finch has renewed its own, without asking AWS', async () => {
    await using at = await bench();
    const old = secretOf(await at.getByOfficial());
    const cache = JSON.parse(await readFile(at.path, 'utf8'));
    for (const entry of Object.values<Record<string, string>>(cache.Registries)) {
      entry['RequestedAt'] = new Date(Date.now() - 13 * 3_600_000).toISOString();
    }
    await writeFile(at.path, JSON.stringify(cache));
    const renewed = secretOf(await at.get());
    expect(renewed === old).toBe(false);
    const calls = await requests(async () => {
      expect(secretOf(await at.getByOfficial()) === renewed).toBe(true);
    });
    expect(calls).toBe(0);
    const { Registries } = JSON.parse(await readFile(at.path, 'utf8'));
    expect(Object.keys(Registries)).toHaveLength(2);
  });

  test('each keeps what the other has written', async () => {
    await using at = await bench();
    secretOf(await at.get());
    secretOf(await at.getByOfficial());
    const { Registries } = JSON.parse(await readFile(at.path, 'utf8'));
    expect(Object.keys(Registries)).toHaveLength(2);
    expect(await requests(async () => secretOf(await at.get()))).toBe(0);
    expect((await stat(at.path)).mode & 0o777).toBe(0o600);
  });
});

/** All that gives a user's keys. */
const SOURCES = {
  'the environment': async () => serveNothing({}),
  'a program': async (home: string, { accessKeyId, secretAccessKey, sessionToken }: AwsUser) => {
    const keys = { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey };
    const answer = { Version: 1, ...keys, SessionToken: sessionToken };
    await writeFile(join(home, 'keys'), JSON.stringify(answer));
    await writeFile(join(home, 'config'), `[default]\ncredential_process=cat ${home}/keys\n`);
    return serveNothing({ ...NO_KEYS, AWS_CONFIG_FILE: join(home, 'config') });
  },
  'a container': async (_: string, user: AwsUser) => {
    const server = await startContainerKeys({ user });
    return { ...server, environment: { ...NO_KEYS, ...server.environment } };
  },
  'a machine': async (_: string, user: AwsUser) => {
    const server = startMetadata({ user });
    return { ...server, environment: { ...NO_KEYS, ...server.environment } };
  },
} as const;

const kinds = ['the environment', 'a program', 'a container', 'a machine'] as const;

test.each(kinds)(
  'twenty at once, and six in a row, are one call and one token by the keys of %s',
  async (kind) => {
    await using at = await bench();
    await using source = await SOURCES[kind](at.home, at.user);
    const crowd = async () => {
      const get = () => at.get(source.environment);
      const answers = await Promise.all(Array.from({ length: 20 }, get));
      expect(new Set(answers.map(secretOf)).size).toBe(1);
    };
    expect(await requests(crowd)).toBe(1);
    const row = async () => {
      for (const host of [HOST, `https://${HOST}`, `http://${HOST}`]) {
        for (const port of ['', ':443'])
          secretOf(await at.get(source.environment, `${host}${port}`));
      }
    };
    expect(await requests(row)).toBe(0);
  },
);

test('nothing is written but the cache and locks', async () => {
  await using at = await bench();
  secretOf(await at.get());
  expect(Object.keys(await filesIn(at.home))).toEqual([
    ...['.ecr/cache.json', '.ecr/cache.json.lock', `bin/${NAME}`],
    expect.stringMatching(/^ecr-locks\/\d+\.lock$/),
  ]);
});

test.each(kinds)(
  'six failures in a row by the keys of %s are one call, and advice that stands on stderr once',
  async (kind) => {
    await using at = await bench();
    await using source = await SOURCES[kind](at.home, at.user);
    const { environment } = source;
    aws.fail({ action: 'GetAuthorizationToken', type: 'AccessDeniedException' });
    const said: string[] = [];
    const calls = await requests(async () => {
      for (let time = 1; time <= 6; time++) {
        const { stdout, stderr, exitCode } = await at.get(environment);
        expect([exitCode, stdout]).toEqual([1, NOT_FOUND]);
        said.push(stderr);
      }
    });
    expect(calls).toBe(1);
    expect(said.map((text) => text.split('\n').length - 1)).toEqual([1, 0, 0, 0, 0, 0]);
    aws.recover();
    // Whoever has changed something has it tried at once.
    secretOf(await at.get({ ...environment, AWS_MAX_ATTEMPTS: '2' }));
  },
);

test('six at once end together when AWS does not answer', async () => {
  await using at = await bench();
  aws.fail({ action: 'GetAuthorizationToken', delayMs: 60_000 });
  const answers = await Promise.all(Array.from({ length: 6 }, () => at.get()));
  for (const { stdout, exitCode } of answers) expect([exitCode, stdout]).toEqual([1, NOT_FOUND]);
  expect(answers.filter(({ stderr }) => stderr !== '')).toHaveLength(1);
});

test('a command of finch tries again at once what has failed', async () => {
  await using at = await bench();
  const options = { home: at.home, env: aws.environment(at.user) };
  const ask = () => finch(['login', HOST], options);
  aws.fail({ action: 'GetAuthorizationToken', type: 'AccessDeniedException' });
  expect((await at.get()).exitCode).toBe(1);
  const calls = await requests(async () => {
    expect((await ask()).exitCode).toBe(1);
  });
  expect(calls).toBe(1);
  aws.recover();
  expect((await ask()).exitCode).toBe(0);
});

test('each registry is asked with the profile that finch.yaml names for it', async () => {
  await using at = await bench();
  const dev = aws.addUser({ name: 'dev' });
  const keys = `aws_access_key_id=${dev.accessKeyId}\naws_secret_access_key=${dev.secretAccessKey}`;
  await mkdir(join(at.home, '.aws'));
  await writeFile(join(at.home, '.aws/credentials'), `[dev]\n${keys}\n`);
  const yaml = 'ecr:\n  registries:\n    "*.dkr.ecr.eu-west-1.*": {profile: dev}\n';
  await writeFile(join(at.home, 'finch.yaml'), yaml);
  const userOf = async (host: string) =>
    aws.issued(secretOf(await at.get({}, host)))?.principal.accessKeyId;
  expect(await userOf(HOST)).toBe(dev.accessKeyId);
  expect(await userOf(HOST.replace('west', 'north'))).toBe(at.user.accessKeyId);
});

test('a home in which nothing can be written, and no home at all, change nothing', async () => {
  await using at = await bench();
  for (const home of ['/proc', '/dev/null', '']) {
    const env = { HOME: home, FINCH_HOME: '', AWS_ECR_CACHE_DIR: `${home || '/proc'}/.ecr` };
    const calls = await requests(async () => {
      secretOf(await at.get(env));
      secretOf(await at.get(env));
    });
    expect(calls).toBe(2);
  }
  expect(await requests(async () => secretOf(await at.get({ AWS_ECR_DISABLE_CACHE: '1' })))).toBe(
    1,
  );
});
