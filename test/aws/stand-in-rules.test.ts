import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { getToken } from '../../src/aws/ecr/get-token.ts';
import { createRepository } from '../../src/aws/ecr/repositories.ts';
import { ecrOfRegion, parseEcrHost } from '../../src/aws/ecr-host.ts';
import { type AwsStandIn, startAws } from '../support/aws/stand-in.ts';
import { awsCaller } from './support/aws-caller.ts';

let aws: AwsStandIn;
beforeAll(async () => {
  aws = await startAws();
});
afterAll(() => aws[Symbol.asyncDispose]());
afterEach(() => aws.recover());

const PLACE = ecrOfRegion('eu-west-1');

/** Asks a registry of the stand-in over its proxy, as anybody or with a password. */
async function ask(url: string, authorization?: string): Promise<Response> {
  return fetch(url, {
    ...(authorization !== undefined && { headers: { authorization } }),
    ...{ keepalive: false, proxy: aws.proxy, tls: { ca: await Bun.file(aws.ca).text() } },
  });
}

describe('the stand-in for AWS', () => {
  test('lets an account make so many calls a second, and no more', async () => {
    aws.rules.callsPerSecond = 2;
    const account = '777788889999';
    await using one = await awsCaller(aws, aws.addUser({ account, name: 'one' }));
    await using two = await awsCaller(aws, aws.addUser({ account, name: 'two' }));
    const before = aws.log.length;
    const asked = await Promise.all(
      [one, two, one].map((caller) => getToken(PLACE, caller.identity, caller)),
    );
    // Who was refused has waited, and asked again.
    expect(asked.filter(({ ok }) => ok).length).toBeGreaterThanOrEqual(2);
    const types = aws.log.slice(before).map(({ type }) => type);
    expect(types.filter((type) => type === undefined).length).toBeGreaterThanOrEqual(2);
    expect(types).toContain('ThrottlingException');
    await using other = await awsCaller(aws, aws.addUser({ account: '999900001111' }));
    expect((await getToken(PLACE, other.identity, other)).ok).toBe(true);
  });

  test('has room for so many repositories in a region', async () => {
    aws.rules.repositoryQuota = 1;
    await using caller = await awsCaller(aws, aws.addUser({ account: '222233334444' }));
    const create = (name: string, place = PLACE) =>
      createRepository(place, caller.identity, { ...caller, repository: { name } });
    expect(await create('first')).toMatchObject({ ok: true });
    expect(await create('second')).toMatchObject({ refusal: { type: 'LimitExceededException' } });
    expect(await create('second', ecrOfRegion('eu-west-2'))).toMatchObject({ ok: true });
  });

  test('knows no keys in a region that is not enabled', async () => {
    aws.rules.disabledRegions = ['me-south-1'];
    await using caller = await awsCaller(aws, aws.addUser());
    const asked = await getToken(ecrOfRegion('me-south-1'), caller.identity, caller);
    expect(asked).toMatchObject({ refusal: { type: 'UnrecognizedClientException' } });
    expect((await getToken(PLACE, caller.identity, caller)).ok).toBe(true);
  });

  test('denies what a policy denies, whatever else allows it', async () => {
    const user = aws.addUser({ name: 'eve', deny: ['ecr:Get*'] });
    await using caller = await awsCaller(aws, user);
    expect(await getToken(PLACE, caller.identity, caller)).toMatchObject({
      refusal: {
        type: 'AccessDeniedException',
        message: expect.stringContaining('with an explicit deny in an identity-based policy'),
      },
    });
  });

  test('is behind a page to log in when the network wants that, the registries too', async () => {
    aws.rules.isCaptive = true;
    for (const host of ['api.ecr.eu-west-1.amazonaws.com', 'public.ecr.aws', 'ghcr.io']) {
      const answer = await ask(`https://${host}/v2/`);
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html']);
    }
    aws.rules.isCaptive = false;
    expect((await ask('https://public.ecr.aws/v2/')).status).toBe(401);
  });

  test('lets so many images be pulled without a login', async () => {
    const { knobs } = await aws.registry();
    knobs.anonymousPulls = 1;
    aws.repositories.create({ name: 'app', isPublic: true });
    const { token } = (await (await ask('https://public.ecr.aws/token/')).json()) as {
      readonly token: string;
    };
    const pull = () => ask('https://public.ecr.aws/v2/x/app/manifests/1', `Bearer ${token}`);
    expect((await pull()).status).toBe(404);
    const refused = await pull();
    expect([refused.status, await refused.json()]).toMatchObject([
      429,
      { errors: [{ code: 'TOOMANYREQUESTS' }] },
    ]);
    knobs.anonymousPulls = undefined;
    expect((await pull()).status).toBe(404);
  });

  test('says of a pull-through cache rule that the registry behind it refuses', async () => {
    const registry = parseEcrHost('111222333444.dkr.ecr.eu-west-1.amazonaws.com');
    if (registry === undefined) throw new Error('no registry');
    aws.repositories.pullThrough.push({
      ...{ prefix: 'hub', upstream: 'registry-1.docker.io', account: '111222333444' },
      ...{ region: 'eu-west-1', created: new Date(), isRefused: true },
    });
    await using caller = await awsCaller(aws, aws.addUser());
    const asked = await getToken(registry, caller.identity, caller);
    if (!asked.ok) throw new Error('no token');
    const login = `Basic ${btoa(`AWS:${asked.value.secret}`)}`;
    const refused = await ask(`https://${registry.host}/v2/hub/library/nginx/manifests/1`, login);
    expect([refused.status, await refused.text()]).toEqual([
      403,
      expect.stringContaining('authentication to the upstream registry failed'),
    ]);
    const other = await ask(`https://${registry.host}/v2/nginx/manifests/1`, login);
    expect(other.status).toBe(404);
  });
});
