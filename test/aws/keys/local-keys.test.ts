import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { openIdentity } from '../../../src/aws/keys/open-identity.ts';
import { serveKeys, startContainerKeys, startMetadata } from '../../support/aws/metadata.ts';
import { AWS_SECRET_CANARY } from '../../support/aws/secrets.ts';
import { type AwsUser, startAws } from '../../support/aws/stand-in.ts';
import { surroundingsWith } from '../../support/aws/surroundings.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const TOKEN = 'PUT /latest/api/token';
const ROLES = 'GET /latest/meta-data/iam/security-credentials/';

/** What a program of `credential_process` writes. */
const answer = (id: string, expires?: string) =>
  JSON.stringify({
    ...{ Version: 1, AccessKeyId: id, SecretAccessKey: `${AWS_SECRET_CANARY}${id}` },
    ...(expires !== undefined && { Expiration: expires }),
  });

/** The metadata service of a machine with the role `role`, unless `instead` answers. */
const machineOf = (
  user: AwsUser | undefined,
  instead: (request: Request) => Promise<Response> | undefined,
) =>
  serveKeys(
    async (request) => {
      if (request.method === 'PUT') return (await instead(request)) ?? new Response('token');
      const keys = answer(user?.accessKeyId ?? '');
      const isRole = request.url.endsWith('/role');
      return (await instead(request)) ?? new Response(isRole ? keys : 'role');
    },
    (origin) => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: origin }),
  );

/** A home whose default profile has `command` for a `credential_process`; `HOME` in it is that home. */
async function homeWith(command: string) {
  const folder = await temporaryFolder();
  const script = join(folder.path, 'run.sh');
  await Bun.write(script, command);
  await Bun.write(
    join(folder.path, '.aws/config'),
    `[default]\nregion = of-files\ncredential_process = sh ${script}\n`,
  );
  return {
    path: folder.path,
    env: { HOME: folder.path, PATH: process.env['PATH'] ?? '', AWS_EC2_METADATA_DISABLED: 'true' },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe('knownKey()', () => {
  const idIn = async (env: Readonly<Record<string, string>>) =>
    (await (await openIdentity(surroundingsWith(env))).knownKey()).accessKeyId;

  test('follows a program whose keys are others than before', async () => {
    await using home = await homeWith('cat "$HOME/keys.json"');
    for (const id of ['AKIAONE', 'AKIATWO']) {
      await Bun.write(join(home.path, 'keys.json'), answer(id));
      expect(await idIn(home.env)).toBe(id);
    }
  });

  test('follows a container, by the token that it is shown', async () => {
    await using aws = await startAws();
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'token');
    const user = aws.addUser({ session: true });
    await using server = await startContainerKeys({ user, tokenFile: file });
    expect(await idIn(server.environment)).toBe(user.accessKeyId);
    const prints = async (env: Readonly<Record<string, string>>) =>
      (await openIdentity(surroundingsWith({ ...server.environment, ...env }))).fingerprint();
    const found = new Set([
      await prints({}),
      await prints({ AWS_CONTAINER_AUTHORIZATION_TOKEN: 'a' }),
      await prints({ AWS_CONTAINER_AUTHORIZATION_TOKEN: 'b' }),
    ]);
    await Bun.write(file, 'another one');
    found.add(await prints({}));
    expect(found.size).toBe(4);
  });

  test('follows the role of a machine, and says what keys() says when there is none', async () => {
    await using aws = await startAws();
    const user = aws.addUser({ session: true });
    await using metadata = startMetadata({ user });
    expect(await idIn(metadata.environment)).toBe(user.accessKeyId);
    await using bare = startMetadata();
    expect(idIn(bare.environment)).rejects.toThrow('this instance has no role');
  });
});

describe('keys()', () => {
  test('asks again after a failure', async () => {
    const once =
      'if [ -e "$HOME/ran" ]; then cat "$HOME/keys.json"; else touch "$HOME/ran"; exit 3; fi';
    await using home = await homeWith(once);
    await Bun.write(join(home.path, 'keys.json'), answer('AKIA'));
    const identity = await openIdentity(surroundingsWith(home.env));
    await expect(identity.keys()).rejects.toThrow('exited 3');
    expect((await identity.keys()).accessKeyId).toBe('AKIA');
  });

  test('gives who still waits the keys, when the one who asked first gives up', async () => {
    await using home = await homeWith('cat "$HOME/keys.json"');
    await Bun.write(join(home.path, 'keys.json'), answer('AKIA'));
    const identity = await openIdentity(surroundingsWith(home.env));
    const impatient = new AbortController();
    const first = identity.keys({ signal: impatient.signal });
    const second = identity.keys();
    impatient.abort(new Error('enough'));
    await expect(first).rejects.toThrow('enough');
    expect((await second).accessKeyId).toBe('AKIA');
  });

  test('takes no keys that have ended when they are given', async () => {
    await using home = await homeWith(`echo '${answer('AKIA', '2020-01-01T00:00:00Z')}'`);
    const identity = await openIdentity(surroundingsWith(home.env));
    const error = await identity.keys().catch((thrown) => thrown);
    expect(error).toMatchObject({
      code: 'AWS_IDENTITY',
      message: 'the AWS keys that profile default has just given ended at 2020-01-01T00:00:00.000Z',
      hint: "get new keys for profile default; check this machine's clock with: date -u",
    });
  });
});

describe('the metadata service', () => {
  const keysBy = async (env: Readonly<Record<string, string>>) =>
    (await openIdentity(surroundingsWith(env))).keys();

  test('of version 1 alone gives keys without a token, unless that is switched off', async () => {
    await using aws = await startAws();
    const user = aws.addUser({ session: true });
    await using metadata = startMetadata({ user, mode: 'old' });
    expect((await keysBy(metadata.environment)).accessKeyId).toBe(user.accessKeyId);
    expect(metadata.requests).toEqual([TOKEN, ROLES, `${ROLES}build-machine`]);
    const strict = { ...metadata.environment, AWS_EC2_METADATA_V1_DISABLED: 'true' };
    expect(keysBy(strict)).rejects.toThrow('EC2 metadata failed: it answers 404');
  });

  test('that forbids everything gives none', async () => {
    await using metadata = startMetadata({ mode: 'forbidden' });
    expect(keysBy(metadata.environment)).rejects.toThrow('EC2 metadata failed: it answers 403');
  });

  test('that is slow once is asked again', async () => {
    let asked = 0;
    await using server = serveKeys(
      ({ method }) =>
        method === 'PUT' && asked++ === 0
          ? new Promise(() => {})
          : Promise.resolve(new Response('', { status: method === 'PUT' ? 200 : 404 })),
      (origin) => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: origin }),
    );
    await expect(keysBy(server.environment)).rejects.toThrow('this instance has no role');
    expect(server.requests).toEqual([TOKEN, TOKEN, ROLES]);
  });

  test.each([
    ['silent', /failed: 127\.0\.0\.1:\d+ /],
    ['far', 'failed: no token comes, and without one it answers 401'],
  ] as const)('that is %s is asked twice for a token, and then without one', async (mode, why) => {
    await using metadata = startMetadata({ mode });
    await expect(keysBy(metadata.environment)).rejects.toThrow(why);
    expect(metadata.requests).toEqual([TOKEN, TOKEN, ROLES]);
  });

  test('whose token does not come gives keys without one, unless that is switched off', async () => {
    await using aws = await startAws();
    const user = aws.addUser({ session: true });
    await using server = machineOf(user, ({ method }) =>
      method === 'PUT' ? new Promise(() => {}) : undefined,
    );
    expect((await keysBy(server.environment)).accessKeyId).toBe(user.accessKeyId);
    const strict = { ...server.environment, AWS_EC2_METADATA_V1_DISABLED: 'true' };
    await expect(keysBy(strict)).rejects.toThrow('EC2 metadata failed: ');
    expect(server.requests).toEqual([TOKEN, TOKEN, ROLES, `${ROLES}role`, TOKEN, TOKEN]);
  });

  test.each([0, 1, 2])('that is busy for request %p is asked once more', async (busy) => {
    await using aws = await startAws();
    const user = aws.addUser({ session: true });
    let asked = 0;
    await using server = machineOf(user, () =>
      asked++ === busy ? Promise.resolve(new Response('', { status: 503 })) : undefined,
    );
    expect((await keysBy(server.environment)).accessKeyId).toBe(user.accessKeyId);
    expect(server.requests).toHaveLength(4);
  });

  test('that stays busy says to try again', async () => {
    await using server = machineOf(undefined, async () => new Response('', { status: 503 }));
    const error = await keysBy(server.environment).catch((thrown) => thrown);
    expect(error.message).toEndWith('EC2 metadata failed: it answers 503)');
    expect(error.hint).toStartWith('try again, or run aws configure');
  });

  test('is where the profile says, and asked without a token if that allows it', async () => {
    await using aws = await startAws();
    const user = aws.addUser({ session: true });
    await using metadata = startMetadata({ user, mode: 'old' });
    await using home = await temporaryFolder();
    const { AWS_EC2_METADATA_SERVICE_ENDPOINT: place = '' } = metadata.environment;
    const settings = `[default]\nec2_metadata_service_endpoint = ${place}/\n`;
    const config = join(home.path, '.aws/config');
    await Bun.write(config, settings);
    expect((await keysBy({ HOME: home.path })).accessKeyId).toBe(user.accessKeyId);
    await Bun.write(config, `${settings}ec2_metadata_v1_disabled = True\n`);
    await expect(keysBy({ HOME: home.path })).rejects.toThrow('it answers 404');
    const own = { HOME: home.path, AWS_EC2_METADATA_V1_DISABLED: 'false' };
    expect((await keysBy(own)).accessKeyId).toBe(user.accessKeyId);
  });
});

describe('a container', () => {
  test('that is busy once is asked again, and else says to try again', async () => {
    let answers = [503, 200, 503, 503];
    await using server = serveKeys(
      async () => {
        const [status, ...rest] = answers;
        answers = rest;
        return new Response(answer('ASIABUSY'), { status: status ?? 500 });
      },
      (origin) => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${origin}/v1` }),
    );
    const open = async () => openIdentity(surroundingsWith(server.environment));
    expect((await (await open()).keys()).accessKeyId).toBe('ASIABUSY');
    const error = await (await open()).keys().catch((thrown) => thrown);
    expect(error.message).toEndWith('answers 503');
    expect(error.hint).toStartWith('try again, or check AWS_CONTAINER_CREDENTIALS_FULL_URI');
    expect(server.requests).toHaveLength(4);
  });
});
