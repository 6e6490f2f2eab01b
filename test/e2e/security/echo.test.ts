import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { formsIn } from '../../canary/forms.ts';
import { challenged } from '../../support/bearer-registry.ts';
import { CANARY } from '../../support/canary.ts';
import {
  type FakeRegistry,
  registryErrorBody,
  startFakeRegistry,
} from '../../support/fake-registry.ts';
import { expectError } from '../support/expectations.ts';
import { workbench } from '../support/workbench.ts';

/** A registry with a token server that refuses everybody, and says what it was shown, as that came and decoded. */
function echoing(): FakeRegistry {
  const registry: FakeRegistry = startFakeRegistry({
    script: async (request, { pathname, search }) => {
      if (pathname !== '/token') {
        return challenged(`Bearer realm="${registry.origin}/token",service="x"`);
      }
      const header = request.headers.get('authorization') ?? '';
      const form = new URLSearchParams(await request.text());
      const login = Buffer.from(header.replace(/^Basic /, ''), 'base64').toString();
      const said = [header, login, search, String(form), form.get('refresh_token'), 'no'];
      return registryErrorBody(401, 'UNAUTHORIZED', said.join(' '));
    },
  });
  return registry;
}

test.each([
  ['password', { auth: Buffer.from(`me:${CANARY}`).toString('base64') }],
  ['identity token', { auth: Buffer.from('me:').toString('base64'), identitytoken: CANARY }],
])('a kept %s that a token server repeats is not shown, also with --debug', async (_, entry) => {
  await using bench = await workbench();
  await using registry = echoing();
  const config = JSON.stringify({ auths: { [registry.host]: entry } });
  await Bun.write(join(bench.home, 'config.json'), config);
  const stderr = await bench.fails(`pull --debug ${registry.host}/app:1`);
  expectError(stderr, /unauthorized: .*REDACTED.*no/i, /^hint: /);
  // Not shown by a failure of this test either.
  expect(formsIn(new TextEncoder().encode(stderr))).toHaveLength(0);
  expect(registry.lines().filter((line) => line.includes('/token')).length).toBeGreaterThan(0);
});
