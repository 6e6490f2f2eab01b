import { expect, test } from 'bun:test';
import { withRedirect } from '../../src/http/redirect.ts';
import type { HttpRequest } from '../../src/http/transport.ts';

test.each([
  ['http://r.test:8443/a', 'https://r.test:8443/a'],
  ['http://r.test/a', 'https://r.test/a'],
  ['https://r.test/a', 'https://r.test:80/a'],
  ['https://r.test/a', 'https://r.test./a'],
  ['https://r.test/a', '//r.test@evil.test/a'],
  ['https://r.test/a', 'https:\\\\evil.test\\a'],
])('a redirect from %s to %s takes no login along', async (from, location) => {
  const sent: HttpRequest[] = [];
  const send = withRedirect(async (request) => {
    sent.push(request);
    return new Response(null, sent.length === 1 ? { status: 307, headers: { location } } : {});
  });
  const headers = { authorization: 'Basic x', cookie: 'x' };
  await send({ method: 'GET', url: new URL(from), headers });
  expect(sent.map((request) => request.headers)).toEqual([headers, {}]);
});
