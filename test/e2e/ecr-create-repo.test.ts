import { describe, expect, test } from 'bun:test';
import { type AwsStandIn, type AwsUser, startAws } from '../support/aws/stand-in.ts';
import { startDockerRegistry } from '../support/docker-registry.ts';
import { startFakeRegistry } from '../support/fake-registry.ts';
import { buildImage } from '../support/images.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { writeOciArchive } from './support/archives.ts';
import { expectError } from './support/expectations.ts';
import { filesIn } from './support/home-contents.ts';
import { pushedDigest } from './support/pushing.ts';
import { type Workbench, workbench } from './support/workbench.ts';

const HOST = '111222333444.dkr.ecr.eu-west-1.amazonaws.com';
const US_HOST = '111222333444.dkr.ecr.us-east-1.amazonaws.com';

/** A workbench beside the stand-in for AWS, whose keys are in the environment. */
interface EcrBench extends Workbench {
  readonly aws: AwsStandIn;
  readonly user: AwsUser;
}

async function ecrBench(options: { readonly allow?: readonly string[] } = {}): Promise<EcrBench> {
  const aws = await startAws();
  const user = aws.addUser(options);
  const bench = await workbench(aws.environment(user));
  return {
    ...bench,
    ...{ aws, user },
    async [Symbol.asyncDispose]() {
      await bench[Symbol.asyncDispose]();
      await aws[Symbol.asyncDispose]();
    },
  };
}

/** What was asked of the API, in order. */
function asked({ aws }: EcrBench): readonly string[] {
  return aws.log.filter(({ service }) => service.startsWith('ecr')).map(({ action }) => action);
}

/** A failing run: one message, one hint, nothing left behind. */
async function failsAs(
  bench: Workbench,
  line: string,
  [message, hint]: readonly [string | RegExp, string | RegExp],
): Promise<void> {
  const before = await filesIn(bench.home);
  expectError(await bench.fails(line), message, hint);
  expect(await filesIn(bench.home)).toEqual(before);
}

describe('finch ecr create-repo', () => {
  test('makes a repository of the own account in the region that is set', async () => {
    await using bench = await ecrBench();
    expect(await bench.ok('ecr create-repo team/app')).toBe(`${US_HOST}/team/app\n`);
    const made = bench.aws.repositories.find({
      ...{ account: '111222333444', region: 'us-east-1', name: 'team/app' },
    });
    expect(made).toMatchObject({ mutability: 'MUTABLE', scanOnPush: false });
  });

  test('takes account and region from a host, and the settings from flags', async () => {
    await using bench = await ecrBench();
    const line = `ecr create-repo --immutable --scan-on-push --tag team=a --tag x=1=2 ${HOST}/app:1.0`;
    expect(await bench.ok(line)).toBe(`${HOST}/app\n`);
    const made = bench.aws.repositories.find({
      ...{ account: '111222333444', region: 'eu-west-1', name: 'app' },
    });
    expect(made).toMatchObject({ mutability: 'IMMUTABLE', scanOnPush: true });
    expect(Object.fromEntries(made?.tags ?? [])).toEqual({ team: 'a', x: '1=2' });
  });

  test('leaves a repository as it is that exists, and says so', async () => {
    await using bench = await ecrBench();
    await bench.ok('ecr create-repo --region eu-west-1 app');
    const line = `ecr create-repo --scan-on-push --tag a=b ${HOST}/app`;
    const { stdout, stderr, exitCode } = await bench.run(line);
    expect([stdout, exitCode]).toEqual([`${HOST}/app\n`, 0]);
    expect(stderr.split('\n')).toEqual([
      `${HOST}/app exists already, and stays as it is`,
      'warning: images are not searched for known faults when they are pushed there',
      'warning: it was given none of the tags',
      '',
    ]);
  });

  test('fails when one exists whose tags can be overwritten though they are not to', async () => {
    await using bench = await ecrBench();
    await bench.ok('ecr create-repo --region eu-west-1 app');
    await failsAs(bench, `ecr create-repo --immutable ${HOST}/app`, [
      `${HOST}/app exists already, and its tags can be overwritten`,
      /put-image-tag-mutability --repository-name app --image-tag-mutability IMMUTABLE --region eu-west-1/,
    ]);
    const place = { account: '111222333444', region: 'eu-west-1', name: 'app' };
    const found = bench.aws.repositories.find(place);
    expect(found?.mutability).toBe('MUTABLE');
    if (found !== undefined) found.mutability = 'IMMUTABLE';
    expect(await bench.ok(`ecr create-repo --immutable ${HOST}/app`)).toBe(`${HOST}/app\n`);
  });

  test('knows the name of one that exists without being allowed to look at it', async () => {
    await using bench = await ecrBench({ allow: ['ecr:CreateRepository'] });
    await bench.ok(`ecr create-repo ${HOST}/app`);
    const { stdout, stderr } = await bench.run(`ecr create-repo --immutable ${HOST}/app`);
    expect(stdout).toBe(`${HOST}/app\n`);
    expect(stderr).toContain('warning: AWS does not let you see how it is set');
  });

  test('makes one at ECR Public, which is in one region whatever is set', async () => {
    await using bench = await ecrBench();
    const env = { AWS_REGION: 'eu-west-1' };
    expect(await bench.ok('ecr create-repo --public web', { env })).toMatch(
      /^public\.ecr\.aws\/[a-z0-9]+\/web\n$/,
    );
    expect(bench.aws.log.map(({ host }) => host)).toEqual([
      'api.ecr-public.us-east-1.amazonaws.com',
    ]);
  });

  test('finds one at ECR Public that exists, and makes none for somebody else', async () => {
    await using bench = await ecrBench();
    const uri = (await bench.ok('ecr create-repo --public web')).trim();
    expect(await bench.ok('ecr create-repo --public web')).toBe(`${uri}\n`);
    expect(await bench.ok(`ecr create-repo ${uri}2:latest`)).toBe(`${uri}2\n`);
    const before = bench.aws.repositories.list({ isPublic: true });
    await failsAs(bench, 'ecr create-repo public.ecr.aws/nginx/web3', [
      'public.ecr.aws/nginx is not a registry of yours',
      `name the repository ${uri}3`,
    ]);
    expect(bench.aws.repositories.list({ isPublic: true })).toEqual(before);
  });

  test.each([
    ['Team/App', '"Team/App"', /lower case/],
    ['a', '"a"', /2 to 256/],
    ['app:1', '"app:1"', /./],
    [HOST, `${HOST} is a registry, and names no repository`, new RegExp(`${HOST}/NAME`)],
    ['public.ecr.aws', 'public.ecr.aws is a registry', /public\.ecr\.aws\/NAME/],
    [`https://${HOST}/v2/`, `${HOST} is a registry`, /NAME/],
    ['a..b', '"a..b"', /./],
    ['docker.io/library/nginx', '"docker.io" is no registry', /./],
    [`${HOST}.example.com/app`, 'is no registry of Amazon ECR', /./],
    [`--region us-east-1 ${HOST}/app`, `${HOST} is in eu-west-1, not in us-east-1`, /--region/],
    [`--public ${HOST}/app`, `${HOST} is not Amazon ECR Public`, /--public/],
    ['--public --immutable app', 'nothing like --immutable', /./],
    ['--tag nothing app', '"nothing" is no tag', /KEY=VALUE/],
    ['--region ../x app', '"../x" is no region', /eu-west-1/],
  ])('does not ask AWS about %s', async (words, message, hint) => {
    await using bench = await workbench({ AWS_EC2_METADATA_DISABLED: 'true' });
    const pattern = new RegExp(message.replace(/[.()[\]]/g, '\\$&'));
    await failsAs(bench, `ecr create-repo ${words}`, [pattern, hint]);
  });

  test('says what is missing when AWS does not allow it', async () => {
    await using bench = await ecrBench({ allow: ['ecr:GetAuthorizationToken'] });
    await failsAs(bench, `ecr create-repo ${HOST}/app`, [
      `AWS refused ecr:CreateRepository for ${HOST}/app: ${bench.user.arn} may not call ecr:CreateRepository`,
      'ask who runs the account to allow ecr:CreateRepository',
    ]);
  });

  test('says when there are as many repositories as there may be', async () => {
    await using bench = await ecrBench();
    bench.aws.rules.repositoryQuota = 1;
    bench.aws.repositories.create({ region: 'eu-west-1', name: 'first' });
    await failsAs(bench, `ecr create-repo ${HOST}/app`, [
      /as many repositories in eu-west-1 as it may have$/,
      /Service Quotas$/,
    ]);
    expect(asked(bench)).toEqual(['CreateRepository']);
  });
});

describe('a repository that is missing', () => {
  test('is one with almost the name of another, which the hint names', async () => {
    await using bench = await ecrBench();
    await bench.ok(`ecr create-repo ${HOST}/team/backend`);
    await writeOciArchive(bench.path('image.tar'), `${HOST}/team/backned:1`, buildImage());
    await bench.ok('load -q -i image.tar');
    const meant = `did you mean ${HOST}/team/backend?`;
    const push = await bench.fails(`push -q ${HOST}/team/backned:1`);
    expectError(push, /does not exist/, `${meant} If not, push with --create-repo`);
    expectError(await bench.fails(`pull -q ${HOST}/team/bakend:1`), /does not exist/, meant);
    const other = await bench.fails(`pull -q ${HOST}/something/else:1`);
    expectError(other, /does not exist/, /^hint: check the name/);
  });

  test('has the usual hint when the list of repositories does not come in time', async () => {
    await using bench = await ecrBench();
    bench.aws.repositories.create({ region: 'eu-west-1', name: 'backend' });
    bench.aws.fail({ action: 'DescribeRepositories', delayMs: 60_000, status: 500 });
    const said = await bench.fails(`pull -q ${HOST}/backned:1`);
    expectError(said, /does not exist/, /^hint: check the name/);
  });

  test('is found among more than fit into one answer', async () => {
    await using bench = await ecrBench();
    for (let i = 0; i < 1500; i++) {
      bench.aws.repositories.create({ region: 'eu-west-1', name: `a/${1_000_000 + i * 13}` });
    }
    bench.aws.repositories.create({ region: 'eu-west-1', name: 'zebra' });
    const said = await bench.fails(`pull -q ${HOST}/zebar:1`);
    expectError(said, /does not exist/, new RegExp(`did you mean ${HOST}/zebra\\?`));
  });

  test('has the usual hint when the list of repositories may not be seen', async () => {
    const allow = ['ecr:GetAuthorizationToken', 'ecr:Batch*', 'ecr:Initiate*', 'ecr:Get*'];
    await using bench = await ecrBench({ allow });
    bench.aws.repositories.create({ region: 'eu-west-1', name: 'backend' });
    const said = await bench.fails(`pull -q ${HOST}/backned:1`);
    expectError(said, /does not exist/, /^hint: check the name/);
  });
});

describe('finch push --create-repo', () => {
  test('makes the repository that is missing, and pushes', async () => {
    await using bench = await ecrBench();
    const built = buildImage();
    await writeOciArchive(bench.path('image.tar'), `${HOST}/team/app:1`, built);
    await bench.ok('load -q -i image.tar');
    const { stdout, stderr, exitCode } = await bench.run(`push --create-repo ${HOST}/team/app:1`);
    expect([exitCode, pushedDigest(stdout)]).toEqual([0, built.root.digest]);
    expect(stderr.split('\n').filter((line) => line.startsWith('created'))).toEqual([
      `created repository ${HOST}/team/app`,
    ]);
    // The next push finds it.
    expect(await bench.ok(`push --create-repo ${HOST}/team/app:1`)).toBe(stdout);
    expect(asked(bench).filter((action) => action === 'CreateRepository')).toHaveLength(1);
  });

  test('makes each that is missing for several names, and leaves other registries alone', async () => {
    await using bench = await ecrBench();
    const gone = startFakeRegistry();
    await gone[Symbol.asyncDispose]();
    const elsewhere = `${gone.host}/app:1`;
    const names = [`${HOST}/team/app:1`, `${HOST}/team/app:2`, `${HOST}/web:1`];
    for (const name of [...names, elsewhere]) {
      await writeOciArchive(bench.path('image.tar'), name, buildImage());
      await bench.ok('load -q -i image.tar');
    }
    const args = `push -q --create-repo ${elsewhere} ${names.join(' ')}`;
    const { stdout, stderr, exitCode } = await bench.run(args);
    expect([exitCode, stdout]).toEqual([1, names.map((name) => `${name}\n`).join('')]);
    const lines = stderr.trimEnd().split('\n');
    expect(lines.filter((line) => line.startsWith('created'))).toEqual([
      `created repository ${HOST}/team/app`,
      `created repository ${HOST}/web`,
    ]);
    expect(lines.filter((line) => line.startsWith('finch: '))).toEqual([
      `finch: ${elsewhere}: cannot connect to ${gone.host}: connection refused`,
    ]);
  });

  test('makes one at ECR Public, but only in the registry of the user', async () => {
    await using bench = await ecrBench();
    const uri = (await bench.ok('ecr create-repo --public web')).trim();
    await writeOciArchive(bench.path('image.tar'), `${uri}2:1`, buildImage());
    await bench.ok('load -q -i image.tar');
    const { stdout, stderr } = await bench.run(`push -q --create-repo ${uri}2:1`);
    expect([stdout, stderr]).toEqual([`${uri}2:1\n`, `created repository ${uri}2\n`]);
    await bench.ok(`tag ${uri}2:1 public.ecr.aws/nginx/web3:1`);
    const said = await bench.fails('push -q --create-repo public.ecr.aws/nginx/web3:1');
    expectError(said, 'public.ecr.aws/nginx is not a registry of yours', /web3$/);
  });

  test('does not push where the repository is missing and may not be made', async () => {
    await using bench = await ecrBench({
      allow: ['ecr:GetAuthorizationToken', 'ecr:Batch*', 'ecr:InitiateLayerUpload', 'ecr:Get*'],
    });
    await writeOciArchive(bench.path('image.tar'), `${HOST}/app:1`, buildImage());
    await bench.ok('load -q -i image.tar');
    const stderr = await bench.fails(`push -q --create-repo ${HOST}/app:1`);
    expectError(stderr, /may not call ecr:CreateRepository$/, /ecr:CreateRepository$/);
  });

  test('says without it how the repository is made', async () => {
    await using bench = await ecrBench();
    await writeOciArchive(bench.path('image.tar'), `${HOST}/app:1`, buildImage());
    await bench.ok('load -q -i image.tar');
    expectError(await bench.fails(`push -q ${HOST}/app:1`), /app does not exist/, /--create-repo/);
    expect(asked(bench)).not.toContain('CreateRepository');
  });

  test('sends nothing to a registry that is not of Amazon ECR', async () => {
    await using folder = await temporaryFolder();
    await using registry = await startDockerRegistry({ root: folder.path });
    await using bench = await workbench();
    await writeOciArchive(bench.path('image.tar'), `${registry.host}/app:1`, buildImage());
    await bench.ok('load -q -i image.tar');
    await failsAs(bench, `push --create-repo ${registry.host}/app:1`, [
      `"${registry.host}" is no registry of Amazon ECR`,
      /most others make one when an image is pushed$/,
    ]);
  });
});
