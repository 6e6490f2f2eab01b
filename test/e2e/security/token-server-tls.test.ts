import { describe, expect, test } from 'bun:test';
import { challenged } from '../../support/bearer-registry.ts';
import { CANARY } from '../../support/canary.ts';
import { makeAuthority } from '../../support/certificates.ts';
import {
  type FakeRegistry,
  type ServerTls,
  startFakeRegistry,
} from '../../support/fake-registry.ts';
import { expectError } from '../support/expectations.ts';
import { filesIn } from '../support/home-contents.ts';
import { areHere } from '../support/program.ts';
import { workbench } from '../support/workbench.ts';

/** A registry over TLS, and a token server on another name of this machine, both with one certificate. */
function servers(tls: ServerTls): {
  readonly registry: FakeRegistry;
  readonly tokens: FakeRegistry;
} {
  const tokens = startFakeRegistry({ tls, script: () => Response.json({ token: 'opens' }) });
  const realm = `https://localhost:${tokens.host.split(':')[1]}/token`;
  const registry = startFakeRegistry({
    tls,
    script: ({ headers }) =>
      headers.get('authorization') === 'Bearer opens'
        ? undefined
        : challenged(`Bearer realm="${realm}",service="x"`),
  });
  return { registry, tokens };
}

describe.skipIf(!areHere('openssl'))('a token server', () => {
  test('is verified although its registry is called insecure', async () => {
    await using bench = await workbench();
    const tls = await makeAuthority(bench.folder);
    const { registry, tokens } = servers(tls);
    await using _registry = registry;
    await using _tokens = tokens;
    const login = `login --insecure-registry -u me --password-stdin ${registry.host}`;
    const before = await filesIn(bench.home);
    expectError(
      await bench.fails(login, { stdin: CANARY }),
      `the certificate of localhost:${tokens.host.split(':')[1]} is not trusted`,
    );
    expect(registry.requests.length).toBeGreaterThan(0);
    expect(tokens.requests).toHaveLength(0);
    expect(await filesIn(bench.home)).toEqual(before);
    const known = { SSL_CERT_FILE: tls.ca };
    expect(await bench.ok(login, { stdin: CANARY, env: known })).toBe('Login Succeeded\n');
  });
});
