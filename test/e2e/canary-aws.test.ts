import { describe, expect, test } from 'bun:test';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';
import { stopBridge } from '../../src/bridge/stop-bridge.ts';
import { formsIn } from '../canary/forms.ts';
import { writeHelloFinch } from '../demo/hello-finch.ts';
import { AWS_SECRET_CANARY } from '../support/aws/secrets.ts';
import { startSso } from '../support/aws/sso.ts';
import { type AwsStandIn, type AwsUser, startAws } from '../support/aws/stand-in.ts';
import { CANARY } from '../support/canary.ts';
import { fakeLimactl } from '../support/fake-limactl.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { finch, finchBinary, finchEnvironment } from './support/finch.ts';
import { installHelper } from './support/helper-install.ts';
import { failing, passwordFiles, quiet, type Seen, watch } from './support/seen.ts';
import { mayWatch } from './support/watched.ts';
import { workbench } from './support/workbench.ts';

const HOST = '111222333444.dkr.ecr.us-east-1.amazonaws.com';

/** How one run is seen: a command line, what it is to end as, and what is on its stdin. */
type Run = readonly [line: string, expected: Seen, stdin?: string];

/**
 * A home with an image for the stand-in, which has a repository for it. Over TLS nothing that goes to AWS can be
 * read on the way, so what is seen is what leaked.
 */
async function benchFor(aws: AwsStandIn, env: Readonly<Record<string, string>>) {
  if (aws.repositories.find({ name: 'app' }) === undefined)
    aws.repositories.create({ name: 'app' });
  const bench = await workbench(env);
  await writeHelloFinch(bench.path('hello-finch.tar'));
  await bench.ok('load -q -i hello-finch.tar');
  await bench.ok(`tag hello-finch ${HOST}/app:1`);
  const helper = await installHelper(bench.path('bin'), 'hard link', {
    name: 'docker-credential-ecr-login',
  });
  await mkdir(join(bench.home, '.aws'));
  return {
    ...bench,
    /** Writes a file of the user, and gives its path. */
    async keep(name: string, text: string): Promise<string> {
      const path = join(bench.home, name);
      await writeFile(path, text, { mode: 0o600 });
      return path;
    },
    async see(runs: readonly Run[]): Promise<void> {
      for (const [line, expected, stdin] of runs) {
        const [first = '', ...rest] = line.split(' ');
        const isHelper = first === 'helper';
        const options = { env, ...(stdin !== undefined && { stdin }) };
        const seen = isHelper
          ? await watch(bench, rest, { ...options, program: helper.path })
          : await watch(bench, [first, ...rest], options);
        // The file of the tokens has another name while it is written.
        const places = seen.places.map((place) =>
          /\/\.ecr\/\.finch-ecr-[\w-]+\.tmp$/.test(place) ? 'cache.json' : place,
        );
        const once: Seen = { ...seen, places: [...new Set(places)] };
        expect({ line, ...once }).toEqual({ line, ...expected });
      }
    },
    /** The files below the folder that hold a secret, besides those that the user has put there. */
    async secrets(...own: readonly string[]): Promise<readonly string[]> {
      const home = basename(bench.home);
      const files = await passwordFiles(bench.folder);
      return files
        .map((file) => file.replace(`${home}/`, ''))
        .filter((file) => !own.some((name) => file === `${name} 600`));
    },
  };
}

const keysOf = ({ accessKeyId, secretAccessKey, sessionToken }: AwsUser) =>
  `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\naws_session_token = ${sessionToken}\n`;

const CACHE = ['.ecr/cache.json 600'];

describe.skipIf(!mayWatch)('keys, session tokens and passwords of AWS go nowhere', () => {
  test('from the environment, but the password to the cache and to those who ask for it', async () => {
    await using aws = await startAws();
    await using bench = await benchFor(aws, aws.environment(aws.addUser({ session: true })));
    await bench.see([
      ['ecr whoami --explain', quiet()],
      [`ecr doctor ${HOST}/app:1`, quiet()],
      [`push ${HOST}/app:1`, quiet('cache.json')],
      [`pull ${HOST}/app:1`, quiet()],
      [`login ${HOST}`, quiet()],
      ['login --list', quiet()],
      ['ecr create-repo other', quiet()],
      ['ecr login-password', quiet('stdout')],
      ['ecr login-password --public', quiet('stdout')],
      ['helper get', quiet('stdout'), HOST],
      ['helper get', quiet('cache.json', 'stdout'), 'public.ecr.aws'],
      ['helper list', quiet()],
      [
        'helper store',
        quiet(),
        JSON.stringify({ ServerURL: HOST, Username: 'AWS', Secret: CANARY }),
      ],
      ['helper get', failing(), `https://AWS:${CANARY}@${HOST}`],
      ['credential get', quiet('stdout'), HOST],
      [`logout ${HOST}`, quiet()],
    ]);
    expect(await bench.secrets()).toEqual(CACHE);
  });

  test('to the virtual machine that is started anew after the setup', async () => {
    await using aws = await startAws();
    await using folder = await temporaryFolder();
    const lima = await fakeLimactl(folder.path);
    await lima.setStatus('Running');
    const PATH = `${lima.folder}${delimiter}${process.env['PATH'] ?? ''}`;
    const env = { ...aws.environment(aws.addUser({ session: true })), PATH };
    // Its processes live on, and no tracer would see the end of them.
    try {
      for (const line of ['ecr setup', 'ecr unset']) {
        const options = { home: folder.path, env };
        const { stdout, stderr } = await finch(line.split(' '), options);
        expect(formsIn(Buffer.from(stdout + stderr))).toEqual([]);
        expect(formsIn(Buffer.from(JSON.stringify(await lima.environment())))).toEqual([]);
        const agent = await lima.hostAgent();
        expect(formsIn(await readFile(`/proc/${agent}/environ`))).toEqual([]);
      }
      expect(await lima.calls()).toContain('start --tty=false finch');
      expect(await passwordFiles(folder.path)).toEqual([]);
    } finally {
      await stopBridge(folder.path);
    }
  });

  test('but through the proxy: there is no other connection', async () => {
    await using aws = await startAws();
    await using bench = await benchFor(aws, aws.environment(aws.addUser({ session: true })));
    const port = new URL(aws.proxy).port;
    for (const line of ['ecr whoami', `push ${HOST}/app:1`, 'ecr setup']) {
      const trace = bench.path('connections');
      const strace = ['strace', '-f', '-qq', '-e', 'trace=connect,sendto,sendmsg', '-o', trace];
      const env = finchEnvironment(bench.home, aws.environment(aws.addUser({ session: true })));
      const child = Bun.spawn([...strace, finchBinary, ...line.split(' ')], {
        ...{ env, cwd: bench.folder, stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' },
      });
      expect([line, await child.exited]).toEqual([line, 0]);
      const calls = (await Bun.file(trace).text()).split('\n');
      const to = calls.flatMap(
        (call) => /AF_INET6?, sin6?_port=htons\((\d+)\)/.exec(call)?.[1] ?? [],
      );
      expect([line, ...new Set(to)]).toEqual([line, port]);
    }
  });

  test('from the password of the AWS CLI, but to config.json', async () => {
    await using aws = await startAws();
    const env = aws.environment(aws.addUser({ session: true }));
    await using bench = await benchFor(aws, env);
    const password = await bench.ok('ecr login-password');
    await bench.see([
      [`login --username AWS --password-stdin ${HOST}`, quiet('config.json'), password],
    ]);
    expect(await bench.secrets()).toEqual(['config.json 600']);
  });

  test.each([
    ['the secret key is wrong', {}],
    ['AWS says the session token again', { type: 'SignatureDoesNotMatch', status: 403 }],
    ['AWS says it under a name that nobody knows', { type: 'OddException', status: 400 }],
    ['somebody else says it, in a page', { status: 403, body: '' }],
  ])('when %s', async (_, fault) => {
    await using aws = await startAws();
    const { secretAccessKey } = aws.addUser({ name: 'bob' });
    const user = aws.addUser({ session: true });
    const isWrong = Object.keys(fault).length === 0;
    await using bench = await benchFor(
      aws,
      aws.environment(isWrong ? { ...user, secretAccessKey } : user),
    );
    const said = `The Canonical String should have been\n'POST\n/\n\nx-amz-security-token:${user.sessionToken}\n' ${user.secretAccessKey}`;
    const repeats = 'body' in fault ? { body: said } : { message: said };
    if (!isWrong) aws.fail({ action: /^(?:ecr|sts):Get/, ...fault, ...repeats });
    await bench.see([
      ['ecr whoami', failing()],
      [`push ${HOST}/app:1`, failing()],
      [`ecr doctor ${HOST}`, failing()],
      ['helper get', failing(), HOST],
    ]);
    expect(await bench.secrets()).toEqual([]);
  });

  test('from profiles with keys and with a role, and from a program', async () => {
    await using aws = await startAws();
    const user = aws.addUser({ session: true });
    const role = aws.addRole({ trusts: [user.arn] });
    await using bench = await benchFor(aws, aws.environment());
    const { accessKeyId, secretAccessKey, sessionToken } = user;
    const answer = { Version: 1, AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey };
    const file = await bench.keep(
      'keys.json',
      JSON.stringify({ ...answer, SessionToken: sessionToken }),
    );
    await bench.keep('.aws/credentials', `[plain]\n${keysOf(user)}`);
    await bench.keep(
      '.aws/config',
      [
        `[profile role]\nrole_arn = ${role.arn}\nsource_profile = program`,
        `[profile program]\ncredential_process = cat ${file}`,
        `[profile broken]\ncredential_process = sh -c "cat ${file} >&2; exit 3"`,
        `[profile other]\nrole_arn = ${role.arn}x\nsource_profile = plain\n`,
      ].join('\n'),
    );
    const cat = { ...quiet(), programs: ['cat'] };
    await bench.see([
      ['ecr whoami --profile plain', quiet()],
      ['ecr login-password --profile program', { ...cat, places: ['stdout'] }],
      ['ecr whoami --profile role', cat],
      ['ecr setup --profile role', cat],
      [`push ${HOST}/app:1`, { ...cat, places: ['cache.json'] }],
      // The token is there; but whose it may be, only the program says.
      ['helper get', { ...cat, places: ['stdout'] }, HOST],
      ['ecr whoami --profile broken', { ...failing(), programs: ['cat', 'sh'] }],
      ['ecr whoami --profile other', failing()],
    ]);
    const own = ['keys.json', '.aws/credentials'];
    expect(await bench.secrets(...own)).toEqual(CACHE);
  });

  test('from a sign-in, whose session goes to the portal alone', async () => {
    await using aws = await startAws();
    const user = aws.addUser({ session: true });
    await using sso = startSso({ roles: [{ account: '111222333444', role: 'Dev', user }] });
    await using bench = await benchFor(aws, {
      ...{ ...aws.environment(), ...sso.environment, AWS_PROFILE: 'dev' },
    });
    await bench.keep(
      '.aws/config',
      [
        '[profile dev]\nsso_start_url = https://start.test\nsso_region = us-east-1',
        'sso_account_id = 111222333444\nsso_role_name = Dev\n[profile session]\nsso_session = s',
        'sso_account_id = 111222333444\nsso_role_name = Dev\n[sso-session s]',
        'sso_start_url = https://start.test\nsso_region = us-east-1\n',
      ].join('\n'),
    );
    const name = new Bun.CryptoHasher('sha1').update('https://start.test').digest('hex');
    const file = `.aws/sso/cache/${name}.json`;
    await mkdir(join(bench.home, '.aws/sso/cache'), { recursive: true });
    const { accessToken } = sso;
    const expiresAt = new Date(Date.now() + 3600_000).toISOString();
    await bench.keep(file, JSON.stringify({ accessToken, expiresAt }));
    await bench.see([
      ['ecr whoami', quiet('socket')],
      ['helper get', quiet('cache.json', 'socket', 'stdout'), HOST],
      ['helper get', quiet('stdout'), HOST],
    ]);
    // Renewed, it is kept where the AWS CLI keeps it, and stays readable for the user alone.
    const { refreshToken } = sso;
    const soon = new Date(Date.now() + 60_000).toISOString();
    const client = { clientId: 'finch', clientSecret: `${AWS_SECRET_CANARY}client` };
    const renewed = `.aws/sso/cache/${new Bun.CryptoHasher('sha1').update('s').digest('hex')}.json`;
    const path = await bench.keep(
      renewed,
      JSON.stringify({ accessToken, refreshToken, ...client, expiresAt: soon }),
    );
    await bench.see([['ecr whoami --profile session', quiet(path, 'socket')]]);
    sso.endSessions();
    await bench.see([['ecr whoami', failing('socket')]]);
    expect(await bench.secrets(file, renewed)).toEqual(CACHE);
  });

  test('to an endpoint in plain text: what signs is never sent', async () => {
    await using aws = await startAws();
    const env = { ...aws.environment(aws.addUser()), AWS_ENDPOINT_URL: aws.endpoint };
    await using bench = await benchFor(aws, env);
    await bench.see([
      ['ecr whoami', quiet()],
      ['ecr create-repo another', quiet()],
    ]);
    expect(await bench.secrets()).toEqual([]);
  });
});
