import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { hasCode } from '../../src/errors.ts';
import { Endpoint } from '../../src/registry/endpoint.ts';
import { alsoTrusting, parseRealmHost, realmUrl } from '../../src/registry/realm.ts';

const ask = (registry: string, realm: string, withLogin = true) =>
  realmUrl(realm, { registry, endpoint: new Endpoint(registry), withLogin });

describe('with a login, the token server', () => {
  test.each([
    // Its own host, on any port.
    ['ghcr.io', 'https://ghcr.io/token'],
    ['registry.test:5000', 'https://registry.test:5001/token'],
    ['registry.test:5000', 'https://registry.test/token'],
    ['10.0.0.5:5000', 'https://10.0.0.5:5001/token'],
    ['localhost:5000', 'http://127.0.0.1:5001/token'],
    ['localhost:5000', 'http://[::1]:5001/token'],
    ['127.0.0.1:5000', 'http://[::1]:5001/token'],
    ['[::1]:5000', 'http://localhost/token'],
    // Below, above or beside it.
    ['docker.io', 'https://auth.docker.io/token'],
    ['example.com', 'https://auth.example.com/token'],
    ['registry.gitlab.com', 'https://gitlab.com/jwt/auth'],
    ['registry.digitalocean.com', 'https://api.digitalocean.com/v2/registry/auth'],
    ['docker.elastic.co', 'https://docker-auth.elastic.co/auth'],
    ['registry.example.co.uk', 'https://auth.example.co.uk/token'],
    ['a.b.example.com', 'https://example.com/token'],
    ['registry.cn-hangzhou.aliyuncs.com', 'https://dockerauth.cn-hangzhou.aliyuncs.com/auth'],
    // Known.
    [
      'rg.fr-par.scw.cloud',
      'https://api.scaleway.com/registry-internal/v1/regions/fr-par/tokens?own=1',
    ],
    ['registry.cn-shenzhen.aliyuncs.com', 'https://dockerauth.cn-hangzhou.aliyuncs.com/auth'],
    ['me-registry.ap-southeast-1.cr.aliyuncs.com', 'https://dockerauth.aliyuncs.com/auth'],
  ])('of %s may be %s', async (registry, realm) => {
    expect((await ask(registry, realm)).href).toBe(realm);
  });

  test.each([
    ['ghcr.io', 'https://evil.test/token'],
    ['ghcr.io', 'https://notghcr.io/token'],
    ['docker.io', 'https://auth.docker.io.evil.test/token'],
    ['docker.io', 'https://authdocker.io/token'],
    // No owner has all names below these.
    ['registry.co.uk', 'https://evil.co.uk/token'],
    ['example.com', 'https://evil.com/token'],
    ['registry.com', 'https://com/token'],
    ['me.jfrog.io', 'https://evil.jfrog.io/token'],
    ['me.azurecr.io', 'https://evil.azurecr.io/token'],
    ['registry.herokuapp.com', 'https://evil.herokuapp.com/token'],
    ['a.eu-west-1.elb.amazonaws.com', 'https://b.eu-west-1.elb.amazonaws.com/token'],
    ['registry.com.br', 'https://evil.com.br/token'],
    ['me.ddns.net', 'https://evil.ddns.net/token'],
    ['me.synology.me', 'https://evil.synology.me/token'],
    ['registry.me.uk', 'https://evil.me.uk/token'],
    ['registry.id.au', 'https://evil.id.au/token'],
    ['registry.adm.br', 'https://evil.adm.br/token'],
    ['registry.chiyoda.tokyo.jp', 'https://evil.chiyoda.tokyo.jp/token'],
    ['registry.k12.ca.us', 'https://evil.k12.ca.us/token'],
    ['registry.uk.com', 'https://evil.uk.com/token'],
    ['a.lambda-url.eu-west-1.on.aws', 'https://b.lambda-url.eu-west-1.on.aws/token'],
    ['a.functions.fnc.fr-par.scw.cloud', 'https://b.functions.fnc.fr-par.scw.cloud/token'],
    // Of this machine only its three usual names are one host.
    ['127.0.0.1:5000', 'http://127.0.0.77:5001/token'],
    ['localhost:5000', 'http://127.0.0.2:5001/token'],
    // A cousin is no sibling.
    ['registry.a.example.com', 'https://auth.b.example.com/token'],
    // Addresses have no parents.
    ['93.184.216.34', 'https://93.184.216.35/token'],
    ['93.184.216.34', 'https://94.184.216.34/token'],
    ['registry.test', 'https://93.184.216.34/token'],
    ['rg.fr-par.scw.cloud', 'https://api.scaleway.com.evil.test/token'],
    ['me.functions.fnc.fr-par.scw.cloud', 'https://api.scaleway.com/token'],
    ['registry.cn-shenzhen.aliyuncs.com', 'https://dockerauth.oss-cn-hangzhou.aliyuncs.com/'],
    ['localhost:5000', 'https://auth.test/token'],
  ])('of %s cannot be %s, and nothing else is said', async (registry, realm) => {
    const { host } = new URL(realm);
    const server = registry === 'docker.io' ? '' : ` ${registry}`;
    await expect(ask(registry, realm)).rejects.toMatchObject({
      code: 'REGISTRY',
      message: `registry ${registry} wants your login to be sent to ${host}, which is not known to belong to it`,
      hint: `if you trust ${host} with it: finch login --trust-realm ${host}${server}`,
    });
  });

  test.each([
    ['registry.test', 'http://registry.test:1/token', 'does not use TLS'],
    ['registry.test', 'http://auth.registry.test/token', 'does not use TLS'],
    ['registry.test', 'https://169.254.169.254/token', 'is a private address'],
    ['10.0.0.5', 'https://10.0.0.6/token', 'is a private address'],
    ['localhost:5000', 'http://auth.test/token', 'does not use TLS'],
    ['registry.test', 'https://me:secret@registry.test/token', 'carries a login'],
    ['registry.test', 'ftp://registry.test/token', 'is not an HTTP address'],
    ['registry.test', '/token', 'is no address'],
  ])('of %s cannot be %s, whatever is trusted', async (registry, realm, why) => {
    const trust = { isTrusted: async () => true };
    const endpoint = new Endpoint(registry);
    const asking = realmUrl(realm, { registry, endpoint, withLogin: true, trust });
    await expect(asking).rejects.toThrow(`registry ${registry} names a token server that ${why}`);
  });

  test('may be any that the user trusts', async () => {
    const seen: string[] = [];
    const trust = {
      async isTrusted(registry: string, { host }: URL) {
        seen.push(`${registry} ${host}`);
        return true;
      },
    };
    const endpoint = new Endpoint('ghcr.io');
    const options = { registry: 'ghcr.io', endpoint, withLogin: true, trust };
    expect((await realmUrl('https://auth.test:8443/x', options)).host).toBe('auth.test:8443');
    await realmUrl('https://ghcr.io/token', options);
    expect(seen).toEqual(['ghcr.io auth.test:8443']);
  });

  test('never belongs to a registry with which it shares no parent', async () => {
    const label = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
    const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
    await fc.assert(
      fc.asyncProperty(name, name, async (registry, realm) => {
        const error = await ask(registry, `https://${realm}/`).catch((caught: unknown) => caught);
        const shares =
          realm.split('.').slice(-2).join('.') === registry.split('.').slice(-2).join('.');
        if (!shares) expect(hasCode(error, 'REGISTRY')).toBe(true);
      }),
    );
  });
});

test('without a login the token server may be anywhere that is safe', async () => {
  expect((await ask('ghcr.io', 'https://evil.test/token', false)).host).toBe('evil.test');
  await expect(ask('ghcr.io', 'https://10.0.0.1/token', false)).rejects.toThrow(/private address/);
  for (const registry of ['ghcr.io', 'localhost:5000']) {
    await expect(ask(registry, 'http://evil.test/token', false)).rejects.toThrow(/TLS/);
  }
});

describe('when something took the login of a registry before', () => {
  const askKnowing = (registry: string, realm: string, isIdentityToken = false) =>
    realmUrl(realm, {
      ...{ registry, endpoint: new Endpoint(registry), withLogin: true, isIdentityToken },
      trust: { isTrusted: async (_, { host }) => host === 'auth.example.com' },
    });

  test.each([
    'https://auth.example.com/token',
    'https://registry.example.com/token',
    'https://example.com/token',
    'https://auth.registry.example.com/token',
  ])('a password may still go to %s', async (realm) => {
    expect((await askKnowing('registry.example.com', realm)).href).toBe(realm);
  });

  test('a password goes to no other sibling', async () => {
    await expect(
      askKnowing('registry.example.com', 'https://other.example.com/token'),
    ).rejects.toMatchObject({
      message:
        'registry registry.example.com wants your login to be sent to other.example.com, which is not known to belong to it',
      hint: 'if you trust other.example.com with it: finch login --trust-realm other.example.com registry.example.com',
    });
  });

  test('an identity token goes there', async () => {
    const realm = 'https://auth.example.com/token';
    expect((await askKnowing('registry.example.com', realm, true)).href).toBe(realm);
  });

  test.each([
    'https://other.example.com/token',
    'https://registry.example.com/token',
    'https://example.com/token',
    'https://evil.test/token',
  ])('an identity token does not go to %s', async (realm) => {
    await expect(askKnowing('registry.example.com', realm, true)).rejects.toMatchObject({
      code: 'REGISTRY',
      message: `registry registry.example.com wants your token to be sent to ${new URL(realm).host}, which is not what gave it`,
      hint: 'log in again: finch login --username NAME registry.example.com',
    });
  });
});

describe('an identity token of which nobody knows what gave it', () => {
  const askWith = (registry: string, realm: string) =>
    realmUrl(realm, {
      ...{ registry, endpoint: new Endpoint(registry), withLogin: true, isIdentityToken: true },
      trust: { isTrusted: async () => undefined },
    });

  test.each([
    ['docker.io', 'https://auth.docker.io/token'],
    ['me.azurecr.io', 'https://me.azurecr.io/oauth2/token'],
    ['registry.gitlab.com', 'https://gitlab.com/jwt/auth'],
    ['example.com', 'https://auth.example.com/token'],
  ])('of %s may go to %s', async (registry, realm) => {
    expect((await askWith(registry, realm)).href).toBe(realm);
  });

  test('does not go to a sibling of its registry', async () => {
    await expect(
      askWith('registry.example.com', 'https://auth.example.com/token'),
    ).rejects.toMatchObject({
      hint: 'if you trust auth.example.com with it: finch login --trust-realm auth.example.com registry.example.com',
    });
  });
});

describe('alsoTrusting()', () => {
  test('takes the hosts that are named now, and tells of those that were not trusted before', async () => {
    const used: string[] = [];
    const trust = { isTrusted: async (_: string, { host }: URL) => host === 'old.test' };
    const named = alsoTrusting(['https://New.Test:443/', 'old.test', 'port.test:8443'], {
      trust,
      onUse: (host) => used.push(host),
    });
    const isTrusted = (realm: string) => named.isTrusted('ghcr.io', new URL(realm));
    expect(await isTrusted('https://new.test/token')).toBe(true);
    expect(await isTrusted('https://old.test/token')).toBe(true);
    expect(await isTrusted('https://port.test/token')).toBe(false);
    expect(await isTrusted('https://sub.new.test/token')).toBe(false);
    expect(used).toEqual(['new.test']);
  });

  test.each([
    ...['', 'a b', 'me@auth.test', 'https://', ':5'],
    ...['htps://auth.test', 'http:/auth.test', 'https//auth.test', 'ftp://auth.test'],
  ])('refuses %j as a host', (text) => {
    expect(() => parseRealmHost(text)).toThrow(/is no host of a token server$/);
  });
});
