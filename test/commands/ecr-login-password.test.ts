import { expect, test } from 'bun:test';
import { finch } from './command-line.ts';

const KEYS = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'not-a-secret' };

test('ecr login-password needs a region that can be one', async () => {
  await using place = await finch({ env: KEYS });
  for (const region of ['', 'EU-WEST-1', 'eu-west-1.example', 'a/b', '-a', 'a'.repeat(64)]) {
    const { status, stderr } = await place.run('ecr', 'login-password', `--region=${region}`);
    expect({ region, status }).toEqual({ region, status: 1 });
    expect(stderr).toMatch(/^finch: "[^"]*" is no region of AWS\nhint: .*\n$/);
  }
});

test('ecr login-password has passwords for ECR Public of one region only', async () => {
  await using place = await finch({ env: KEYS });
  const { status, stderr } = await place.run(
    ...['ecr', 'login-password', '--public', '--region', 'eu-west-1'],
  );
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr:
      'finch: Amazon ECR Public gives passwords in us-east-1 only\nhint: leave out --region, or --public\n',
  });
});

test('ecr login-password says how to name a region when nothing does', async () => {
  await using place = await finch({ env: { ...KEYS, AWS_CONFIG_FILE: '/nowhere/config' } });
  const { status, stderr } = await place.run('ecr', 'login-password');
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr:
      'finch: no AWS region is set\nhint: name one with --region, set AWS_REGION, or run: aws configure\n',
  });
});
