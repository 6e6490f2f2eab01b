import { expect, test } from 'bun:test';
import { ACCOUNT, aliasOf } from '../support/aws/repositories.ts';
import { buildImage, buildMultiPlatform, layerTar } from '../support/images.ts';
import { awsBench, ECR_HOST } from './support/aws-bench.ts';
import { expectError } from './support/expectations.ts';
import { pushedDigest } from './support/pushing.ts';

const NAME = `${ECR_HOST}/team/app:1`;
const built = buildImage();

test('AWS keys in the environment are all it takes to push and to pull', async () => {
  await using bench = await awsBench();
  const user = bench.aws.addUser({ session: true });
  const env = bench.as(user);
  bench.aws.repositories.create({ name: 'team/app' });
  const platforms = buildMultiPlatform('linux/amd64', 'linux/arm64');
  await bench.load(NAME, platforms);
  expect(pushedDigest(await bench.ok(`push ${NAME}`, { env }))).toBe(platforms.root.digest);

  const home = await bench.newHome();
  await bench.ok(`pull -q --all-platforms ${NAME}`, { env, home });
  expect(await bench.ok(['images', '--no-trunc', '--format', '{{.Digest}}'], { home })).toContain(
    platforms.root.digest,
  );
  const calls = bench.aws.log.filter(({ service }) => service === 'ecr');
  expect(new Set(calls.map(({ action }) => action))).toEqual(new Set(['GetAuthorizationToken']));
  const principals = bench.aws.log.flatMap(({ principal }) => principal ?? []);
  expect(new Set(principals)).toEqual(new Set([user.arn]));
  const elsewhere = bench.aws.log.filter(({ host }) => host.includes('starport'));
  expect(elsewhere.length).toBeGreaterThan(0);
  expect(elsewhere.every(({ authorization }) => authorization === undefined)).toBe(true);
});

test('who may push and not pull pushes', async () => {
  await using bench = await awsBench();
  const actions = [
    ...['GetAuthorizationToken', 'BatchCheckLayerAvailability', 'InitiateLayerUpload'],
    ...['UploadLayerPart', 'CompleteLayerUpload', 'PutImage'],
  ];
  const robot = bench.aws.addUser({ allow: actions.map((action) => `ecr:${action}`) });
  bench.aws.repositories.create({ name: 'team/app' });
  await bench.load(NAME, buildMultiPlatform('linux/amd64', 'linux/arm64'));
  await bench.ok(`push -q ${NAME}`, { env: bench.as(robot) });
  await bench.ok(`pull -q ${NAME}`, {
    env: bench.as(bench.aws.addUser()),
    home: await bench.newHome(),
  });
});

test('a layer goes out in one request, whatever its size', async () => {
  await using bench = await awsBench();
  const env = bench.as(bench.aws.addUser());
  bench.aws.repositories.create({ name: 'team/app' });
  const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(65_536))).toString('hex');
  await bench.load(NAME, buildImage({ layers: [layerTar(noise.repeat(30))] }));
  await bench.ok(`push -q ${NAME}`, { env });
  const uploads = bench.aws.log.filter(({ action }) => action.includes('/blobs/uploads/'));
  expect(uploads.map(({ action }) => action.split(' ')[0]).sort()).toEqual([
    ...['POST', 'POST', 'PUT', 'PUT'],
  ]);
});

test('where tags cannot be moved, the same image may be pushed again, and another may not', async () => {
  await using bench = await awsBench();
  const env = bench.as(bench.aws.addUser());
  bench.aws.repositories.create({ name: 'team/app', mutability: 'IMMUTABLE' });
  await bench.load(NAME, built);
  await bench.ok(`push -q ${NAME}`, { env });
  await bench.ok(`push -q ${NAME}`, { env });
  const other = buildImage({ labels: { build: '2' } });
  await bench.load(NAME, other);
  expectError(
    await bench.fails(`push -q ${NAME}`, { env }),
    `${NAME} is ${built.root.digest} for good, and not ${other.root.digest}`,
    'tags of that repository cannot be moved; choose a new tag',
  );
});

test('an answer that comes too late is no reason to fail: the tag is there', async () => {
  await using bench = await awsBench();
  const env = bench.as(bench.aws.addUser());
  bench.aws.repositories.create({ name: 'team/app', mutability: 'IMMUTABLE' });
  await bench.load(NAME, built);
  // What was pushed is not seen at first, as when two machines push at once.
  await bench.ok(`push -q ${NAME}`, { env });
  bench.aws.fail({
    action: /^HEAD .*\/manifests\/1$/,
    status: 404,
    type: 'MANIFEST_UNKNOWN',
    times: 1,
  });
  await bench.ok(`push -q ${NAME}`, { env });
  const refused = bench.aws.log.filter(
    ({ status, type }) => status === 400 && type === 'TAG_INVALID',
  );
  expect(refused).toHaveLength(1);
});

test('a missing repository is made with --create-repo', async () => {
  await using bench = await awsBench();
  const env = bench.as(bench.aws.addUser());
  await bench.load(NAME, built);
  await bench.ok(`push -q --create-repo ${NAME}`, { env });
  expect(bench.aws.repositories.list().map(({ name }) => name)).toEqual(['team/app']);
});

test('a registry that makes repositories when they are pushed to is not stopped from it', async () => {
  await using bench = await awsBench();
  const env = bench.as(bench.aws.addUser());
  await bench.load(NAME, built);
  (await bench.aws.registry()).knobs.createOnPush = true;
  await bench.ok(`push -q ${NAME}`, { env });
  expect(bench.aws.log.some(({ action }) => action === 'CreateRepository')).toBe(false);
});

test('who asks too often waits as long as the registry wants', async () => {
  await using bench = await awsBench();
  const env = bench.as(bench.aws.addUser());
  bench.aws.repositories.create({ name: 'team/app' });
  await bench.load(NAME, built);
  const tooMany = {
    ...{ status: 429, type: 'TOOMANYREQUESTS', message: 'Rate exceeded', times: 2 },
    headers: { 'retry-after': '0' },
  };
  for (const action of ['ecr:InitiateLayerUpload', 'ecr:CompleteLayerUpload', 'ecr:PutImage']) {
    bench.aws.fail({ ...tooMany, action });
  }
  await bench.ok(`push -q ${NAME}`, { env });
  const refused = bench.aws.log.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(6);
});

test.each([
  ['requests', { endTokenAfterRequests: 15 }],
  ['bytes', { endTokenAfterBytes: 200_000 }],
])('a password that ends after some %s of a push is replaced', async (_, knobs) => {
  await using bench = await awsBench();
  const env = bench.as(bench.aws.addUser());
  bench.aws.repositories.create({ name: 'team/app' });
  const noise = () => Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))).toString('hex');
  const layers = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => layerTar(noise(), name));
  const image = buildImage({ layers });
  await bench.load(NAME, image);
  Object.assign((await bench.aws.registry()).knobs, knobs);
  await bench.ok(`push -q ${NAME}`, { env });
  expect(bench.aws.log.filter(({ status }) => status === 403).length).toBeGreaterThan(0);
  const calls = bench.aws.log.filter(({ action }) => action === 'GetAuthorizationToken');
  expect(calls.length).toBeGreaterThan(1);
  Object.assign((await bench.aws.registry()).knobs, {
    endTokenAfterRequests: undefined,
    endTokenAfterBytes: undefined,
  });
  await bench.ok(`pull -q ${NAME}`, { env, home: await bench.newHome() });
});

test('ECR Public is pushed to with AWS keys, and pulled from without', async () => {
  await using bench = await awsBench();
  const env = bench.as(bench.aws.addUser());
  bench.aws.repositories.create({ name: 'app', isPublic: true });
  const name = `public.ecr.aws/${aliasOf(ACCOUNT)}/app:1`;
  await bench.load(name, built);
  expect(pushedDigest(await bench.ok(`push ${name}`, { env }))).toBe(built.root.digest);
  const before = bench.aws.log.length;
  await bench.ok(`pull -q ${name}`, { home: await bench.newHome() });
  const since = bench.aws.log.slice(before);
  expect(since.every(({ principal }) => principal === undefined)).toBe(true);
  await bench.ok(`pull -q ${name}`, { env, home: await bench.newHome() });
});
