import { expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { serveKeys } from '../support/aws/metadata.ts';
import type { AwsUser } from '../support/aws/stand-in.ts';
import { type EcrHelperBench, ecrHelperBench, REGISTRY } from './support/ecr-helper.ts';

/** Whose token the helper gives. */
async function whoseToken(bench: EcrHelperBench, env: Readonly<Record<string, string>>) {
  const { stdout, exitCode } = await bench.askAsNobody('get', REGISTRY, env);
  const secret = exitCode === 0 ? JSON.parse(stdout).Secret : undefined;
  return secret && bench.aws.issued(secret)?.principal.arn;
}

/** A profile of a home, which runs `command` for its keys. */
async function processEnv(bench: EcrHelperBench, command: string) {
  await writeFile(bench.path('config'), `[default]\ncredential_process = ${command}\n`);
  return { AWS_CONFIG_FILE: bench.path('config') };
}

const answerOf = ({ accessKeyId, secretAccessKey }: AwsUser) =>
  JSON.stringify({ Version: 1, AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey });

const tokenOf = (headers: Headers) => headers.get('authorization') ?? '';

test('a token is of whoever a program gives the keys of now, and remembered of each', async () => {
  await using bench = await ecrHelperBench();
  const [one, two] = [bench.aws.addUser({ name: 'one' }), bench.aws.addUser({ name: 'two' })];
  const env = await processEnv(bench, `cat ${bench.path('keys.json')}`);
  for (const user of [one, two, one]) {
    await writeFile(bench.path('keys.json'), answerOf(user));
    expect(await whoseToken(bench, env)).toBe(user.arn);
  }
  expect(bench.calls()).toEqual(['GetAuthorizationToken', 'GetAuthorizationToken']);
});

test('a token is of whoever a variable makes a program give the keys of', async () => {
  await using bench = await ecrHelperBench();
  const [one, two] = [bench.aws.addUser({ name: 'one' }), bench.aws.addUser({ name: 'two' })];
  await writeFile(bench.path('one'), answerOf(one));
  await writeFile(bench.path('two'), answerOf(two));
  const env = await processEnv(bench, `sh -c 'cat ${bench.path('$WHO')}'`);
  expect(await whoseToken(bench, { ...env, WHO: 'one' })).toBe(one.arn);
  expect(await whoseToken(bench, { ...env, WHO: 'two' })).toBe(two.arn);
});

test.each(['process', 'container'] as const)(
  'a token of a role is for whoever may assume it now, by the keys of a %s',
  async (kind) => {
    await using bench = await ecrHelperBench();
    const [one, two] = [bench.aws.addUser({ name: 'one' }), bench.aws.addUser({ name: 'two' })];
    const role = bench.aws.addRole({ trusts: [one.arn] });
    let now = one;
    await using server = serveKeys(
      async () => new Response(answerOf(now)),
      (origin) => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${origin}/keys` }),
    );
    const source =
      kind === 'process' ? 'source_profile = base' : 'credential_source = EcsContainer';
    const config = `[default]\nrole_arn = ${role.arn}\n${source}\n[profile base]\ncredential_process = cat ${bench.path('keys.json')}\n`;
    await writeFile(bench.path('config'), config);
    const env = { ...server.environment, AWS_CONFIG_FILE: bench.path('config') };
    const tokens: boolean[] = [];
    for (now of [one, one, two, one]) {
      await writeFile(bench.path('keys.json'), answerOf(now));
      tokens.push((await whoseToken(bench, env)) !== undefined);
    }
    expect(tokens).toEqual([true, true, false, true]);
    const calls = bench.calls().filter((action) => action === 'GetAuthorizationToken');
    expect(calls).toHaveLength(1);
  },
);

test('a token is of whoever a container and a machine give the keys of now, at one address', async () => {
  await using bench = await ecrHelperBench();
  const [one, two] = [bench.aws.addUser({ name: 'one' }), bench.aws.addUser({ name: 'two' })];
  const byToken: Readonly<Record<string, AwsUser>> = { 'token-one': one, 'token-two': two };
  let machine = one;
  await using server = serveKeys(
    async ({ url, headers }) => {
      const { pathname } = new URL(url);
      if (pathname === '/container')
        return new Response(answerOf(byToken[tokenOf(headers)] ?? one));
      return new Response(pathname.endsWith('/role') ? answerOf(machine) : 'role');
    },
    (origin) => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: origin }),
  );
  const { AWS_EC2_METADATA_SERVICE_ENDPOINT: origin = '' } = server.environment;
  for (const [token, user] of Object.entries(byToken)) {
    const env = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${origin}/container`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: token,
    };
    expect(await whoseToken(bench, env)).toBe(user.arn);
  }
  for (machine of [one, two]) {
    const env = { ...server.environment, AWS_EC2_METADATA_DISABLED: 'false' };
    expect(await whoseToken(bench, env)).toBe(machine.arn);
  }
});
