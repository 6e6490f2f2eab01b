import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { ACCOUNT, aliasOf } from '../support/aws/repositories.ts';
import type { AwsUser } from '../support/aws/stand-in.ts';
import { buildImage, layerTar } from '../support/images.ts';
import { type AwsBench, awsBench, ECR_HOST } from './support/aws-bench.ts';
import { expectError } from './support/expectations.ts';
import type { FinchOptions } from './support/finch.ts';
import { filesIn } from './support/home-contents.ts';

const NAME = `${ECR_HOST}/team/app:1`;
const ALICE = `arn:aws:iam::${ACCOUNT}:user/alice`;

/** What a push asks about, and what it does. */
const READ = ['ecr:GetAuthorizationToken', 'ecr:Batch*', 'ecr:GetDownloadUrlForLayer'];
const PUSH = [
  'ecr:InitiateLayerUpload',
  'ecr:UploadLayerPart',
  'ecr:CompleteLayerUpload',
  'ecr:PutImage',
];

let bench: AwsBench;
let owner: AwsUser;
let made = 0;

beforeAll(async () => {
  bench = await awsBench();
  owner = bench.aws.addUser({ name: 'owner' });
  await bench.load(NAME);
});
afterEach(() => bench.aws.recover());
afterAll(() => bench[Symbol.asyncDispose]());

/** Runs a command that fails, with what it says and the home as it was. */
async function fails(
  line: string,
  { home = bench.home, ...options }: Partial<FinchOptions> = {},
): Promise<string> {
  const before = await ownFiles(home);
  const stderr = await bench.fails(line, { home, ...options });
  expect(await ownFiles(home)).toEqual(before);
  return stderr;
}

/** What is in a home but what finch remembers of AWS. */
async function ownFiles(home: string): Promise<Readonly<Record<string, string>>> {
  const files = Object.entries(await filesIn(home));
  return Object.fromEntries(files.filter(([path]) => !/^(?:\.ecr\/|ecr-)/.test(path)));
}

/** The name of an image here that no test has pushed yet, and of its new repository. */
async function newName(options: { readonly mutability?: string } = {}) {
  made += 1;
  const repository = `team/app${made}`;
  const name = `${ECR_HOST}/${repository}:1`;
  bench.aws.repositories.create({ name: repository, ...options });
  await bench.ok(`tag ${NAME} ${name}`);
  const pushed = () => bench.ok(`push -q ${name}`, { env: bench.as(owner) });
  return { name, repository, pushed };
}

/** The environment of a new user, who may do this. Default: everything. */
function userEnv(options: { readonly allow?: readonly string[] } = {}): Record<string, string> {
  return bench.as(bench.aws.addUser(options));
}

test('NAME_UNKNOWN: a repository that is missing, to push to and to pull from', async () => {
  const missing = `${ECR_HOST}/team/none:1`;
  await bench.ok(`tag ${NAME} ${missing}`);
  const message = `repository team/none does not exist in account ${ACCOUNT}, region us-east-1`;
  const hint = `create it with: finch ecr create-repo ${ECR_HOST}/team/none, or push with --create-repo`;
  const env = userEnv();
  expectError(await fails(`push -q ${missing}`, { env }), message, hint);
  const check = `check the name ${ECR_HOST}/team/none`;
  expectError(await fails(`pull -q ${missing}`, { env }), message, check);
});

test('a tag that is missing in a repository that is there', async () => {
  const { name } = await newName();
  const stderr = await fails(`pull -q ${name}`, { env: userEnv() });
  expectError(stderr, `${name} is not in the registry`, /check the name and the tag/);
});

test('a repository that ECR Public does not have', async () => {
  const alias = aliasOf(ACCOUNT);
  expectError(
    await fails(`pull -q public.ecr.aws/${alias}/none:1`),
    `repository ${alias}/none does not exist in ECR Public`,
    `check the name public.ecr.aws/${alias}/none`,
  );
});

test('TAG_INVALID: a tag that may not be moved', async () => {
  const { name, pushed } = await newName({ mutability: 'IMMUTABLE' });
  await pushed();
  await bench.load(name, buildImage({ labels: { build: '2' } }));
  expectError(
    await fails(`push -q ${name}`, { env: userEnv() }),
    /:1 is sha256:[0-9a-f]{64} for good, and not sha256:[0-9a-f]{64}$/,
    'tags of that repository cannot be moved; choose a new tag',
  );
});

test.each(['ecr:InitiateLayerUpload', 'ecr:CompleteLayerUpload', 'ecr:PutImage'])(
  'DENIED %s: no right to push',
  async (action) => {
    const { name, repository } = await newName();
    const allow = [...READ, ...PUSH.filter((it) => it !== action)];
    expectError(
      await fails(`push -q ${name}`, { env: userEnv({ allow }) }),
      `${ALICE} may not call ${action} on ${ECR_HOST}/${repository}`,
      'a policy of IAM must allow that, for example AmazonEC2ContainerRegistryPowerUser; which keys are used tells: finch ecr whoami',
    );
  },
);

test.each(['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'])(
  'DENIED %s: no right to pull',
  async (action) => {
    const { name, repository, pushed } = await newName();
    await pushed();
    const all = ['ecr:GetAuthorizationToken', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'];
    const env = userEnv({ allow: all.filter((it) => it !== action) });
    const stderr = await bench.fails(`pull -q ${name}`, { env, home: await bench.newHome() });
    expectError(
      stderr,
      `${ALICE} may not call ${action} on ${ECR_HOST}/${repository}`,
      /for example AmazonEC2ContainerRegistryReadOnly; which keys are used tells: finch ecr whoami/,
    );
  },
);

test('DENIED across accounts: two policies must allow it', async () => {
  const { name, repository } = await newName();
  const user = bench.aws.addUser({ account: '999888777666', name: 'bob' });
  expectError(
    await fails(`push -q ${name}`, { env: bench.as(user) }),
    `${user.arn} may not call ecr:InitiateLayerUpload on ${ECR_HOST}/${repository}`,
    /account 999888777666 and the repository of 111222333444: a policy of IAM there and a policy of the repository/,
  );
});

test('403 without a body at the question for a layer', async () => {
  const { name } = await newName();
  // What has at most 64 KiB is sent without the question.
  const noise = crypto.getRandomValues(Buffer.alloc(96 * 1024)).toString('base64');
  await bench.load(name, buildImage({ layers: [layerTar(noise)] }));
  const allow = [...PUSH, ...READ.filter((action) => action !== 'ecr:Batch*'), 'ecr:BatchGetImage'];
  expectError(
    await fails(`push -q ${name}`, { env: userEnv({ allow }) }),
    `registry ${ECR_HOST} refuses and gives no reason (403 Forbidden)`,
    /it is of account 111222333444 in us-east-1; who you are tells: finch ecr whoami; .*finch ecr setup --profile NAME/,
  );
});

test('TOOMANYREQUESTS: the quota of an account, and of those without a login', async () => {
  const { name } = await newName();
  const tooMany = { status: 429, type: 'TOOMANYREQUESTS', message: 'Rate exceeded' };
  // So that nobody waits.
  const headers = { 'retry-after': '0' };
  bench.aws.fail({ ...tooMany, headers, action: 'ecr:InitiateLayerUpload' });
  bench.aws.fail({ ...tooMany, headers, action: 'ecr-public:BatchGetImage' });
  expectError(
    await fails(`push -q ${name}`, { env: userEnv() }),
    `registry ${ECR_HOST}: toomanyrequests: Rate exceeded`,
    `wait a while; the quotas of account ${ACCOUNT} can be raised at AWS`,
  );
  expectError(
    await fails('pull -q public.ecr.aws/nginx/nginx:1'),
    'registry public.ecr.aws: 429 Too Many Requests',
    'who is logged in may ask more often: finch login public.ecr.aws',
  );
});

test('a pull-through cache whose secret is wrong', async () => {
  const at = { account: ACCOUNT, region: 'us-east-1', created: new Date() };
  const rule = { ...at, prefix: 'docker-hub', upstream: 'registry-1.docker.io', isRefused: true };
  bench.aws.repositories.pullThrough.push(rule);
  expectError(
    await fails(`pull -q ${ECR_HOST}/docker-hub/library/alpine:3`, { env: userEnv() }),
    /cannot get docker-hub\/library\/alpine from the registry that docker-hub stands for: .*authentication to the upstream/,
    /check the secret of the pull-through cache rule docker-hub; .*below docker-hub\/library/,
  );
});

test('DENIED by an explicit deny', async () => {
  const { name } = await newName();
  const denied = bench.aws.addUser({ name: 'alice', deny: ['ecr:BatchGetImage'] });
  expectError(
    await fails(`pull -q ${name}`, { env: bench.aws.environment(denied) }),
    /alice may not call ecr:BatchGetImage on/,
    /a policy denies that explicitly/,
  );
});

test('UNSUPPORTED: a manifest that does not say what it is', async () => {
  const { name } = await newName();
  const { blobs, root } = buildImage();
  const text = new TextDecoder().decode(blobs.get(root.digest));
  const { mediaType: _, ...manifest } = JSON.parse(text) as Record<string, unknown>;
  const bytes = new TextEncoder().encode(JSON.stringify(manifest));
  const untyped = describe(root.mediaType, digestOf(bytes), bytes);
  const all = new Map([...blobs, [untyped.digest, bytes] as const]);
  await bench.load(name, { root: untyped, blobs: all, order: [] });
  expectError(
    await fails(`push -q ${name}`, { env: userEnv() }),
    /unsupported: Invalid parameter at 'ImageManifest'/,
    /Amazon ECR wants manifests that name their own media type/,
  );
});

/** A password of AWS, by finch itself; one that was made `hoursAgo`. */
async function password({ region = 'us-east-1', hoursAgo = 0 } = {}): Promise<string> {
  bench.aws.clockOffsetMs = -hoursAgo * 3600_000;
  const made = await bench.ok(`ecr login-password --region ${region}`, {
    ...{ env: bench.as(owner), home: await bench.newHome() },
  });
  bench.aws.clockOffsetMs = 0;
  return made.trim();
}

/** A home with a store, in which a login is kept as `docker login` does. */
async function homeWith(secret: string): Promise<string> {
  const home = await bench.newHome();
  await bench.ok('images', { home });
  const auth = Buffer.from(`AWS:${secret}`).toString('base64');
  const config = JSON.stringify({ auths: { [ECR_HOST]: { auth } } });
  await writeFile(join(home, 'config.json'), config, { mode: 0o600 });
  return home;
}

test('400 at /v2/: a password of another region', async () => {
  const stdin = await password({ region: 'eu-west-1' });
  expectError(
    await fails(`login -u AWS --password-stdin ${ECR_HOST}`, { stdin }),
    `login to ${ECR_HOST} was refused: it takes no such password, which may be of another region (400 Bad Request)`,
    `its passwords end after 12 hours, and this one must be for region us-east-1; without -u finch asks AWS for one itself: finch login ${ECR_HOST}`,
  );
});

test('401: a login that is no password of AWS', async () => {
  const { name } = await newName();
  expectError(
    await fails(`pull -q ${name}`, { home: await homeWith('no password of AWS') }),
    `registry ${ECR_HOST}: 401 Unauthorized`,
    `log in with: finch login ${ECR_HOST}`,
  );
  expectError(
    await fails(`login -u AWS --password-stdin ${ECR_HOST}`, { stdin: 'no password of AWS' }),
    `login to ${ECR_HOST} was refused: 401 Unauthorized`,
    `this is no password of Amazon ECR; without -u finch asks AWS for one itself: finch login ${ECR_HOST}`,
  );
});

test('403: a login that has ended', async () => {
  const { name } = await newName();
  const secret = await password();
  bench.aws.expire(secret);
  expectError(
    await fails(`pull -q ${name}`, { home: await homeWith(secret) }),
    `registry ${ECR_HOST}: the password for it has ended`,
    `get a new one with: finch login ${ECR_HOST}`,
  );
});

test('a kept login that has ended does not stand in the way of AWS credentials', async () => {
  const { name, pushed } = await newName();
  await pushed();
  const home = await homeWith(await password({ hoursAgo: 13 }));
  await bench.ok(`pull -q ${name}`, { env: userEnv(), home });
});
