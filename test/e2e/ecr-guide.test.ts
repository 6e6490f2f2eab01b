import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { awsClis } from '../support/aws/python-programs.ts';
import { aliasOf } from '../support/aws/repositories.ts';
import { type AwsStandIn, startAws } from '../support/aws/stand-in.ts';
import { openGuideShell } from './support/guide-shell.ts';
import { areHere } from './support/program.ts';

// The page of the user guide about Amazon ECR, its command lines as they are printed there, in a shell.
// Its steps for the credential helper: machine-guide.test.ts.
// https://runfinch.com/docs/managing-finch/linux/registry-authentication/

const ACCOUNT = '111222333444';
const REGION = 'eu-west-1';
const HOST = `${ACCOUNT}.dkr.ecr.${REGION}.amazonaws.com`;

const PUBLIC = `public.ecr.aws/${aliasOf(ACCOUNT)}/hello-finch`;

describe.skipIf(!areHere('docker-registry', 'openssl'))('the user guide', () => {
  let aws: AwsStandIn;
  beforeAll(async () => {
    aws = await startAws();
    aws.repositories.create({ account: ACCOUNT, region: REGION, name: 'hello-finch' });
    aws.repositories.create({ account: ACCOUNT, name: 'hello-finch', isPublic: true });
  });
  afterAll(() => aws[Symbol.asyncDispose]());

  for (const [name, program] of Object.entries(awsClis)) {
    test(`logs in with the password that ${name} gets, and pushes`, async () => {
      await using shell = await openGuideShell(aws, { region: REGION, programs: { aws: program } });
      const login = await shell.run(`
export AWS_ACCOUNT_ID=${ACCOUNT}
export AWS_REGION=${REGION}
aws ecr get-login-password --region $AWS_REGION | finch login --username AWS --password-stdin $AWS_ACCOUNT_ID.dkr.ecr.$AWS_REGION.amazonaws.com
`);
      expect(login).toMatchObject({ stdout: 'Login Succeeded\n', exitCode: 0 });
      // Who logs in explicitly needs no keys any more.
      await shell.pushes(`${HOST}/hello-finch:${name.length}`, {
        AWS_ACCESS_KEY_ID: '',
        AWS_SECRET_ACCESS_KEY: '',
      });
    });
  }

  test.skipIf(Object.keys(awsClis).length === 0)(
    'logs in to ECR Public with the password that the AWS CLI gets, and pushes',
    async () => {
      await using shell = await openGuideShell(aws, {
        region: REGION,
        programs: { aws: Object.values(awsClis)[0] ?? '' },
      });
      // As it is printed there it is Docker Hub that would get the password.
      const printed =
        'aws ecr-public get-login-password --region us-east-1 | finch login --username AWS --password-stdin';
      const refused = await shell.run(printed);
      expect(refused.exitCode).toBe(1);
      expect(refused.stderr).toContain('finch login -u AWS --password-stdin public.ecr.aws');
      const login = await shell.run(`${printed} public.ecr.aws`);
      expect(login).toMatchObject({ stdout: 'Login Succeeded\n', exitCode: 0 });
      await shell.pushes(`${PUBLIC}:1`);
    },
  );

  test('is the same with finch in place of the AWS CLI', async () => {
    await using shell = await openGuideShell(aws, { region: REGION });
    const login = await shell.run(`
finch ecr login-password --region ${REGION} | finch login --username AWS --password-stdin ${HOST}
finch ecr login-password --public | finch login --username AWS --password-stdin public.ecr.aws
`);
    expect(login).toMatchObject({ stdout: 'Login Succeeded\nLogin Succeeded\n', exitCode: 0 });
    await shell.pushes(`${HOST}/hello-finch:finch`);
  });
});
