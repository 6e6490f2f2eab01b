import { describe, expect, test } from 'bun:test';
import {
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  DescribeImagesCommand,
  DescribePullThroughCacheRulesCommand,
  DescribeRegistryCommand,
  DescribeRepositoriesCommand,
  ECRClient,
  GetAuthorizationTokenCommand,
} from '@aws-sdk/client-ecr';
import {
  ECRPUBLICClient,
  CreateRepositoryCommand as PublicCreateRepositoryCommand,
  GetAuthorizationTokenCommand as PublicGetAuthorizationTokenCommand,
} from '@aws-sdk/client-ecr-public';
import {
  AssumeRoleCommand,
  AssumeRoleWithWebIdentityCommand,
  GetCallerIdentityCommand,
  STSClient,
} from '@aws-sdk/client-sts';
import {
  AWS_PASSWORD_CANARY,
  AWS_SECRET_CANARY,
  AWS_SESSION_CANARY,
} from '../support/aws/secrets.ts';
import { type AwsStandIn, type AwsUser, startAws } from '../support/aws/stand-in.ts';

/** The SDK's clients of a user. */
function clients(aws: AwsStandIn, user: AwsUser, region = 'eu-west-1') {
  const options = { endpoint: aws.endpoint, region, credentials: user, maxAttempts: 1 };
  return {
    ecr: new ECRClient(options),
    ecrPublic: new ECRPUBLICClient({ ...options, region: 'us-east-1' }),
    sts: new STSClient(options),
  };
}

/** How a call ends that must fail: the error's name, status and message. */
async function failure(call: Promise<unknown>) {
  const outcome = await call.then(
    () => 'it succeeded',
    (error: unknown) => error,
  );
  if (!(outcome instanceof Error)) throw new Error(`${outcome}`);
  const { name, message } = outcome;
  const status = '$metadata' in outcome && outcome.$metadata;
  const code = typeof status === 'object' && status !== null && 'httpStatusCode' in status;
  return { name, message, status: code ? status.httpStatusCode : undefined };
}

const HOUR_MS = 3_600_000;

describe('tokens of the stand-in', () => {
  test('are for twelve hours, look like those of AWS, and are known', async () => {
    await using aws = await startAws();
    const user = aws.addUser({ account: '444455556666' });
    const { ecr } = clients(aws, user);
    const answer = await ecr.send(new GetAuthorizationTokenCommand({}));
    const [data] = answer.authorizationData ?? [];
    expect(answer.authorizationData).toHaveLength(1);
    expect(data?.proxyEndpoint).toBe('https://444455556666.dkr.ecr.eu-west-1.amazonaws.com');
    const plain = atob(data?.authorizationToken ?? '');
    expect(AWS_PASSWORD_CANARY).toStartWith('eyJ');
    expect(plain).toStartWith(`AWS:${AWS_PASSWORD_CANARY}`);
    const password = plain.slice('AWS:'.length);
    const expires = (data?.expiresAt?.getTime() ?? 0) - Date.now();
    expect(expires > 11.9 * HOUR_MS && expires <= 12 * HOUR_MS).toBe(true);
    const { expiration } = JSON.parse(atob(password));
    expect(expiration).toBe(Math.floor((data?.expiresAt?.getTime() ?? 0) / 1000));
    expect(aws.issued(password)).toMatchObject({
      ...{ account: '444455556666', region: 'eu-west-1', service: 'ecr', principal: user },
    });
    expect(aws.issued(data?.authorizationToken ?? '')).toBe(aws.issued(password));
    aws.expire(password);
    expect(aws.issued(password)?.expires.getTime()).toBe(0);
    expect(aws.issued('another')).toBeUndefined();
  });

  test('are given for other accounts too, and in the names of the partition', async () => {
    await using aws = await startAws();
    const { ecr } = clients(aws, aws.addUser(), 'cn-north-1');
    const registryIds = ['999988887777', '111222333444'];
    const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({ registryIds }));
    expect(authorizationData?.map(({ proxyEndpoint }) => proxyEndpoint)).toEqual([
      'https://999988887777.dkr.ecr.cn-north-1.amazonaws.com.cn',
      'https://111222333444.dkr.ecr.cn-north-1.amazonaws.com.cn',
    ]);
  });

  test('of ECR Public need two permissions', async () => {
    await using aws = await startAws();
    const command = new PublicGetAuthorizationTokenCommand({});
    const good = clients(aws, aws.addUser());
    const { authorizationData } = await good.ecrPublic.send(command);
    expect(aws.issued(authorizationData?.authorizationToken ?? '')?.service).toBe('ecr-public');
    const half = aws.addUser({ name: 'half', allow: ['ecr-public:*'] });
    expect(await failure(clients(aws, half).ecrPublic.send(command))).toEqual({
      name: 'AccessDeniedException',
      message: `User: ${half.arn} is not authorized to perform: sts:GetServiceBearerToken on resource: * because no identity-based policy allows the sts:GetServiceBearerToken action`,
      status: 400,
    });
  });
});

describe('repositories of the stand-in', () => {
  test('are made, found, listed in pages and removed', async () => {
    await using aws = await startAws();
    const { ecr } = clients(aws, aws.addUser());
    const { repository } = await ecr.send(
      new CreateRepositoryCommand({
        repositoryName: 'team/app',
        imageTagMutability: 'IMMUTABLE',
        imageScanningConfiguration: { scanOnPush: true },
        tags: [{ Key: 'team', Value: 'ä' }],
      }),
    );
    expect(repository).toMatchObject({
      repositoryArn: 'arn:aws:ecr:eu-west-1:111222333444:repository/team/app',
      repositoryUri: '111222333444.dkr.ecr.eu-west-1.amazonaws.com/team/app',
      imageTagMutability: 'IMMUTABLE',
      imageScanningConfiguration: { scanOnPush: true },
    });
    const place = { name: 'team/app', region: 'eu-west-1' };
    expect(aws.repositories.find(place)?.tags).toEqual(new Map([['team', 'ä']]));
    for (const name of ['a', 'b', 'c']) {
      aws.repositories.create({ name: `x${name}`, region: 'eu-west-1' });
    }
    const first = await ecr.send(new DescribeRepositoriesCommand({ maxResults: 3 }));
    const { nextToken } = first;
    const second = await ecr.send(
      new DescribeRepositoriesCommand({ maxResults: 3, ...(nextToken && { nextToken }) }),
    );
    const names = [first, second].map(({ repositories }) =>
      repositories?.map(({ repositoryName }) => repositoryName),
    );
    expect(names).toEqual([['team/app', 'xa', 'xb'], ['xc']]);
    expect(second.nextToken).toBeUndefined();
    await ecr.send(new DeleteRepositoryCommand({ repositoryName: 'team/app' }));
    expect(aws.repositories.find(place)).toBeUndefined();
  });

  test('say of their images what the registry has entered', async () => {
    await using aws = await startAws();
    const { ecr } = clients(aws, aws.addUser());
    const { images } = aws.repositories.create({ name: 'app', region: 'eu-west-1' });
    const image = { sizeInBytes: 7, mediaType: 'application/json', pushedAt: new Date(5000) };
    images.set('sha256:1', { ...image, digest: 'sha256:1', tags: new Set(['1', 'latest']) });
    images.set('sha256:2', { ...image, digest: 'sha256:2', tags: new Set() });
    const find = (imageTag: string) =>
      ecr.send(new DescribeImagesCommand({ repositoryName: 'app', imageIds: [{ imageTag }] }));
    expect((await find('latest')).imageDetails).toMatchObject([
      { imageDigest: 'sha256:1', imageTags: ['1', 'latest'], imageSizeInBytes: 7 },
    ]);
    expect(await failure(find('9'))).toMatchObject({ name: 'ImageNotFoundException' });
    const all = await ecr.send(new DescribeImagesCommand({ repositoryName: 'app' }));
    expect(all.imageDetails).toHaveLength(2);
    const remove = new DeleteRepositoryCommand({ repositoryName: 'app' });
    expect(await failure(ecr.send(remove))).toMatchObject({ name: 'RepositoryNotEmptyException' });
  });

  test('that cannot be are refused by name', async () => {
    await using aws = await startAws();
    const { ecr } = clients(aws, aws.addUser());
    const create = (repositoryName: string) =>
      failure(ecr.send(new CreateRepositoryCommand({ repositoryName })));
    aws.repositories.create({ name: 'app', region: 'eu-west-1' });
    expect(await create('app')).toEqual({
      name: 'RepositoryAlreadyExistsException',
      message:
        "The repository with name 'app' already exists in the registry with id '111222333444'",
      status: 400,
    });
    for (const name of ['A', '-a', 'a//b', 'a'.repeat(257)]) {
      expect(await create(name)).toMatchObject({ name: 'InvalidParameterException' });
    }
    const describe = new DescribeRepositoriesCommand({ repositoryNames: ['nope'] });
    expect(await failure(ecr.send(describe))).toEqual({
      name: 'RepositoryNotFoundException',
      message:
        "The repository with name 'nope' does not exist in the registry with id '111222333444'",
      status: 400,
    });
  });

  test('of ECR Public stand below an alias of the account', async () => {
    await using aws = await startAws();
    const { ecrPublic } = clients(aws, aws.addUser());
    const command = new PublicCreateRepositoryCommand({ repositoryName: 'app' });
    const { repository } = await ecrPublic.send(command);
    expect(repository?.repositoryUri).toMatch(/^public\.ecr\.aws\/[a-z0-9]{8}\/app$/);
    const path = repository?.repositoryUri?.replace('public.ecr.aws/', '') ?? '';
    expect(aws.repositories.findPublic(path)?.arn).toBe(repository?.repositoryArn ?? '');
  });

  test('of another account take who both policies let in', async () => {
    await using aws = await startAws();
    const user = aws.addUser({ account: '444455556666' });
    const { ecr } = clients(aws, user);
    const repository = aws.repositories.create({ name: 'app', region: 'eu-west-1' });
    const command = new DescribeImagesCommand({
      ...{ registryId: '111222333444', repositoryName: 'app' },
    });
    expect((await failure(ecr.send(command))).message).toBe(
      `User: ${user.arn} is not authorized to perform: ecr:DescribeImages on resource: ${repository.arn} because no resource-based policy allows the ecr:DescribeImages action`,
    );
    repository.grants.push({ account: user.account, actions: ['ecr:Describe*'] });
    expect((await ecr.send(command)).imageDetails).toEqual([]);
  });

  test('stand beside the rules and the settings of their registry', async () => {
    await using aws = await startAws();
    const { ecr } = clients(aws, aws.addUser());
    aws.repositories.pullThrough.push({
      ...{ prefix: 'docker-hub', upstream: 'registry-1.docker.io', account: '111222333444' },
      ...{ region: 'eu-west-1', created: new Date() },
    });
    const { pullThroughCacheRules } = await ecr.send(new DescribePullThroughCacheRulesCommand({}));
    expect(pullThroughCacheRules).toMatchObject([
      { ecrRepositoryPrefix: 'docker-hub', upstreamRegistryUrl: 'registry-1.docker.io' },
    ]);
    const { registryId } = await ecr.send(new DescribeRegistryCommand({}));
    expect(registryId).toBe('111222333444');
  });
});

describe('STS of the stand-in', () => {
  test('says who somebody is', async () => {
    await using aws = await startAws();
    const user = aws.addUser({ session: true });
    expect(user.secretAccessKey).toStartWith(AWS_SECRET_CANARY);
    expect(user.sessionToken).toStartWith(AWS_SESSION_CANARY);
    const { sts } = clients(aws, user);
    expect(await sts.send(new GetCallerIdentityCommand({}))).toMatchObject({
      ...{ Account: user.account, Arn: user.arn, UserId: user.userId },
    });
    aws.removeUser(user);
    expect(await failure(sts.send(new GetCallerIdentityCommand({})))).toEqual({
      name: 'InvalidClientTokenId',
      message: 'The security token included in the request is invalid.',
      status: 403,
    });
  });

  test('lets take on a role who is trusted, has the external id and the code', async () => {
    await using aws = await startAws();
    const user = aws.addUser();
    const { sts } = clients(aws, user);
    const mfa = { serial: `arn:aws:iam::111222333444:mfa/alice`, code: '123456' };
    const options = { trusts: [user.arn], externalId: 'x', mfa };
    const role = aws.addRole(options);
    const other = aws.addRole({ ...options, name: 'other', trusts: [] });
    const good = {
      ...{ RoleArn: role.arn, RoleSessionName: 'me', ExternalId: 'x' },
      ...{ SerialNumber: mfa.serial, TokenCode: mfa.code },
    };
    const { Credentials, AssumedRoleUser } = await sts.send(new AssumeRoleCommand(good));
    expect(AssumedRoleUser?.Arn).toBe('arn:aws:sts::111222333444:assumed-role/builder/me');
    expect((Credentials?.Expiration?.getTime() ?? 0) - Date.now()).toBeGreaterThan(0.9 * HOUR_MS);
    const taken = {
      accessKeyId: Credentials?.AccessKeyId ?? '',
      secretAccessKey: Credentials?.SecretAccessKey ?? '',
      sessionToken: Credentials?.SessionToken ?? '',
      ...{ arn: '', account: '', userId: '' },
    };
    const { Arn } = await clients(aws, taken).sts.send(new GetCallerIdentityCommand({}));
    expect(Arn).toBe(AssumedRoleUser?.Arn ?? '');
    const denied = `User: ${user.arn} is not authorized to perform: sts:AssumeRole on resource: `;
    for (const [wrong, message] of [
      [{ ExternalId: 'y' }, `${denied}${role.arn}`],
      [{ RoleArn: other.arn }, `${denied}${other.arn}`],
      [{ SerialNumber: undefined }, `${denied}${role.arn} with an explicit deny`],
      [
        { TokenCode: '1' },
        'MultiFactorAuthentication failed with invalid MFA one time pass code. ',
      ],
    ] as const) {
      const { name, status, ...rest } = await failure(
        sts.send(new AssumeRoleCommand({ ...good, ...wrong } as typeof good)),
      );
      expect({ name, status, ...rest }).toEqual({ name: 'AccessDenied', status: 403, message });
    }
    aws.clockOffsetMs = 2 * HOUR_MS;
    expect(
      await failure(
        new STSClient({
          ...{ endpoint: aws.endpoint, region: 'eu-west-1', credentials: taken, maxAttempts: 1 },
          systemClockOffset: aws.clockOffsetMs,
        }).send(new GetCallerIdentityCommand({})),
      ),
    ).toMatchObject({ name: 'ExpiredToken' });
  });

  test('takes a web identity without any signature', async () => {
    await using aws = await startAws();
    const role = aws.addRole({ webIdentity: 'a token' });
    const sts = new STSClient({ endpoint: aws.endpoint, region: 'eu-west-1', maxAttempts: 1 });
    const ask = (WebIdentityToken: string) =>
      sts.send(
        new AssumeRoleWithWebIdentityCommand({
          ...{ RoleArn: role.arn, RoleSessionName: 'pod', WebIdentityToken },
        }),
      );
    expect((await ask('a token')).AssumedRoleUser?.Arn).toEndWith(':assumed-role/builder/pod');
    expect(await failure(ask('another'))).toMatchObject({ name: 'InvalidIdentityTokenException' });
  });
});

describe('what goes wrong with the stand-in', () => {
  test('happens to the named action, as often as it was arranged', async () => {
    await using aws = await startAws();
    const { ecr, sts } = clients(aws, aws.addUser());
    const token = () => ecr.send(new GetAuthorizationTokenCommand({}));
    aws.fail({
      ...{ action: 'GetAuthorizationToken', type: 'ThrottlingException', times: 1 },
      message: 'Rate exceeded',
    });
    await sts.send(new GetCallerIdentityCommand({}));
    expect(await failure(token())).toEqual({
      ...{ name: 'ThrottlingException', message: 'Rate exceeded', status: 400 },
    });
    await token();
    aws.fail({ action: 'sts:GetCallerIdentity', type: 'RegionDisabledException', status: 403 });
    for (const _ of [1, 2]) {
      const outcome = await failure(sts.send(new GetCallerIdentityCommand({})));
      expect(outcome).toMatchObject({ name: 'RegionDisabledException', status: 403 });
    }
    aws.recover();
    await sts.send(new GetCallerIdentityCommand({}));
    expect(aws.log.map(({ status, type }) => type ?? status)).toEqual([
      ...[200, 'ThrottlingException', 200],
      ...['RegionDisabledException', 'RegionDisabledException', 200],
    ]);
  });

  test('can be an answer of another kind, none at all, or a slow one', async () => {
    await using aws = await startAws();
    const { ecr } = clients(aws, aws.addUser());
    const token = () => ecr.send(new GetAuthorizationTokenCommand({}));
    const headers = { 'Content-Type': 'text/html' };
    aws.fail({ status: 200, body: '<html>sign in</html>', headers, times: 1 });
    aws.fail({ reset: true, times: 1 });
    aws.fail({ delayMs: 1, times: 1 });
    await failure(token());
    await failure(token());
    expect((await token()).authorizationData).toHaveLength(1);
    expect(aws.log.map(({ status }) => status)).toEqual([200, 0, 200]);
  });

  test('can be its clock, which its answers tell', async () => {
    await using aws = await startAws();
    aws.clockOffsetMs = -24 * HOUR_MS;
    const { status, headers } = await fetch(aws.endpoint, { method: 'POST' });
    expect(status).toBe(404);
    const ahead = Date.parse(headers.get('date') ?? '') - Date.now();
    expect(Math.abs(ahead + 24 * HOUR_MS)).toBeLessThan(60_000);
    // The SDK takes its clock from the answer, and is believed the second time.
    const options = { endpoint: aws.endpoint, region: 'eu-west-1', credentials: aws.addUser() };
    await new ECRClient({ ...options, maxAttempts: 2 }).send(new GetAuthorizationTokenCommand({}));
    expect(aws.log.slice(1).map(({ type }) => type)).toEqual([
      ...['InvalidSignatureException', undefined],
    ]);
  });
});

test('the proxy of the stand-in knows no other host than those of AWS', async () => {
  await using aws = await startAws();
  const { proxy, ca } = aws;
  const tls = { ca: Bun.file(ca) };
  for (const host of ['example.com', 'api.ecr.not-real.amazonaws.com', 'amazonaws.com.example']) {
    const outcome = await fetch(`https://${host}/`, { proxy, tls }).then(
      ({ status }) => status,
      () => 'no connection',
    );
    expect([502, 'no connection']).toContain(outcome);
    expect(aws.log.at(-1)).toMatchObject({ host, service: 'none', action: 'CONNECT', status: 502 });
  }
  for (const host of ['api.ecr.us-gov-west-1.amazonaws.com', 'ecr.eu-west-1.api.aws']) {
    const { status } = await fetch(`https://${host}/`, { method: 'POST', proxy, tls });
    expect(status).toBe(400);
    expect(aws.log.at(-1)).toMatchObject({
      ...{ host, service: 'ecr', type: 'MissingAuthenticationTokenException' },
    });
  }
});
