import { expect, test } from 'bun:test';
import { withHostGates } from '../../src/http/host-gate.ts';
import { Pauses } from '../../src/http/pauses.ts';
import { withRetry } from '../../src/http/retry.ts';
import { type HttpRequest, sendRequest } from '../../src/http/transport.ts';

const busy = (after: string, status = 429) =>
  new Response(null, { status, headers: { 'retry-after': after } });
const fine = () => new Response(null, { status: 200 });
const at = (path: string, host = 'r.test'): HttpRequest => ({
  method: 'GET',
  url: new URL(`https://${host}${path}`),
  pauses: new Pauses(),
});

/** Gates on a clock that only waits move; `answers` by path, else 200. */
function gated(answers: Readonly<Record<string, () => Response>> = {}) {
  const sent: string[] = [];
  const noted: string[] = [];
  const waits: number[] = [];
  const clock = { now: 0 };
  const sleep = async (ms: number) => {
    waits.push(ms);
    clock.now += ms;
  };
  const now = () => clock.now;
  const left = { ...answers };
  const transport = async ({ url }: HttpRequest) => {
    sent.push(`${url.host}${url.pathname} at ${clock.now}`);
    const answer = left[url.pathname] ?? fine;
    delete left[url.pathname];
    return answer();
  };
  const onWait = (host: string, ms: number) => noted.push(`${host} ${ms}`);
  const send = withHostGates(transport, { now, sleep, onWait });
  return { send, sent, noted, waits, clock, options: { now, sleep, random: () => 0 } };
}

test('one answer that asks to wait holds all requests to its host back, and no others', async () => {
  const { send, sent, noted } = gated({ '/busy': () => busy('120', 503) });
  expect((await send(at('/busy'))).status).toBe(503);
  await send(at('/', 'other.test'));
  await send(at('/a'));
  expect(sent).toEqual(['r.test/busy at 0', 'other.test/ at 0', 'r.test/a at 120000']);
  expect(noted).toEqual(['r.test 120000']);
});

test('a retry waits as long as the gate is closed, once', async () => {
  const { send, sent, noted, waits, options } = gated({ '/busy': () => busy('7') });
  const response = await withRetry(send, options)({ ...at('/busy') });
  expect(response.status).toBe(200);
  expect(waits).toEqual([7000]);
  expect(sent).toEqual(['r.test/busy at 0', 'r.test/busy at 7000']);
  expect(noted).toEqual(['r.test 7000']);
});

test('many that are told to wait at the same time are noted once, and a longer wait again', async () => {
  const { send, noted } = gated({
    '/1': () => busy('5'),
    '/2': () => busy('5'),
    '/3': () => busy('6'),
    '/4': () => busy('60'),
  });
  await Promise.all(['/1', '/2', '/3', '/4'].map((path) => send(at(path))));
  expect(noted).toEqual(['r.test 5000', 'r.test 60000']);
});

test('a short wait is not noted', async () => {
  const { send, noted, sent } = gated({ '/busy': () => busy('2') });
  await send(at('/busy'));
  await send(at('/a'));
  expect(noted).toEqual([]);
  expect(sent[1]).toBe('r.test/a at 2000');
});

test('while a host wants a longer wait than there is patience, others get its answer and are not sent', async () => {
  const { send, sent, noted } = gated({ '/busy': () => busy('3600') });
  await send(at('/busy'));
  const refused = await send(at('/a'));
  expect([refused.status, refused.headers.get('retry-after'), refused.url]).toEqual([
    429,
    '3600',
    'https://r.test/a',
  ]);
  expect(sent).toHaveLength(1);
  expect(noted).toEqual([]);
});

test('who tries only once is not held back, and gets the answer at once', async () => {
  const { send, sent, options } = gated({ '/busy': () => busy('9') });
  const impatient = withRetry(send, { ...options, attempts: 1 });
  const request = { method: 'GET', url: new URL('https://r.test/busy') } as const;
  expect((await impatient(request)).status).toBe(429);
  expect((await impatient(request)).status).toBe(429);
  expect(sent).toHaveLength(1);
});

test('a request without pauses passes through', async () => {
  const { send, sent } = gated({ '/busy': () => busy('9') });
  await send(at('/busy'));
  await send({ method: 'GET', url: new URL('https://r.test/a') });
  expect(sent[1]).toBe('r.test/a at 0');
});

test.each(['-1', 'soon', '0', ''])(
  'an answer that asks to wait %j closes nothing',
  async (after) => {
    const { send, sent } = gated({ '/busy': () => busy(after) });
    await send(at('/busy'));
    await send(at('/a'));
    expect(sent[1]).toBe('r.test/a at 0');
  },
);

test('other answers close nothing, even with Retry-After', async () => {
  const { send, sent } = gated({ '/busy': () => busy('9', 404) });
  await send(at('/busy'));
  await send(at('/a'));
  expect(sent[1]).toBe('r.test/a at 0');
});

test('who is interrupted at the gate is cancelled', async () => {
  const controller = new AbortController();
  const send = withHostGates(async () => busy('100'));
  await send(at('/busy'));
  const waiting = send({ ...at('/a'), signal: controller.signal });
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
});

test.each([400, 403, 500])(
  'TOOMANYREQUESTS with status %i counts as 429, with its words and its wait',
  async (status) => {
    const errors = [{ code: 'TOOMANYREQUESTS', message: 'slow down' }];
    await using server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: () => Response.json({ errors }, { status, headers: { 'retry-after': '400' } }),
    });
    const send = withHostGates(sendRequest);
    const { url } = server;
    const response = await send({ method: 'GET', url, pauses: new Pauses() });
    expect([response.status, response.url]).toEqual([429, url.href]);
    expect(await response.json()).toEqual({ errors });
    expect((await send({ method: 'GET', url, pauses: new Pauses() })).status).toBe(429);
  },
);

test('any other refusal comes back as it is, and can be read', async () => {
  const body = { errors: [{ code: 'DENIED', message: 'no TOOMANYREQUESTS here' }] };
  const send = withHostGates(async () => Response.json(body, { status: 403 }));
  const response = await send(at('/'));
  expect(response.status).toBe(403);
  expect(await response.json()).toEqual(body);
});
