import { describe, expect, test } from 'bun:test';
import { mkdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { AwsIdentity } from '../../../src/aws/identity.ts';
import { openIdentity } from '../../../src/aws/keys/open-identity.ts';
import { redactText } from '../../../src/http/redact.ts';
import { startContainerKeys, startMetadata } from '../../support/aws/metadata.ts';
import { AWS_SECRET_CANARY, AWS_SESSION_CANARY } from '../../support/aws/secrets.ts';
import { startAws } from '../../support/aws/stand-in.ts';
import { surroundingsWith } from '../../support/aws/surroundings.ts';
import { temporaryFolder } from '../../support/temporary.ts';

/** A home with `~/.aws/config`. */
async function homeWith(config: string) {
  const folder = await temporaryFolder();
  const path = join(folder.path, '.aws/config');
  await Bun.write(path, config);
  return {
    env: { HOME: folder.path, PATH: process.env['PATH'] ?? '', AWS_EC2_METADATA_DISABLED: 'true' },
    path: folder.path,
    write: (text: string) => Bun.write(path, text),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const secret = (name: string) => `${AWS_SECRET_CANARY}${name}`;
const keysOf = (id: string) => `aws_access_key_id = ${id}\naws_secret_access_key = ${secret(id)}\n`;
const fromEnvironment = {
  AWS_ACCESS_KEY_ID: 'AKIAENV',
  AWS_SECRET_ACCESS_KEY: secret('AKIAENV'),
  AWS_SESSION_TOKEN: `${AWS_SESSION_CANARY}env`,
};

describe('openIdentity()', () => {
  test('gives the keys of the environment, whose secrets no message shows any more', async () => {
    const identity = await openIdentity(surroundingsWith({ ...fromEnvironment }));
    expect(identity.source).toBe('the environment');
    expect((await identity.knownKey()).accessKeyId).toBe('AKIAENV');
    expect(await identity.keys()).toEqual({
      accessKeyId: 'AKIAENV',
      secretAccessKey: secret('AKIAENV'),
      sessionToken: `${AWS_SESSION_CANARY}env`,
    });
    const { AWS_SECRET_ACCESS_KEY: key, AWS_SESSION_TOKEN: token } = fromEnvironment;
    expect(redactText(`a ${key} b ${token} c`)).toBe('a REDACTED b REDACTED c');
  });

  test('needs no home, and no files that can be read, for the keys of the environment', async () => {
    await using home = await homeWith('broken');
    for (const env of [{}, home.env]) {
      const identity = await openIdentity(surroundingsWith({ ...env, ...fromEnvironment }));
      expect((await identity.keys()).accessKeyId).toBe('AKIAENV');
    }
  });

  test('opens whatever the files say, and tells of it where it is needed', async () => {
    await using home = await homeWith('broken');
    const identity = await openIdentity(surroundingsWith(home.env));
    expect(identity.source).toBe('profile default');
    expect(identity.keys()).rejects.toThrow('line 1 of');
    expect(identity.knownKey()).rejects.toThrow('line 1 of');
    expect(identity.fingerprint()).rejects.toThrow('line 1 of');
  });

  test('loads nothing of the SDK for keys that stand somewhere', async () => {
    await using home = await homeWith(`[profile p]\nregion = r\n${keysOf('AKIAP')}`);
    const script = `
      const loaded = [];
      Bun.plugin({ name: 'watch', setup(build) {
        build.onLoad({ filter: /@aws-sdk|@smithy/ }, ({ path }) => { loaded.push(path); return undefined; });
      } });
      const { openIdentity } = await import('./src/aws/keys/open-identity.ts');
      const surroundings = { env: process.env, trace() {}, now: Date.now };
      for (const profile of [undefined, 'p']) {
        const identity = await openIdentity(surroundings, { profile });
        const { accessKeyId } = await identity.keys();
        await identity.fingerprint();
        await identity.authorities();
        console.log(accessKeyId, await identity.region(), await identity.endpointOf('ecr'));
      }
      console.log(loaded.length);`;
    const { stdout, stderr } = Bun.spawnSync([process.execPath, '-e', script], {
      cwd: join(import.meta.dir, '../../..'),
      env: { ...home.env, ...fromEnvironment },
    });
    expect(stderr.toString()).toBe('');
    expect(stdout.toString()).toBe('AKIAENV undefined undefined\nAKIAP r undefined\n0\n');
  });

  test('takes certificate authorities from AWS_CA_BUNDLE, and else from the profile', async () => {
    await using aws = await startAws();
    await using home = await homeWith(`[default]\nca_bundle = ~/ca.pem\n`);
    await Bun.write(join(home.path, 'ca.pem'), Bun.file(aws.ca));
    const [pem] = (await (await openIdentity(surroundingsWith(home.env))).authorities()) ?? [];
    expect(pem?.trim()).toBe((await Bun.file(aws.ca).text()).trim());
    const env = { ...home.env, AWS_CA_BUNDLE: join(home.path, 'gone.pem') };
    const identity = await openIdentity(surroundingsWith(env));
    expect(identity.authorities()).rejects.toThrow('AWS_CA_BUNDLE names');
  });

  test('asks a program once, however many wait, and again when its keys are about to end', async () => {
    const count = `echo x >> runs; echo '{"Version":1,"AccessKeyId":"AKIA'$(wc -l < runs)'","SecretAccessKey":"${secret('p')}","Expiration":"'$UNTIL'"}'`;
    await using home = await homeWith('');
    await Bun.write(join(home.path, 'run.sh'), `cd ${home.path}; ${count}`);
    await home.write(`[default]\ncredential_process = sh ${home.path}/run.sh\n`);
    const lasting = surroundingsWith({ ...home.env, UNTIL: '2999-01-01T00:00:00Z' });
    const identity = await openIdentity(lasting);
    const keys = await Promise.all([identity.keys(), identity.keys(), identity.keys()]);
    expect(keys.map(({ accessKeyId }) => accessKeyId)).toEqual(['AKIA1', 'AKIA1', 'AKIA1']);
    expect(keys[0].expires).toEqual(new Date('2999-01-01T00:00:00Z'));
    const UNTIL = new Date(Date.now() + 50_000).toISOString();
    let passed = 0;
    const now = () => Date.now() - passed;
    const ending = await openIdentity({ ...surroundingsWith({ ...home.env, UNTIL }), now });
    expect((await ending.keys()).accessKeyId).toBe('AKIA2');
    expect((await ending.keys()).accessKeyId).toBe('AKIA2');
    passed = -51_000;
    await expect(ending.keys()).rejects.toThrow('has just given ended');
  });

  test('asks again after somebody gave up', async () => {
    await using home = await homeWith('');
    const program = `echo '{"Version":1,"AccessKeyId":"AKIA","SecretAccessKey":"${secret('p')}"}'`;
    await Bun.write(join(home.path, 'run.sh'), program);
    await home.write(`[default]\ncredential_process = sh ${home.path}/run.sh\n`);
    const identity = await openIdentity(surroundingsWith(home.env));
    const impatient = new AbortController();
    const asking = identity.keys({ signal: impatient.signal });
    impatient.abort(new Error('enough'));
    await expect(asking).rejects.toThrow('enough');
    expect((await identity.keys()).accessKeyId).toBe('AKIA');
  });

  test('gets keys from a container, with a token of the environment or of a file', async () => {
    await using aws = await startAws();
    await using home = await homeWith('');
    const user = aws.addUser({ session: true });
    for (const tokenFile of [undefined, join(home.path, 'token')]) {
      await using server = await startContainerKeys({ user, ...(tokenFile && { tokenFile }) });
      // A proxy would be asked for what is on another machine.
      const proxies = { HTTP_PROXY: 'http://127.0.0.1:9', http_proxy: 'http://127.0.0.1:9' };
      const surroundings = surroundingsWith({ ...home.env, ...server.environment, ...proxies });
      const identity = await openIdentity(surroundings);
      expect(identity.source).toBe('the container');
      const { accessKeyId, sessionToken, expires } = await identity.keys();
      expect([accessKeyId, sessionToken]).toEqual([user.accessKeyId, user.sessionToken]);
      expect(expires).toBeInstanceOf(Date);
      expect(surroundings.traced).toEqual([
        'the AWS keys are those of the container',
        expect.stringMatching(/^GET http:\/\/\S+\/v1\/credentials -> 200/),
      ]);
    }
  });

  test('gets keys from the metadata service, by version 2', async () => {
    await using aws = await startAws();
    const user = aws.addUser({ session: true });
    await using metadata = startMetadata({ user });
    const identity = await openIdentity(surroundingsWith(metadata.environment));
    expect(identity.source).toBe('the EC2 metadata service');
    expect((await identity.keys()).accessKeyId).toBe(user.accessKeyId);
    const roles = '/latest/meta-data/iam/security-credentials/';
    expect(metadata.requests).toEqual([
      'PUT /latest/api/token',
      `GET ${roles}`,
      `GET ${roles}build-machine`,
    ]);
  });

  test.each(['true', 'TRUE', 'True'])(
    'asks no metadata service where AWS_EC2_METADATA_DISABLED is %s',
    async (value) => {
      await using metadata = startMetadata();
      const env = { ...metadata.environment, AWS_EC2_METADATA_DISABLED: value };
      const identity = await openIdentity(surroundingsWith(env));
      expect(identity.keys()).rejects.toThrow('skipped: AWS_EC2_METADATA_DISABLED is set');
      expect(metadata.requests).toEqual([]);
    },
  );

  test('assumes a role through HTTPS_PROXY, trusting AWS_CA_BUNDLE, without a word of the SDK', async () => {
    await using aws = await startAws();
    const user = aws.addUser();
    const role = aws.addRole({ trusts: [user.arn], externalId: 'outside' });
    await using home = await homeWith(
      `[profile r]\nrole_arn = ${role.arn}\nexternal_id = outside\nrole_session_name = me\nduration_seconds = 900\ncredential_source = Environment\n`,
    );
    const keys = {
      AWS_ACCESS_KEY_ID: user.accessKeyId,
      AWS_SECRET_ACCESS_KEY: user.secretAccessKey,
    };
    const trusting = { ...home.env, ...keys, HTTPS_PROXY: aws.proxy, AWS_CA_BUNDLE: aws.ca };
    const identity = await openIdentity(surroundingsWith(trusting), { profile: 'r' });
    expect(identity.source).toBe('profile r');
    expect(await identity.knownKey()).toEqual({});
    const { sessionToken = '', expires } = await identity.keys();
    expect(sessionToken.startsWith(AWS_SESSION_CANARY)).toBe(true);
    expect(redactText(sessionToken)).toBe('REDACTED');
    expect(Number(expires) - Date.now()).toBeLessThan(900_001);
    const [request] = aws.log;
    expect(request).toMatchObject({ host: 'sts.us-east-1.amazonaws.com', action: 'AssumeRole' });

    const { AWS_CA_BUNDLE: _, ...distrusting } = trusting;
    const other = await openIdentity(surroundingsWith(distrusting), { profile: 'r' });
    expect(other.keys()).rejects.toThrow('is not trusted');
  });

  test('asks for roles at the endpoint and in the region of the settings', async () => {
    await using aws = await startAws();
    const user = aws.addUser();
    const role = aws.addRole({ trusts: [user.arn] });
    await using home = await homeWith(
      `[profile r]\nregion = eu-west-1\nservices = s\nrole_arn = ${role.arn}\nsource_profile = default\n[default]\n${keysOf('AKIAX')}[services s]\nsts =\n  endpoint_url = ${aws.endpoint}\n`,
    );
    await Bun.write(
      join(home.path, '.aws/credentials'),
      `[default]\naws_access_key_id = ${user.accessKeyId}\naws_secret_access_key = ${user.secretAccessKey}\n`,
    );
    const identity = await openIdentity(surroundingsWith(home.env), { profile: 'r' });
    expect((await identity.endpointOf('sts'))?.origin).toBe(aws.endpoint);
    await identity.keys();
    expect(aws.log.map(({ action }) => action)).toEqual(['AssumeRole']);
    expect(aws.log[0]?.authorization).toContain('/eu-west-1/sts/aws4_request');
  });
});

test('only a role with an MFA device, or one that is assumed with such a role, needs a code', async () => {
  await using home = await homeWith(
    `[profile k]\n${keysOf('AKIA1')}[profile plain]\nrole_arn = arn:r\nsource_profile = k\n` +
      '[profile mfa]\nrole_arn = arn:r\nsource_profile = k\nmfa_serial = arn:m\n' +
      '[profile over]\nrole_arn = arn:s\nsource_profile = mfa\n',
  );
  const needs = ['k', 'plain', 'mfa', 'over', 'gone'].map(async (profile) => {
    return (await openIdentity(surroundingsWith(home.env), { profile })).needsCode;
  });
  expect(await Promise.all(needs)).toEqual([false, false, true, true, false]);
});

describe('fingerprint()', () => {
  const profile = '[profile a]\nrole_arn = arn:r\nsource_profile = k\n';
  const open = async (env: Readonly<Record<string, string>>, name: string): Promise<AwsIdentity> =>
    openIdentity(surroundingsWith(env), { profile: name });

  test('is the same for the same keys, and another for others', async () => {
    await using home = await homeWith(`${profile}[profile k]\n${keysOf('AKIA1')}`);
    const before = await (await open(home.env, 'a')).fingerprint();
    expect(before).toMatch(/^[0-9a-f]{64}$/);
    await home.write(`# a comment\n${profile}[profile k]\n${keysOf('AKIA1')}[profile new]\n`);
    expect(await (await open(home.env, 'a')).fingerprint()).toBe(before);
    const others = [
      `${profile}[profile k]\n${keysOf('AKIA2')}`,
      `${profile}external_id = x\n[profile k]\n${keysOf('AKIA1')}`,
      `${profile.replace('arn:r', 'arn:s')}[profile k]\n${keysOf('AKIA1')}`,
    ];
    const found = new Set([before]);
    for (const text of others) {
      await home.write(text);
      found.add(await (await open(home.env, 'a')).fingerprint());
    }
    expect(found.size).toBe(4);
  });

  test('follows the file of the one who has signed in', async () => {
    await using home = await homeWith(
      '[profile s]\nsso_session = x\nsso_account_id = 1\nsso_role_name = r\n[sso-session x]\nsso_start_url = u\nsso_region = r\n',
    );
    const folder = join(home.path, '.aws/sso/cache');
    await mkdir(folder, { recursive: true });
    const token = join(folder, `${new Bun.CryptoHasher('sha1').update('x').digest('hex')}.json`);
    const found = new Set([await (await open(home.env, 's')).fingerprint()]);
    for (const time of [1000, 2000]) {
      await Bun.write(token, '{}');
      await utimes(token, time, time);
      found.add(await (await open(home.env, 's')).fingerprint());
    }
    expect(found.size).toBe(3);
  });
});
