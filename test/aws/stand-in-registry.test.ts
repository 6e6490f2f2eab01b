import { expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { digestOf } from '../../src/oci/digest.ts';
import { writeLayout } from '../e2e/support/archives.ts';
import { areHere, crane, runOk, runProgram } from '../e2e/support/program.ts';
import { type AwsStandIn, type AwsUser, startAws } from '../support/aws/stand-in.ts';
import { buildImage, buildMultiPlatform, layerTar } from '../support/images.ts';
import { temporaryFolder } from '../support/temporary.ts';

const HOST = '111222333444.dkr.ecr.us-east-1.amazonaws.com';
const image = buildImage();

/** A password as the API gives it to a user. */
async function passwordOf(aws: AwsStandIn, user: AwsUser, region = 'us-east-1'): Promise<string> {
  const { accessKeyId, secretAccessKey } = user;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new ECRClient({ endpoint: aws.endpoint, region, credentials });
  const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({}));
  const token = authorizationData?.[0]?.authorizationToken ?? '';
  return Buffer.from(token, 'base64').toString().slice('AWS:'.length);
}

/** The environment of a client of registries that knows the password, which is in no command line. */
async function loggedIn({
  aws,
  user,
  folder,
}: {
  aws: AwsStandIn;
  user: AwsUser;
  folder: string;
}): Promise<Record<string, string>> {
  const auth = Buffer.from(`AWS:${await passwordOf(aws, user)}`).toString('base64');
  const file = join(folder, 'config.json');
  await writeFile(file, JSON.stringify({ auths: { [HOST]: { auth } } }), { mode: 0o600 });
  return { ...aws.environment(user), DOCKER_CONFIG: folder, REGISTRY_AUTH_FILE: file };
}

/** Sends one request through the stand-in's front door, as `AWS` with a password if one is given. */
async function ask(
  aws: AwsStandIn,
  path: string,
  { password, ...init }: { password?: string } & BunFetchRequestInit = {},
): Promise<Response> {
  const basic = Buffer.from(`AWS:${password}`).toString('base64');
  return fetch(`https://${HOST}${path}`, {
    ...{ proxy: aws.proxy, tls: { ca: await Bun.file(aws.ca).text() }, redirect: 'manual' },
    ...init,
    headers: {
      ...(password !== undefined && { authorization: `Basic ${basic}` }),
      ...init.headers,
    },
  });
}

test('the registry asks for a login, and says no as Amazon ECR does', async () => {
  await using aws = await startAws();
  const user = aws.addUser();
  const password = await passwordOf(aws, user);

  const nobody = await ask(aws, '/v2/');
  expect(nobody.status).toBe(401);
  expect(nobody.headers.get('www-authenticate')).toBe(
    `Basic realm="https://${HOST}/",service="ecr.amazonaws.com"`,
  );
  expect((await ask(aws, '/v2/', { password: 'wrong' })).status).toBe(401);
  expect((await ask(aws, '/v2/', { password })).status).toBe(200);
  const foreign = await passwordOf(aws, user, 'eu-west-1');
  expect((await ask(aws, '/v2/', { password: foreign })).status).toBe(400);

  const missing = await ask(aws, '/v2/app/blobs/uploads/', { password, method: 'POST' });
  expect(missing.status).toBe(404);
  expect(await missing.json()).toEqual({
    errors: [
      {
        code: 'NAME_UNKNOWN',
        message:
          "The repository with name 'app' does not exist in the registry with id '111222333444'",
      },
    ],
  });

  aws.expire(password);
  const ended = await ask(aws, '/v2/', { password });
  expect(ended.status).toBe(403);
  expect(await ended.text()).toContain('Your authorization token has expired.');
});

test('a layer may come in parts of 5 MiB, whose answers are 201 and tell no range', async () => {
  await using aws = await startAws();
  const password = await passwordOf(aws, aws.addUser());
  aws.repositories.create({ name: 'app' });
  const begin = async () => {
    const begun = await ask(aws, '/v2/app/blobs/uploads/', { password, method: 'POST' });
    return new URL(begun.headers.get('location') ?? '');
  };
  const send = async (at: URL, size: number) => {
    const body = new Uint8Array(size);
    const path = `${at.pathname}${at.search}`;
    return ask(aws, path, { password, method: 'PATCH', body });
  };
  const first = await send(await begin(), 5 * 1024 ** 2);
  expect([first.status, first.headers.get('range')]).toEqual([201, '0-0']);
  const second = await send(new URL(first.headers.get('location') ?? ''), 1000);
  expect(second.status).toBe(201);
  const third = await send(new URL(second.headers.get('location') ?? ''), 1000);
  expect([third.status, await third.text()]).toEqual([
    400,
    expect.stringContaining('must be at least'),
  ]);
});

test('lists of more than 1000 tags, and manifests without a type, are refused', async () => {
  await using aws = await startAws();
  const password = await passwordOf(aws, aws.addUser());
  aws.repositories.create({ name: 'app' });
  expect((await ask(aws, '/v2/app/tags/list?n=1001', { password })).status).toBe(405);
  const untyped = await ask(aws, '/v2/app/manifests/1', {
    ...{ password, method: 'PUT', body: JSON.stringify({ schemaVersion: 2 }) },
  });
  expect([untyped.status, await untyped.text()]).toEqual([
    405,
    expect.stringContaining('Invalid JSON syntax'),
  ]);
});

test.skipIf(!areHere('skopeo'))('skopeo pushes and pulls', async () => {
  await using aws = await startAws();
  await using folder = await temporaryFolder();
  const user = aws.addUser();
  const built = buildMultiPlatform('linux/amd64', 'linux/arm64');
  await writeLayout(join(folder.path, 'layout'), 'app:1', built);
  const options = { env: await loggedIn({ aws, user, folder: folder.path }) };
  const copy = ['skopeo', 'copy', '--quiet', '--insecure-policy', '--all'];
  const push = [...copy, `oci:${folder.path}/layout`];
  const refused = await runProgram([...push, `docker://${HOST}/app:1`], options);
  expect(refused.stderr).toContain("The repository with name 'app' does not exist");
  aws.repositories.create({ name: 'app', mutability: 'IMMUTABLE' });
  await runOk([...push, `docker://${HOST}/app:1`], options);
  const pull = [...copy, '--preserve-digests'];
  await runOk([...pull, `docker://${HOST}/app:1`, `dir:${folder.path}/pulled`], options);
  const again = await runProgram([...push, `docker://${HOST}/app:1`], options);
  expect(again.stderr).toContain("The image tag '1' already exists in the 'app' repository");
  const bytes = await Bun.file(join(folder.path, 'pulled/manifest.json')).bytes();
  expect(digestOf(bytes)).toBe(built.root.digest);
});

test.skipIf(crane === null)('crane pushes and pulls; layers come from another host', async () => {
  await using aws = await startAws();
  await using folder = await temporaryFolder();
  const user = aws.addUser();
  aws.repositories.create({ name: 'team/app' });
  await writeLayout(join(folder.path, 'layout'), 'app:1', image);
  const options = { env: await loggedIn({ aws, user, folder: folder.path }) };
  const program = crane ?? '';
  await runOk([program, 'push', `${folder.path}/layout`, `${HOST}/team/app:1`], options);
  expect(await runOk([program, 'digest', `${HOST}/team/app:1`], options)).toBe(
    `${image.root.digest}\n`,
  );
  expect(await runOk([program, 'ls', `${HOST}/team/app`], options)).toBe('1\n');
  await runOk([program, 'pull', `${HOST}/team/app:1`, `${folder.path}/image.tar`], options);
  const layers = aws.log.filter(({ host }) => host.includes('starport-layer-bucket'));
  expect(layers.length).toBeGreaterThan(0);
  expect(layers.map(({ authorization }) => authorization)).toEqual(layers.map(() => undefined));
});

test('a layer is not given to those who show a login at its signed address', async () => {
  await using aws = await startAws();
  const password = await passwordOf(aws, aws.addUser());
  aws.repositories.create({ name: 'app' });
  const bytes = layerTar('some');
  const digest = `sha256:${new Bun.CryptoHasher('sha256').update(bytes).digest('hex')}`;
  const begun = await ask(aws, '/v2/app/blobs/uploads/', { password, method: 'POST' });
  const at = new URL(begun.headers.get('location') ?? '');
  at.searchParams.set('digest', digest);
  const put = { password, method: 'PUT', body: new Uint8Array(bytes) };
  expect((await ask(aws, `${at.pathname}${at.search}`, put)).status).toBe(201);
  const led = await ask(aws, `/v2/app/blobs/${digest}`, { password });
  expect(led.status).toBe(307);
  const target = led.headers.get('location') ?? '';
  const options = { proxy: aws.proxy, tls: { ca: await Bun.file(aws.ca).text() } };
  const shown = await fetch(target, { ...options, headers: { authorization: 'Basic QVdTOng=' } });
  expect([shown.status, await shown.text()]).toEqual([
    400,
    expect.stringContaining('InvalidArgument'),
  ]);
  expect((await fetch(target.replace('/app/', '/other/'), options)).status).toBe(403);
  expect(await (await fetch(target, options)).bytes()).toEqual(new Uint8Array(bytes));
});
