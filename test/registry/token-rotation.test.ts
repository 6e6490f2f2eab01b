import { expect, test } from 'bun:test';
import type { Keychain } from '../../src/credentials/keychain.ts';
import { startBearerRegistry } from '../support/bearer-registry.ts';
import { registryErrorBody } from '../support/fake-registry.ts';
import { loginPlaces } from '../support/login-places.ts';
import { openTestRepository } from '../support/open-test-repository.ts';

/** A token server that gives a new identity token for each, and takes each once. */
function rotatingServer() {
  const state = { good: 'r0', uses: 0 };
  const server = startBearerRegistry(async (_, request) => {
    const used = new URLSearchParams(await request.text()).get('refresh_token');
    if (used !== state.good) return registryErrorBody(401, 'UNAUTHORIZED', 'bad refresh');
    state.uses += 1;
    state.good = `r${state.uses}`;
    return { refresh_token: state.good };
  });
  return { server, state };
}

test('an identity token that another process has used up is replaced by the one which that keeps', async () => {
  const { server, state } = rotatingServer();
  await using _server = server;
  // What the other process got it has kept by the third look.
  state.good = 'r5';
  const looks: (boolean | undefined)[] = [];
  const keychain: Keychain = {
    async credential(_, { afresh } = {}) {
      looks.push(afresh);
      return { kind: 'identity-token', token: looks.length < 3 ? 'r0' : 'r5' };
    },
  };
  expect(await openTestRepository(server.registry.host, { keychain }).resolve('a')).toBeUndefined();
  expect(looks).toEqual([undefined, true, true]);
  expect(server.asked).toHaveLength(2);
});

test('an identity token that is refused, and for which there is no other, is sent once', async () => {
  const { server, state } = rotatingServer();
  await using _server = server;
  state.good = 'gone';
  const credential = { kind: 'identity-token', token: 'r0' } as const;
  const repository = openTestRepository(server.registry.host, { credential });
  await expect(repository.resolve('a')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(server.asked).toHaveLength(1);
});

test('many processes share one identity token that is good for one use', async () => {
  const { server, state } = rotatingServer();
  await using _server = server;
  await using places = await loginPlaces();
  const { host } = server.registry;
  await places.write(places.own, { auths: { [host]: { identitytoken: 'r0' } } });
  const pulls = Array.from({ length: 6 }, () => {
    const keychain = places.logins();
    return openTestRepository(host, { keychain }).resolve('a');
  });
  expect(await Promise.all(pulls)).toEqual(pulls.map(() => undefined));
  expect(state.uses).toBe(6);
  expect(await places.json(places.own)).toEqual({ auths: { [host]: { identitytoken: 'r6' } } });
});
