import { expect, test } from 'bun:test';
import { openProxy } from '../support/aws/doors.ts';
import { authorityCertificate } from '../support/aws/host-certificates.ts';
import { newState } from '../support/aws/new-state.ts';
import { openRegistryDoor } from '../support/aws/registry-door.ts';

const HOST = '111222333444.dkr.ecr.eu-west-1.amazonaws.com';

test('a body goes through to the registry as it comes', async () => {
  const { state, plane } = newState();
  const first = Promise.withResolvers<void>();
  let length = 0;
  await using door = await openRegistryDoor(HOST, {
    plane,
    cut: () => {},
    side: {
      knobs: {},
      owns: () => true,
      async handle({ body }) {
        for await (const piece of body ?? []) {
          length += piece.length;
          first.resolve();
        }
        return { response: new Response(null, { status: 201 }), action: 'PATCH /v2/' };
      },
      [Symbol.asyncDispose]: async () => {},
    },
  });
  await using proxy = await openProxy({ portOf: async () => door.port });
  const half = new Uint8Array(4 * 1024 * 1024);
  const body = (async function* () {
    yield half;
    // Were the body held back until it is whole, it would never be.
    await first.promise;
    yield half;
  })();
  const { status } = await fetch(`https://${HOST}/v2/`, {
    ...{ method: 'PATCH', body, proxy: `http://127.0.0.1:${proxy.port}` },
    tls: { ca: await authorityCertificate() },
  });
  expect([status, length]).toEqual([201, 2 * half.length]);
  expect(state.log).toEqual([
    { host: HOST, service: 'registry', action: 'PATCH /v2/', status: 201 },
  ]);
});
