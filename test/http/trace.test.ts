import { expect, test } from 'bun:test';
import { FinchError } from '../../src/errors.ts';
import { redactText } from '../../src/http/redact.ts';
import { withTrace } from '../../src/http/trace.ts';
import type { HttpRequest, Transport } from '../../src/http/transport.ts';

/** The lines that are shown of one request. */
async function linesOf(request: Partial<HttpRequest>, transport: Transport): Promise<string[]> {
  const lines: string[] = [];
  let time = 0;
  const send = withTrace(transport, {
    trace: (line) => lines.push(redactText(line())),
    proxyFor: ({ hostname }) =>
      hostname === 'far.test'
        ? { href: 'http://u:p@p.test/', host: 'p.test', variable: 'HTTPS_PROXY' }
        : undefined,
    now: () => (time += 7),
  });
  const url = new URL('https://me:pass@r.test/v2/?_state=abc&x=1&n=5');
  await send({ method: 'GET', url, ...request }).catch(() => {});
  return lines;
}

test('withTrace() tells of a request in one line, without what opens doors', async () => {
  const headers = { authorization: 'Basic dTpwYXNzd29yZA==', cookie: 'c=1' };
  const answer = {
    ...{ status: 401, 'content-length': '12' },
    headers: {
      'content-length': '12',
      'www-authenticate': 'Bearer realm="https://a.test/?token=x",service="s", Basic realm="r"',
      'set-cookie': 'c=2',
    },
  };
  expect(await linesOf({ headers }, async () => new Response('{"token":"x"}', answer))).toEqual([
    'GET https://r.test/v2/?_state=REDACTED&x=REDACTED&n=5 -> 401, 12 bytes, asks for bearer/basic, 7 ms',
  ]);
});

test('withTrace() does not tell at which address an upload goes on', async () => {
  const url = new URL('https://r.test/v2/app/blobs/uploads/a-secret-name/2?_state=abc');
  expect(await linesOf({ url }, async () => new Response(null, { status: 204 }))).toEqual([
    'GET https://r.test/v2/app/blobs/uploads/…?_state=REDACTED -> 204, 7 ms',
  ]);
});

test('withTrace() tells of bodies, addresses, proxies and certificates that are not checked', async () => {
  const request = {
    ...({ method: 'PUT', insecure: true } as const),
    body: () => ({ bytes: new Uint8Array(1) }),
    resolve: async () => ['10.0.0.1', '10.0.0.2'],
  };
  const transport: Transport = async ({ body, resolve }) => {
    await resolve?.();
    body?.();
    return new Response(null, { status: 201 });
  };
  expect(await linesOf(request, transport)).toEqual([
    'PUT https://r.test/v2/?_state=REDACTED&x=REDACTED&n=5 -> 201, 7 ms, at 10.0.0.1 or 10.0.0.2, sent 1 byte, certificate not checked',
  ]);
  const far = { url: new URL('https://far.test/') };
  expect(await linesOf(far, async () => new Response())).toEqual([
    'GET https://far.test/ -> 200, 7 ms, by the proxy p.test of HTTPS_PROXY',
  ]);
});

test('withTrace() tells why there was no answer, and passes the error on', async () => {
  const transport: Transport = () => Promise.reject(new FinchError('NETWORK', 'cannot find it'));
  expect(await linesOf({}, transport)).toEqual([
    'GET https://r.test/v2/?_state=REDACTED&x=REDACTED&n=5 -> no answer (cannot find it), 7 ms',
  ]);
});
