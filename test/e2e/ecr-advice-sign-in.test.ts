import { expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { AWS_SESSION_CANARY } from '../support/aws/secrets.ts';
import { startSso } from '../support/aws/sso.ts';
import { startAws } from '../support/aws/stand-in.ts';
import { CANARY } from '../support/canary.ts';
import { expectError } from './support/expectations.ts';
import { filesIn } from './support/home-contents.ts';
import { workbench } from './support/workbench.ts';

const START = 'https://start.test';

/** A home where somebody has signed in, in the older form of the settings and in that with a session. */
async function signedIn(
  env: Readonly<Record<string, string>>,
  { accessToken = `${AWS_SESSION_CANARY}sso`, expiresAt = '2999-01-01T00:00:00Z', more = {} } = {},
) {
  const it = await workbench({ AWS_EC2_METADATA_DISABLED: 'true', ...env });
  const role = 'sso_account_id = 111222333444\nsso_role_name = Dev\n';
  const portal = `sso_start_url = ${START}\nsso_region = us-east-1\n`;
  await Bun.write(
    join(it.home, '.aws/config'),
    `[sso-session s]\n${portal}[profile dev]\nsso_session = s\n${role}[profile old]\n${portal}${role}`,
  );
  for (const name of ['s', START]) {
    const file = `${createHash('sha1').update(name).digest('hex')}.json`;
    const text = JSON.stringify({ accessToken, expiresAt, ...more });
    await Bun.write(join(it.home, '.aws/sso/cache', file), text);
  }
  return it;
}

const HTML = { 'content-type': 'text/html' };

test.each([
  [
    { body: '<html>busy</html>', status: 503, headers: HTML },
    /^finch: 127\.0\.0\.1:\d+ answered sso:GetRoleCredentials for AWS profile "dev" as AWS does not: 503 text\/html$/,
    /^check the endpoint 127\.0\.0\.1:\d+ in AWS_ENDPOINT_URL or endpoint_url$/,
  ],
  [
    { body: '', status: 307, headers: { location: 'http://127.0.0.1:9/' } },
    /as AWS does not: 307 /,
    /^check the endpoint/,
  ],
  [
    { body: '<html>log in</html>', headers: HTML },
    /as AWS does not: 200 text\/html$/,
    /^check the endpoint/,
  ],
  [
    { body: 'x'.repeat(300_000) },
    /as AWS does not: it sent more than 131072 bytes$/,
    /^check the endpoint/,
  ],
  [
    {
      body: '{"message":"Rate exceeded"}',
      ...{ status: 429, headers: { 'x-amzn-errortype': 'TooManyRequestsException' } },
    },
    /^finch: AWS refused sso:GetRoleCredentials for AWS profile "dev": it was asked too often/,
    /^wait a minute/,
  ],
])('finch says what is wrong with the portal of a sign-in: %#', async (answer, message, hint) => {
  const { body, ...init } = answer;
  using portal = Bun.serve({
    ...{ port: 0, hostname: '127.0.0.1' },
    fetch: () => new Response(body, init),
  });
  await using it = await signedIn({ AWS_ENDPOINT_URL_SSO: portal.url.origin });
  const before = await filesIn(it.home);
  const stderr = await it.fails('ecr whoami --profile dev');
  expectError(stderr, message);
  expect(/^hint: (.*)$/m.exec(stderr)?.[1]).toMatch(hint);
  expect(await filesIn(it.home)).toEqual(before);
});

test('a session that cannot be renewed for a while does not have to be begun again', async () => {
  const more = { clientId: 'c', clientSecret: CANARY, refreshToken: CANARY };
  const ended = { expiresAt: '2020-01-01T00:00:00Z', more };
  using server = Bun.serve({
    ...{ port: 0, hostname: '127.0.0.1' },
    fetch: () => new Response('busy', { status: 503, headers: { 'content-type': 'text/plain' } }),
  });
  await using it = await signedIn({ AWS_ENDPOINT_URL_SSO_OIDC: server.url.origin }, ended);
  expectError(
    await it.fails('ecr whoami --profile dev'),
    /as AWS does not: 503 text\/plain$/,
    `check the endpoint ${server.url.host} in AWS_ENDPOINT_URL or endpoint_url`,
  );
});

test('a session whose end older versions of the AWS CLI wrote, with UTC, is used', async () => {
  await using aws = await startAws();
  const user = aws.addUser({ name: 'dev', session: true });
  await using sso = startSso({ roles: [{ account: '111222333444', role: 'Dev', user }] });
  const { accessToken } = sso;
  const session = { accessToken, expiresAt: '2999-01-01T00:00:00UTC' };
  await using it = await signedIn({ ...aws.environment(), ...sso.environment }, session);
  expect(await it.ok('ecr whoami --profile old')).toContain('user/dev');
});

test('a session that cannot be renewed is used until it ends', async () => {
  await using aws = await startAws();
  const user = aws.addUser({ name: 'dev', session: true });
  await using sso = startSso({ roles: [{ account: '111222333444', role: 'Dev', user }] });
  const expiresAt = new Date(Date.now() + 4 * 60_000).toISOString();
  const session = { accessToken: sso.accessToken, expiresAt };
  await using it = await signedIn({ ...aws.environment(), ...sso.environment }, session);
  for (const profile of ['dev', 'old']) {
    expect(await it.ok(`ecr whoami --profile ${profile}`)).toContain('user/dev');
  }
});
