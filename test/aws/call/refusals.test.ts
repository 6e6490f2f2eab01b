import { describe, expect, test } from 'bun:test';
import type { AwsRefusal } from '../../../src/aws/call/refusal.ts';
import { awsRefusalError } from '../../../src/aws/call/refusal-error.ts';

const refusal: AwsRefusal = {
  ...{ kind: 'unreachable', isPassing: true, type: 'ETIMEDOUT' },
  message: 'api.ecr.eu-west-1.amazonaws.com did not answer in time',
  ...{ action: 'ecr:GetAuthorizationToken', service: 'ecr', region: 'eu-west-1' },
  ...{
    host: 'api.ecr.eu-west-1.amazonaws.com',
    isOverridden: false,
    proxy: undefined,
    noProxy: undefined,
    attempts: 1,
  },
  ...{ source: 'profile dev', accessKeyId: 'AKIAIOSFODNN7EXAMPLE', isSession: false },
};

const PROXY = '127.0.0.1:3128 of HTTPS_PROXY';

describe('awsRefusalError()', () => {
  test.each([
    ['ETIMEDOUT', {}, 'check the network connection (proxy: none; NO_PROXY: none)'],
    [
      'ETIMEDOUT',
      { proxy: PROXY },
      `check the network connection (proxy: ${PROXY}; NO_PROXY: none)`,
    ],
    [
      'ETIMEDOUT',
      { noProxy: '.example.com,10.0.0.0/8' },
      'check the network connection (proxy: none; NO_PROXY: .example.com,10.0.0.0/8)',
    ],
    ['', {}, 'check the network connection (proxy: none; NO_PROXY: none)'],
    [
      'ENOTFOUND',
      {},
      'check that there is a region eu-west-1, and the DNS; a private network needs the endpoints com.amazonaws.eu-west-1.ecr.api and com.amazonaws.eu-west-1.ecr.dkr, and the gateway of Amazon S3 (proxy: none; NO_PROXY: none)',
    ],
    [
      'EAI_AGAIN',
      { service: 'sts' },
      'check that there is a region eu-west-1, and the DNS; a private network needs the endpoint com.amazonaws.eu-west-1.sts (proxy: none; NO_PROXY: none)',
    ],
    [
      'ENOTFOUND',
      { isOverridden: true },
      'check the endpoint api.ecr.eu-west-1.amazonaws.com in AWS_ENDPOINT_URL or endpoint_url',
    ],
    ['CERT_HAS_EXPIRED', {}, 'check the clock of this machine'],
    [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      { isOverridden: true },
      'if a proxy opens TLS connections on the way, point AWS_CA_BUNDLE at a file with its certificate authority',
    ],
  ] as const)('has advice for %s %p', (type, more, hint) => {
    const { code, message, hint: given } = awsRefusalError({ ...refusal, type, ...more });
    expect([code, message, given]).toEqual(['NETWORK', refusal.message, hint]);
  });

  test('names the registry that the call was for, and where the keys come from', () => {
    const said = { kind: 'refused', isPassing: false, type: 'ExpiredTokenException' } as const;
    const registry = '111222333444.dkr.ecr.eu-west-1.amazonaws.com';
    const { code, message, hint } = awsRefusalError({ ...refusal, ...said }, { registry });
    expect([code, message, hint]).toEqual([
      'AWS',
      `AWS refused ecr:GetAuthorizationToken for ${registry}: the session token of profile dev has expired`,
      'get new keys for profile dev, for one with SSO by: aws sso login',
    ]);
  });

  test('says which registry named a region that nobody finds', () => {
    const registry = '111222333444.dkr.ecr.eu-west-1.amazonaws.com';
    const { hint } = awsRefusalError({ ...refusal, type: 'ENOTFOUND' }, { registry });
    expect(hint).toStartWith(`check that there is a region eu-west-1, as ${registry} says, and`);
  });

  test.each([
    [1, 'it was asked too often'],
    [2, 'it was asked too often, also when asked again once'],
    [3, 'it was asked too often, also when asked again 2 times'],
  ])('says how often AWS was really asked: %d', (attempts, what) => {
    const said = { kind: 'refused', isPassing: true, type: 'ThrottlingException' } as const;
    const { message } = awsRefusalError({ ...refusal, ...said, attempts });
    expect(message).toBe(`AWS refused ecr:GetAuthorizationToken: ${what}`);
  });

  test.each([
    [
      undefined,
      'check the secret access key of profile dev, and the clock of this machine with: date -u',
    ],
    [
      -2400,
      'check the secret access key of profile dev; the clock is not the reason, it is 2 s off',
    ],
  ])('says of a bad signature what is known of the clock: %p', (clockAheadMs, hint) => {
    const said = { kind: 'refused', isPassing: false, type: 'SignatureDoesNotMatch' } as const;
    const clock = clockAheadMs === undefined ? {} : { clockAheadMs };
    expect(awsRefusalError({ ...refusal, ...said, ...clock }).hint).toBe(hint);
  });

  test.each([
    [
      'User: arn:aws:sts::111222333444:assumed-role/builder/me@example.com is not authorized to perform: ecr:CreateRepository on resource: arn:aws:ecr:eu-west-1:111222333444:repository/app because no identity-based policy allows the action',
      'arn:aws:sts::111222333444:assumed-role/builder/me@example.com may not call ecr:CreateRepository',
    ],
    ['Forbidden', 'whoever profile dev stands for may not call ecr:GetAuthorizationToken'],
    ['', 'whoever profile dev stands for may not call ecr:GetAuthorizationToken'],
  ])('reads out of %j who may not do what', (message, what) => {
    const said = { kind: 'refused', isPassing: false, type: 'AccessDeniedException' } as const;
    const error = awsRefusalError({ ...refusal, ...said, message });
    expect(error.message).toBe(`AWS refused ecr:GetAuthorizationToken: ${what}`);
  });
});
