import { expect, test } from 'bun:test';
import type { Refusal } from '../../src/registry/errors.ts';
import { refusalError } from '../../src/registry/errors.ts';

const HOST = '111222333444.dkr.ecr.eu-west-1.amazonaws.com';
const ALICE = 'arn:aws:iam::111222333444:user/alice';
const BOB = 'arn:aws:sts::999888777666:assumed-role/ci/bob';

/** What `HOST/team/app` refuses, as it is told to the user. */
function told(refusal: Partial<Refusal> & { readonly status: number }, registry = HOST) {
  const whole = { codes: [], reason: `${refusal.status} Said`, ...refusal };
  const { code, message, hint } = refusalError(whole, { registry, name: 'team/app' });
  return { code, message, hint };
}

function unauthorized(arn: string, action: string): Refusal {
  const resource = 'arn:aws:ecr:eu-west-1:111222333444:repository/team/app';
  const why = `because no identity-based policy allows the ${action} action`;
  const reason = `denied: User: ${arn} is not authorized to perform: ${action} on resource: ${resource} ${why}`;
  return { status: 403, codes: ['DENIED'], reason };
}

test('a missing repository is named with its account and region, and how to make it', () => {
  const reason = 'name unknown: The repository with name team/app does not exist';
  expect(told({ status: 404, codes: ['NAME_UNKNOWN'], reason })).toEqual({
    code: 'REMOTE_NOT_FOUND',
    message: 'repository team/app does not exist in account 111222333444, region eu-west-1',
    hint: `create it with: finch ecr create-repo ${HOST}/team/app, or push with --create-repo`,
  });
  expect(told({ status: 404, codes: ['NAME_UNKNOWN'], reason }, 'public.ecr.aws').message).toBe(
    'repository team/app does not exist in ECR Public',
  );
});

test.each([
  ['ecr:InitiateLayerUpload', 'AmazonEC2ContainerRegistryPowerUser'],
  ['ecr:PutImage', 'AmazonEC2ContainerRegistryPowerUser'],
  ['ecr:BatchGetImage', 'AmazonEC2ContainerRegistryReadOnly'],
  ['ecr:BatchCheckLayerAvailability', 'AmazonEC2ContainerRegistryReadOnly'],
])('who may not call %s is named, with a policy that allows it', (action, policy) => {
  expect(told(unauthorized(ALICE, action))).toEqual({
    code: 'DENIED',
    message: `${ALICE} may not call ${action} on ${HOST}/team/app`,
    hint: `a policy of IAM must allow that, for example ${policy}; which keys are used tells: finch ecr whoami`,
  });
});

test('who is of another account needs two policies', () => {
  expect(told(unauthorized(BOB, 'ecr:PutImage')).hint).toBe(
    'it is of account 999888777666 and the repository of 111222333444: a policy of IAM there and a policy of the repository here must both allow ecr:PutImage',
  );
});

test('what a policy denies explicitly no other policy can allow', () => {
  const refusal = unauthorized(ALICE, 'ecr:PutImage');
  const reason = refusal.reason.replace(/because.*/, 'with an explicit deny in a policy');
  expect(told({ ...refusal, reason }).hint).toBe(
    'a policy denies that explicitly; ask who runs the AWS account',
  );
});

test('the policies of ECR Public have other names', () => {
  expect(told(unauthorized(ALICE, 'ecr-public:PutImage'), 'public.ecr.aws').hint).toContain(
    'AmazonElasticContainerRegistryPublicPowerUser',
  );
});

test('a refusal without a reason tells of the account', () => {
  expect(told({ status: 403, reason: '403 Forbidden' })).toEqual({
    code: 'DENIED',
    message: `registry ${HOST} refuses and gives no reason (403 Forbidden)`,
    hint: `it is of account 111222333444 in eu-west-1; who you are tells: finch ecr whoami; for another profile: finch ecr setup --profile NAME ${HOST}`,
  });
});

test('a password that has ended, and one of another region, lead to a new login', () => {
  const reason = 'denied: Your authorization token has expired. Reauthenticate and try again.';
  expect(told({ status: 403, codes: ['DENIED'], reason })).toEqual({
    code: 'DENIED',
    message: `registry ${HOST}: the password for it has ended`,
    hint: `get a new one with: finch login ${HOST}`,
  });
  expect(told({ status: 400, reason: '400 Bad Request' })).toEqual({
    code: 'UNAUTHENTICATED',
    message: `registry ${HOST}: it takes no such password, which may be of another region (400 Bad Request)`,
    hint: `get one for region eu-west-1 with: finch login ${HOST}`,
  });
});

test('who asks too often hears of quotas, or of a login at ECR Public', () => {
  const refusal = {
    status: 429,
    codes: ['TOOMANYREQUESTS'],
    reason: 'toomanyrequests: Rate exceeded',
  };
  expect(told(refusal).hint).toBe(
    'wait a while; the quotas of account 111222333444 can be raised at AWS',
  );
  expect(told(refusal, 'public.ecr.aws')).toEqual({
    code: 'REGISTRY',
    message: 'registry public.ecr.aws: toomanyrequests: Rate exceeded',
    hint: 'who is logged in may ask more often: finch login public.ecr.aws',
  });
});

test('a pull-through cache that fails is told as such', () => {
  const reason = 'denied: authentication to the upstream registry failed';
  expect(told({ status: 403, codes: ['DENIED'], reason })).toMatchObject({
    message: `registry ${HOST} cannot get team/app from the registry that team stands for: ${reason}`,
    hint: 'check the secret of the pull-through cache rule team; official images of Docker Hub are below team/library',
  });
});

test('other refusals and other registries keep the usual words', () => {
  const missing = { status: 404, codes: ['NAME_UNKNOWN'], reason: 'name unknown' };
  expect(told(missing, 'registry.example.com').message).toBe(
    'registry registry.example.com: name unknown',
  );
  expect(told(missing, `${HOST}.example.com`).message).toContain('name unknown');
  expect(told({ status: 500, codes: ['UNKNOWN'], reason: 'unknown' }).hint).toContain('try again');
  expect(
    told({ ...unauthorized(ALICE, 'ecr:PutImage'), host: 's3.example.com' }).message,
  ).toContain('leads to s3.example.com');
});
