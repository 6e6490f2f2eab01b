import { describe, expect, test } from 'bun:test';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { awsRefusalError } from '../../src/aws/call/refusal-error.ts';
import { callerIdentity } from '../../src/aws/call/sts-calls.ts';
import { openIdentity } from '../../src/aws/keys/open-identity.ts';
import type { AwsSurroundings } from '../../src/aws/surroundings.ts';
import { redactText } from '../../src/http/redact.ts';
import type { HttpRequest } from '../../src/http/transport.ts';
import { AWS_SECRET_CANARY, AWS_SESSION_CANARY } from '../support/aws/secrets.ts';
import { surroundingsWith } from '../support/aws/surroundings.ts';
import { startProxy } from '../support/proxy.ts';
import { temporaryFolder } from '../support/temporary.ts';

const KEYS = {
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: `${AWS_SECRET_CANARY}security`,
  AWS_SESSION_TOKEN: `${AWS_SESSION_CANARY}security`,
};

const isQuiet = (text: string) =>
  !text.includes(AWS_SECRET_CANARY) && !text.includes(AWS_SESSION_CANARY);

/** A home with a `~/.aws/config`. */
async function homeWith(config: string, env: Readonly<Record<string, string>> = {}) {
  const folder = await temporaryFolder();
  await mkdir(join(folder.path, '.aws'));
  await writeFile(join(folder.path, '.aws/config'), config);
  return {
    path: folder.path,
    env: { HOME: folder.path, PATH: '/usr/bin:/bin', AWS_EC2_METADATA_DISABLED: 'true', ...env },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** The error of whoever asks for keys, and the addresses that were asked meanwhile. */
async function failureOf(surroundings: AwsSurroundings, profile = 'p') {
  const asked: string[] = [];
  const transport = async ({ url }: HttpRequest) => {
    asked.push(url.href);
    return new Response(null, { status: 500 });
  };
  const identity = await openIdentity({ ...surroundings, transport }, { profile });
  const error = await identity.keys().then(
    () => new Error('there are keys'),
    (error: Error) => error,
  );
  return { error, asked };
}

describe('keys of AWS', () => {
  test.each(['AWS_ENDPOINT_URL_SSO', 'AWS_ENDPOINT_URL'])(
    'are asked for with a session at no foreign place over plain HTTP, which %s names',
    async (name) => {
      await using home = await homeWith(
        '[profile p]\nsso_start_url = https://a.awsapps.com/start\nsso_region = us-east-1\nsso_account_id = 1\nsso_role_name = r\n',
        { [name]: 'http://portal.example.com' },
      );
      const cache = join(home.path, '.aws/sso/cache');
      await mkdir(cache, { recursive: true });
      const file = new Bun.CryptoHasher('sha1').update('https://a.awsapps.com/start').digest('hex');
      const accessToken = `${AWS_SESSION_CANARY}sso`;
      const expiresAt = new Date(Date.now() + 3600_000).toISOString();
      await writeFile(join(cache, `${file}.json`), JSON.stringify({ accessToken, expiresAt }));
      await inEnvironment(home.env, async () => {
        const { error, asked } = await failureOf(surroundingsWith(home.env));
        expect(asked).toEqual([]);
        expect(error.message).toBe(
          'the endpoint http://portal.example.com for AWS keys is not safe to use',
        );
      });
    },
  );

  test('come from no program in the folder that finch runs in', async () => {
    await using home = await homeWith('[profile p]\ncredential_process = give-keys\n');
    await writeFile(join(home.path, 'give-keys'), `#!/bin/sh\necho ran >ran\n`, { mode: 0o700 });
    const before = process.cwd();
    process.chdir(home.path);
    try {
      const env = { ...home.env, PATH: ['.', '', '/usr/bin', '/bin'].join(delimiter) };
      const { error } = await failureOf(surroundingsWith(env));
      expect(error.message).toEndWith('give-keys is not found');
      expect(await Bun.file(join(home.path, 'ran')).exists()).toBe(false);
    } finally {
      process.chdir(before);
    }
  });

  test('come from a program that is run without a shell', async () => {
    await using home = await homeWith(
      '[profile p]\ncredential_process = echo {} ; touch ran $(touch ran) `touch ran` > ran\n',
    );
    const { error } = await failureOf(surroundingsWith(home.env));
    expect(error.message).toEndWith('answered no JSON');
    expect(await Bun.file(join(home.path, 'ran')).exists()).toBe(false);
    expect(await Bun.file('ran').exists()).toBe(false);
  });

  test.each([
    [
      'in JSON',
      `{"AccessKeyId":"A","SecretAccessKey":"${AWS_SECRET_CANARY}x","SessionToken":"${AWS_SESSION_CANARY}x"}`,
    ],
    [
      'as settings',
      `aws_secret_access_key = ${AWS_SECRET_CANARY}x aws_session_token=${AWS_SESSION_CANARY}x`,
    ],
    [
      'as variables',
      `+ AWS_SECRET_ACCESS_KEY=${AWS_SECRET_CANARY}x AWS_SESSION_TOKEN=${AWS_SESSION_CANARY}x`,
    ],
    [
      'in XML',
      `<SecretAccessKey>${AWS_SECRET_CANARY}x</SecretAccessKey><SessionToken>${AWS_SESSION_CANARY}x</SessionToken>`,
    ],
    // JSON may have a \\ before each of the slashes that are in a secret key.
    ['in JSON with slashes', `{"SecretAccessKey": "a\\/${AWS_SECRET_CANARY}x"}`],
  ])('are not quoted from a program that fails and writes them %s', async (_, words) => {
    await using home = await homeWith('');
    await writeFile(join(home.path, 'words'), words);
    await writeFile(
      join(home.path, '.aws/config'),
      `[profile p]\ncredential_process = sh -c "cat ${home.path}/words >&2; exit 3"\n`,
    );
    const { error } = await failureOf(surroundingsWith(home.env));
    expect(error.message).toInclude(' exited 3: ');
    expect(isQuiet(error.message)).toBe(true);
  });

  test('of the environment are hidden when those of a profile are used', async () => {
    const [id, secret, token] = [
      'AKIAOTHER',
      `${AWS_SECRET_CANARY}unused`,
      `${AWS_SESSION_CANARY}unused`,
    ];
    await using home = await homeWith(
      '[profile p]\naws_access_key_id = A\naws_secret_access_key = B123\n',
      {
        AWS_ACCESS_KEY_ID: id,
        AWS_SECRET_ACCESS_KEY: secret,
        AWS_SESSION_TOKEN: token,
      },
    );
    await openIdentity(surroundingsWith(home.env), { profile: 'p' });
    expect(redactText(`${secret} ${token}`)).toBe('REDACTED REDACTED');
  });

  test('are not in what AWS says of a signature that is wrong', async () => {
    const canonical = `The request signature we calculated does not match.\n\nThe Canonical String for this request should have been\n'POST\n/\n\nhost:sts\nx-amz-date:20261122T000000Z\nx-amz-security-token:${KEYS.AWS_SESSION_TOKEN}\n\nhost;x-amz-date;x-amz-security-token\n0'`;
    const surroundings = surroundingsWith({ ...KEYS, AWS_REGION: 'us-east-1' });
    for (const code of ['SignatureDoesNotMatch', 'Odd', 'AccessDenied']) {
      const answer = `<ErrorResponse><Error><Code>${code}</Code><Message>${canonical.slice(0)}</Message></Error></ErrorResponse>`;
      const transport = async () => new Response(answer, { status: 403 });
      const identity = await openIdentity(surroundings);
      const outcome = await callerIdentity(identity, {
        surroundings: { ...surroundings, transport },
      });
      if (outcome.ok) throw new Error('AWS has said yes');
      const { message, hint = '' } = awsRefusalError(outcome.refusal);
      expect([code, isQuiet([message, hint, ...surroundings.traced].join('\n'))]).toEqual([
        code,
        true,
      ]);
    }
    expect(surroundings.traced.join('\n')).toInclude('x-amz-security-token:REDACTED');
  });

  test.each([301, 302, 307, 308])('sign nothing that an answer of %d leads to', async (status) => {
    const asked: string[] = [];
    await using other = Bun.serve({
      ...{ hostname: '127.0.0.1', port: 0 },
      fetch({ url }) {
        asked.push(url);
        return new Response();
      },
    });
    await using aws = Bun.serve({
      ...{ hostname: '127.0.0.1', port: 0 },
      fetch: () =>
        new Response(null, { status, headers: { location: `http://127.0.0.1:${other.port}/` } }),
    });
    const surroundings = surroundingsWith({
      ...KEYS,
      AWS_ENDPOINT_URL: `http://127.0.0.1:${aws.port}`,
    });
    const identity = await openIdentity(surroundings);
    expect(await callerIdentity(identity, { surroundings })).toMatchObject({
      ok: false,
      refusal: { kind: 'foreign', status },
    });
    expect(asked).toEqual([]);
  });

  test('are not asked for at the metadata service through a proxy', async () => {
    await using proxy = await startProxy({ port: 1 });
    const variables = { http_proxy: `http://${proxy.host}`, HTTP_PROXY: `http://${proxy.host}` };
    await inEnvironment(variables, async () => {
      const surroundings = surroundingsWith({
        ...{ ...variables, AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://metadata.invalid' },
      });
      const identity = await openIdentity(surroundings);
      await expect(identity.keys()).rejects.toThrow('metadata.invalid');
    });
    expect(proxy.asked).toEqual([]);
  });

  test.each(['file:///etc', 'data:,', 'metadata'])('are not read from %s', async (place) => {
    const surroundings = surroundingsWith({ AWS_EC2_METADATA_SERVICE_ENDPOINT: place });
    const identity = await openIdentity(surroundings);
    await expect(identity.keys()).rejects.toThrow(
      'the endpoint that is set for the EC2 metadata service is no address',
    );
  });

  test('of a profile whose name or settings hold terminal sequences are told of without them', async () => {
    await using home = await homeWith(
      '[profile p]\nrole_arn = arn:\u001b[31mrole\nsource_profile = \u001b]0;gone\u0007\n',
    );
    for (const profile of ['p', 'no\u001b[2Jne\u202e']) {
      const { error } = await failureOf(surroundingsWith(home.env), profile);
      expect(error.message).toStartWith('AWS profile "');
      expect(error.message).not.toMatch(/[\p{Cc}\u202e]/u);
    }
  });
});

/** Does something while this process has other variables. */
async function inEnvironment(
  env: Readonly<Record<string, string>>,
  work: () => Promise<void>,
): Promise<void> {
  const before = Object.keys(env).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, env);
  try {
    await work();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
