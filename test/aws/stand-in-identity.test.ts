import { expect, test } from 'bun:test';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runOk } from '../e2e/support/program.ts';
import { type KeyServer, startContainerKeys, startMetadata } from '../support/aws/metadata.ts';
import { pythonPrograms } from '../support/aws/python-programs.ts';
import { startSso } from '../support/aws/sso.ts';
import { type AwsStandIn, startAws } from '../support/aws/stand-in.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** One that lets variables say where these servers are, which those of distributions may not. */
const cli = Bun.which(pythonPrograms.aws) ?? undefined;

/** Who the AWS CLI says that it is, in an empty home, with the keys of a server. */
async function whoami(
  { aws, keys, home }: { aws: AwsStandIn; keys: KeyServer; home: string },
  ...flags: readonly string[]
): Promise<unknown> {
  const said = await runOk([cli ?? 'aws', 'sts', 'get-caller-identity', ...flags], {
    env: {
      ...aws.environment(),
      ...{ HOME: home, NO_PROXY: '127.0.0.1', AWS_ENDPOINT_URL_STS: aws.endpoint },
      ...keys.environment,
    },
  });
  return JSON.parse(said);
}

test.skipIf(cli === undefined)('the AWS CLI takes the keys of an instance', async () => {
  await using aws = await startAws();
  await using home = await temporaryFolder();
  const user = aws.addUser({ session: true });
  await using keys = startMetadata({ user });
  expect(await whoami({ aws, keys, home: home.path })).toMatchObject({ Arn: user.arn });
  expect(keys.requests).toEqual([
    'PUT /latest/api/token',
    'GET /latest/meta-data/iam/security-credentials/',
    'GET /latest/meta-data/iam/security-credentials/build-machine',
  ]);
});

test('an instance gives keys only to those who have asked for a token', async () => {
  await using keys = startMetadata();
  const { AWS_EC2_METADATA_SERVICE_ENDPOINT: origin } = keys.environment;
  expect((await fetch(`${origin}/latest/meta-data/placement/region`)).status).toBe(401);
  expect((await fetch(`${origin}/latest/api/token`, { method: 'PUT' })).status).toBe(400);
  await using off = startMetadata({ mode: 'forbidden' });
  const refused = off.environment['AWS_EC2_METADATA_SERVICE_ENDPOINT'];
  expect((await fetch(`${refused}/latest/api/token`, { method: 'PUT' })).status).toBe(403);
});

test.skipIf(cli === undefined)('the AWS CLI takes the keys of a container', async () => {
  await using aws = await startAws();
  await using home = await temporaryFolder();
  const user = aws.addUser({ session: true });
  const tokenFile = join(home.path, 'token');
  await using plain = await startContainerKeys({ user });
  await using pod = await startContainerKeys({ user, tokenFile });
  const asked = [plain, pod].map((keys) => whoami({ aws, keys, home: home.path }));
  expect(await Promise.all(asked)).toMatchObject([{ Arn: user.arn }, { Arn: user.arn }]);
  const url = plain.environment['AWS_CONTAINER_CREDENTIALS_FULL_URI'] ?? '';
  expect((await fetch(url)).status).toBe(403);
});

test.skipIf(cli === undefined)(
  'the AWS CLI takes the keys of a session of SSO, until that ends',
  async () => {
    await using aws = await startAws();
    await using home = await temporaryFolder();
    const user = aws.addUser({ session: true });
    await using keys = startSso({ roles: [{ account: user.account, role: 'dev', user }] });
    const startUrl = 'https://example.awsapps.com/start';
    const settings = [
      ...['[profile dev]', `sso_account_id = ${user.account}`, 'sso_role_name = dev'],
      ...[`sso_start_url = ${startUrl}`, 'sso_region = us-east-1', ''],
    ].join('\n');
    const cached = { accessToken: keys.accessToken, expiresAt: '2099-01-01T00:00:00Z', startUrl };
    const hash = new Bun.CryptoHasher('sha1').update(startUrl).digest('hex');
    await mkdir(join(home.path, '.aws/sso/cache'), { recursive: true });
    await Bun.write(join(home.path, '.aws/config'), settings);
    await Bun.write(join(home.path, `.aws/sso/cache/${hash}.json`), JSON.stringify(cached));
    const profile = ['--profile', 'dev'];
    expect(await whoami({ aws, keys, home: home.path }, ...profile)).toMatchObject({
      Arn: user.arn,
    });
    keys.endSessions();
    await Bun.$`rm -rf ${home.path}/.aws/cli`.quiet();
    await expect(whoami({ aws, keys, home: home.path }, ...profile)).rejects.toThrow(
      /expired|Unauthorized|invalid/,
    );
  },
);
