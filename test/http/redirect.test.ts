import { expect, test } from 'bun:test';
import { withRedirect } from '../../src/http/redirect.ts';
import type { HttpRequest, Transport } from '../../src/http/transport.ts';

/** A transport that answers by address, and what it was sent. */
function scripted(answers: Readonly<Record<string, readonly [status: number, location?: string]>>) {
  const sent: HttpRequest[] = [];
  const transport: Transport = async (request) => {
    sent.push(request);
    const [status, location] = answers[request.url.href] ?? [404];
    return new Response(null, { status, ...(location !== undefined && { headers: { location } }) });
  };
  return { sent, send: withRedirect(transport) };
}

const get = (href: string, headers: Record<string, string> = {}): HttpRequest => ({
  method: 'GET',
  url: new URL(href),
  headers,
});

test('withRedirect() takes Authorization along to the same origin only', async () => {
  const { sent, send } = scripted({
    'https://r.test/a': [307, '/b?x=%7E'],
    'https://r.test/b?x=%7E': [307, 'https://cdn.test/c'],
    'https://cdn.test/c': [200],
  });
  const headers = {
    authorization: 'Bearer t',
    cookie: 'c',
    'x-own': '1',
    range: 'bytes=5-',
    Accept: '*/*',
  };
  const response = await send(get('https://r.test/a', headers));
  expect(response.status).toBe(200);
  expect(sent.map(({ url, headers }) => [url.href, headers])).toEqual([
    ['https://r.test/a', headers],
    ['https://r.test/b?x=%7E', headers],
    ['https://cdn.test/c', { range: 'bytes=5-', Accept: '*/*' }],
  ]);
});

test.each([
  ['https://r.test:8443/x', 'another port'],
  ['https://sub.r.test/x', 'another host'],
])('withRedirect() strips Authorization on the way to %s: %s', async (target) => {
  const { sent, send } = scripted({ 'https://r.test/a': [302, target], [target]: [200] });
  await send(get('https://r.test/a', { authorization: 'Basic x' }));
  expect(sent.at(-1)?.headers).toEqual({});
});

test('withRedirect() opens no connections ahead where it was sent to', async () => {
  const { sent, send } = scripted({ 'https://r.test/a': [307, 'https://cdn.test/c'] });
  await send({ ...get('https://r.test/a'), ahead: 3 });
  expect(sent.map(({ ahead }) => ahead)).toEqual([3, undefined]);
});

test('withRedirect() refuses to leave TLS', async () => {
  const { sent, send } = scripted({ 'https://r.test/a': [307, 'http://r.test/a'] });
  await expect(send(get('https://r.test/a'))).rejects.toMatchObject({
    code: 'REGISTRY',
    message: 'r.test redirects to r.test without TLS',
  });
  expect(sent).toHaveLength(1);
});

test.each(['file:///etc/passwd', 'http://[', 'javascript:1'])(
  'withRedirect() refuses to go to %s',
  async (target) => {
    const { send } = scripted({ 'http://r.test/a': [307, target] });
    await expect(send(get('http://r.test/a'))).rejects.toMatchObject({ code: 'REGISTRY' });
  },
);

test('withRedirect() ends a circle and a long chain', async () => {
  const circle = scripted({ 'http://r.test/a': [307, '/b'], 'http://r.test/b': [307, '/a'] });
  await expect(circle.send(get('http://r.test/a'))).rejects.toMatchObject({
    message: 'r.test redirects in a circle',
  });
  const answers = Object.fromEntries(
    Array.from({ length: 20 }, (_, i) => [`http://r.test/${i}`, [307, `/${i + 1}`] as const]),
  );
  const chain = scripted(answers);
  await expect(chain.send(get('http://r.test/0'))).rejects.toMatchObject({
    message: 'r.test redirects more than 10 times',
  });
});

test('withRedirect() sends the body again for 307 and 308, and makes a GET of 303', async () => {
  for (const [status, method, bodies] of [
    [307, 'PUT', 2],
    [308, 'PUT', 2],
    [303, 'GET', 1],
  ] as const) {
    const { sent, send } = scripted({
      'http://r.test/a': [status, '/b'],
      'http://r.test/b': [201],
    });
    const body = () => ({ bytes: new Uint8Array(3) });
    await send({ method: 'PUT', url: new URL('http://r.test/a'), body });
    expect(sent.at(-1)?.method).toBe(method);
    expect(sent.filter((request) => request.body !== undefined)).toHaveLength(bodies);
  }
});

test('withRedirect() gives back a 3xx without Location, and 304', async () => {
  const { send } = scripted({ 'http://r.test/a': [307], 'http://r.test/b': [304, '/c'] });
  expect((await send(get('http://r.test/a'))).status).toBe(307);
  expect((await send(get('http://r.test/b'))).status).toBe(304);
});

test.each([
  ['https://r.test/a', 'https://169.254.169.254/latest'],
  ['https://r.test/a', 'https://10.0.0.1/b'],
  ['http://r.test/a', 'http://localhost:1/b'],
  ['http://127.0.0.1:5000/a', 'http://169.254.169.254/b'],
])('withRedirect() refuses the way from %s to %s', async (from, to) => {
  const { sent, send } = scripted({ [from]: [307, to], [to]: [200] });
  await expect(send(get(from))).rejects.toMatchObject({ code: 'REGISTRY' });
  expect(sent).toHaveLength(1);
});

test.each([
  ['http://127.0.0.1:5000/a', 'http://localhost:9000/b'],
  ['https://10.0.0.1/a', 'https://10.0.0.2:9000/b'],
])('withRedirect() goes from %s to its neighbour %s', async (from, to) => {
  const { send } = scripted({ [from]: [307, to], [to]: [200] });
  expect((await send(get(from))).status).toBe(200);
});

test('withRedirect() takes no header that the user or the registry gave to another origin', async () => {
  const { sent, send } = scripted({
    'https://r.test/a': [307, 'https://cdn.test/b'],
    'https://cdn.test/b': [200],
  });
  const secret = { 'Proxy-Authorization': 'x', Cookie: 'x', 'X-Meta': 'x', 'X-Auth-Token': 'x' };
  await send(get('https://r.test/a', { ...secret, AUTHORIZATION: 'x', 'User-Agent': 'finch' }));
  expect(sent.at(-1)?.headers).toEqual({ 'User-Agent': 'finch' });
});

test('withRedirect() takes no certificate, no address and no leave to skip checks to another host', async () => {
  const { sent, send } = scripted({
    'https://r.test/a': [307, 'https://r.test/b'],
    'https://r.test/b': [307, 'https://cdn.test/c'],
    'https://cdn.test/c': [200],
  });
  const tls = { certificate: { chain: 'c', key: 'k' } };
  const resolve = async () => ['203.0.113.7'];
  await send({ ...get('https://r.test/a'), insecure: true, tls, resolve });
  expect(sent.map((request) => Object.keys(request).sort())).toEqual([
    ['headers', 'insecure', 'method', 'resolve', 'tls', 'url'],
    ['headers', 'insecure', 'method', 'resolve', 'tls', 'url'],
    ['headers', 'method', 'url'],
  ]);
});

test('withRedirect() goes on from where the answer came from, which may speak plain HTTP after all', async () => {
  const sent: HttpRequest[] = [];
  const send = withRedirect(async (request) => {
    sent.push(request);
    const isFirst = sent.length === 1;
    const location = 'http://r.test:5000/b';
    const response = new Response(null, isFirst ? { status: 307, headers: { location } } : {});
    return Object.defineProperty(response, 'url', { value: request.url.href.replace('s:', ':') });
  });
  await send(get('https://r.test:5000/a', { authorization: 'Basic x' }));
  expect(sent.map(({ url, headers }) => [url.href, headers])).toEqual([
    ['https://r.test:5000/a', { authorization: 'Basic x' }],
    ['http://r.test:5000/b', { authorization: 'Basic x' }],
  ]);
});
