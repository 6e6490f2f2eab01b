import { describe, expect, test } from 'bun:test';
import type { Credential } from '../../src/credentials/credential.ts';
import type { HttpRequest, Transport } from '../../src/http/transport.ts';
import { checkLogin } from '../../src/registry/ping.ts';
import { deniedHint, loginHint } from '../../src/registry/profiles.ts';
import { CANARY } from '../support/canary.ts';

/** What a service is known to answer, without its network. */
interface Service {
  readonly challenge: string;
  /** Statuses of the token server. Default: 200. */
  readonly token?: { readonly GET?: number; readonly POST?: number };
}

/** A transport at whose end there is one service. `sent` gets what is asked of its token server. */
function serviceAt({ challenge, token = {} }: Service) {
  const sent: { readonly method: string; readonly url: URL; readonly login: string }[] = [];
  const answer = ({ method, url, headers = {}, body }: HttpRequest): Response => {
    const { authorization = '' } = headers;
    if (/\/v2\/$/.test(url.pathname)) {
      if (authorization === 'Bearer good-token') return Response.json({});
      return new Response(null, { status: 401, headers: { 'www-authenticate': challenge } });
    }
    const content = body?.();
    const form = content && 'bytes' in content ? new TextDecoder().decode(content.bytes) : '';
    const decoded = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString();
    sent.push({ method, url, login: method === 'POST' ? form : decoded });
    const status = token[method === 'POST' ? 'POST' : 'GET'] ?? 200;
    return Response.json({ access_token: 'good-token' }, { status });
  };
  const transport: Transport = async (request) => {
    const response = answer(request);
    Object.defineProperty(response, 'url', { value: request.url.href });
    return response;
  };
  return { sent, transport };
}

const password = (username: string, secret = CANARY): Credential => ({
  kind: 'password',
  username,
  secret,
});

const bearer = (realm: string, service: string) => `Bearer realm="${realm}",service="${service}"`;
const nobody = '00000000-0000-0000-0000-000000000000';

describe('one flow serves', () => {
  test.each([
    ['Docker Hub', 'docker.io', bearer('https://auth.docker.io/token', 'registry.docker.io'), 'me'],
    ['GHCR', 'ghcr.io', bearer('https://ghcr.io/token', 'ghcr.io'), 'me'],
    [
      'GitLab',
      'registry.gitlab.com',
      bearer('https://gitlab.com/jwt/auth', 'container_registry'),
      'me',
    ],
    [
      "Harbor's robots",
      'harbor.test',
      bearer('https://harbor.test/service/token', 'harbor-registry'),
      'robot$project+ci',
    ],
    ["Quay's robots", 'quay.io', bearer('https://quay.io/v2/auth', 'quay.io'), 'org+robot'],
    [
      'Artifactory',
      'me.jfrog.io',
      `Basic realm="Artifactory", ${bearer('https://me.jfrog.io/artifactory/api/docker/null/v2/token', 'me.jfrog.io')}`,
      'me',
    ],
    [
      "Google's registries",
      'europe-docker.pkg.dev',
      bearer('https://europe-docker.pkg.dev/v2/token', 'europe-docker.pkg.dev'),
      'oauth2accesstoken',
    ],
  ])('%s at %s', async (_, registry, challenge, username) => {
    const { sent, transport } = serviceAt({ challenge });
    await checkLogin(registry, { transport, credential: password(username) });
    expect(sent.map(({ method }) => method)).toEqual(['GET']);
    expect(sent[0]?.login).toBe(`${username}:${CANARY}`);
    expect(sent[0]?.url.searchParams.get('account')).toBe(username);
  });

  test("Google's keys, which are JSON of many lines", async () => {
    const key = '{\n  "type": "service_account",\n  "private_key": "é:\\n"\n}\n';
    const challenge = bearer('https://gcr.io/v2/token', 'gcr.io');
    const { sent, transport } = serviceAt({ challenge, token: { POST: 404 } });
    await checkLogin('gcr.io', { transport, credential: password('_json_key', key) });
    expect(sent.map(({ login }) => login)).toEqual([`_json_key:${key}`]);
  });

  test("Azure's refresh tokens, in a form where a GET is not known", async () => {
    const challenge = bearer('https://me.azurecr.io/oauth2/token', 'me.azurecr.io');
    const { sent, transport } = serviceAt({ challenge, token: { GET: 400 } });
    await checkLogin('me.azurecr.io', { transport, credential: password(nobody, 'refresh') });
    expect(sent.map(({ method }) => method)).toEqual(['GET', 'POST']);
    expect(Object.fromEntries(new URLSearchParams(sent[1]?.login))).toMatchObject({
      grant_type: 'refresh_token',
      refresh_token: 'refresh',
      service: 'me.azurecr.io',
    });
  });

  test("Artifactory's refusal of forms: a password is shown once, in a header", async () => {
    const challenge = bearer('https://me.jfrog.io/token', 'me.jfrog.io');
    const { sent, transport } = serviceAt({ challenge, token: { GET: 401, POST: 401 } });
    const checking = checkLogin('me.jfrog.io', { transport, credential: password('me') });
    await expect(checking).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(sent.map(({ method }) => method)).toEqual(['GET']);
  });
});

describe('a refused login', () => {
  test.each([
    ['docker.io', 'me', /two-factor authentication .* personal access token/],
    ['ghcr.io', 'me', /personal access token \(classic\)/],
    ['registry.gitlab.com', 'me', /personal or deploy token/],
    ['quay.io', 'me', /robot account/],
    ['me.azurecr.io', 'me', /az acr login --expose-token --name NAME/],
    ['europe-docker.pkg.dev', 'me', /gcloud auth print-access-token/],
    ['eu.gcr.io', 'me', /gcloud auth print-access-token/],
    ['me.jfrog.io', 'me', /identity token/],
    ['harbor.test', 'robot', /'robot\$NAME'/],
  ])('of %s as %s has a hint of its own', (registry, username, hint) => {
    expect(loginHint(registry, { kind: 'password', username, secret: CANARY })).toMatch(hint);
  });

  test('of another registry has none', () => {
    for (const registry of ['registry.test', 'notghcr.io', 'docker.io.test', 'azurecr.io.test']) {
      expect(
        loginHint(registry, { kind: 'password', username: 'me', secret: CANARY }),
      ).toBeUndefined();
    }
  });

  test('shows the hint of the service', async () => {
    const challenge = bearer('https://auth.docker.io/token', 'registry.docker.io');
    const { transport } = serviceAt({ challenge, token: { GET: 401 } });
    const checking = checkLogin('docker.io', { transport, credential: password('me') });
    await expect(checking).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      hint: loginHint('docker.io', { kind: 'password', username: 'me', secret: CANARY }),
    });
  });
});

test('what an account may not do has a hint of its own where a scope of the token is the cause', () => {
  expect(deniedHint('ghcr.io', 'ghcr.io/me/app')).toContain('write:packages');
  expect(deniedHint('registry.gitlab.com', 'registry.gitlab.com/a/b')).toContain('write_registry');
  expect(deniedHint('quay.io', 'quay.io/a')).toBe(
    'check that your account may use quay.io/a, or log in as another with: finch login quay.io',
  );
});
