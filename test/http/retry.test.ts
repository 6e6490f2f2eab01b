import { expect, test } from 'bun:test';
import { FinchError } from '../../src/errors.ts';
import { type RetryOptions, withRetry } from '../../src/http/retry.ts';
import type { HttpRequest } from '../../src/http/transport.ts';

const broken = (code: string) =>
  new FinchError('NETWORK', 'x', { cause: Object.assign(new Error(code), { code }) });
const status = (code: number, headers: Record<string, string> = {}) =>
  new Response(null, { status: code, headers });

/** Sends one request through {@link withRetry} with the answers given, on a clock that only counts. */
async function run(
  answers: readonly (Response | Error)[],
  { request = {}, options = {} }: { request?: Partial<HttpRequest>; options?: RetryOptions } = {},
) {
  const waits: number[] = [];
  let sends = 0;
  const send = withRetry(
    async () => {
      const answer = answers[sends++];
      if (answer instanceof Response) return answer;
      throw answer;
    },
    { random: () => 1, now: () => 0, sleep: async (ms) => void waits.push(ms), ...options },
  );
  const url = new URL('http://r.test/');
  const outcome = await send({ method: 'GET', url, ...request }).then(
    (response) => response.status,
    (error: unknown) => error,
  );
  return { outcome, waits, sends };
}

test('withRetry() tries again, with longer and longer waits, when the server is busy or the connection breaks', async () => {
  const answers = [status(503), broken('ECONNRESET'), status(429), status(200)];
  expect(await run(answers)).toEqual({ outcome: 200, waits: [1000, 2000, 4000], sends: 4 });
});

test('withRetry() gives back the last answer after five', async () => {
  const { outcome, sends } = await run(Array.from({ length: 9 }, () => status(502)));
  expect([outcome, sends]).toEqual([502, 5]);
});

test('withRetry() throws the last failure after five', async () => {
  const last = broken('EPIPE');
  const { outcome, sends } = await run([
    ...Array.from({ length: 4 }, () => broken('ECONNRESET')),
    last,
  ]);
  expect([outcome, sends]).toEqual([last, 5]);
});

test('withRetry() waits as long as the server asks, but not for an hour', async () => {
  expect(await run([status(429, { 'retry-after': '7' }), status(200)])).toMatchObject({
    waits: [7000],
  });
  const date = 'Thu, 01 Jan 1970 00:00:09 GMT';
  expect(await run([status(503, { 'retry-after': date }), status(200)])).toMatchObject({
    waits: [9000],
  });
  const hour = await run([status(429, { 'retry-after': '3600' }), status(200)]);
  expect(hour).toEqual({ outcome: 429, waits: [], sends: 1 });
});

test.each(['ECONNREFUSED', 'ENOTFOUND', 'EPROTO', 'DEPTH_ZERO_SELF_SIGNED_CERT'])(
  'withRetry() does not repeat what cannot change: %s',
  async (code) => {
    expect((await run([broken(code), status(200)])).sends).toBe(1);
  },
);

test.each([400, 401, 403, 404, 501])(
  'withRetry() does not repeat a request that got %i',
  async (code) => {
    expect(await run([status(code), status(200)])).toMatchObject({ outcome: code, sends: 1 });
  },
);

test('withRetry() repeats a PUT and a POST only when they are idempotent', async () => {
  for (const method of ['PUT', 'POST'] as const) {
    expect((await run([status(503), status(201)], { request: { method } })).outcome).toBe(503);
    const request = { method, idempotent: true };
    expect((await run([status(503), status(201)], { request })).outcome).toBe(201);
  }
});

test('withRetry() stops waiting with CANCELLED when the signal fires', async () => {
  const controller = new AbortController();
  const sleep = async () => {
    controller.abort();
    throw controller.signal.reason;
  };
  const request = { signal: controller.signal };
  const { outcome } = await run([status(503), status(200)], { request, options: { sleep } });
  expect(outcome).toMatchObject({ code: 'CANCELLED' });
});

test('withRetry() asks a server that did not answer in time only once more', async () => {
  const { outcome, sends } = await run(Array.from({ length: 5 }, () => broken('ETIMEDOUT')));
  expect([outcome, sends]).toMatchObject([{ code: 'NETWORK' }, 2]);
});

test('withRetry() waits no more than ten minutes in all, however often the server asks for it', async () => {
  const busy = () => status(503, { 'retry-after': '250' });
  const { outcome, waits } = await run([busy(), busy(), busy(), status(200)]);
  expect([outcome, waits]).toEqual([503, [250_000, 250_000]]);
});

test('withRetry() waits five minutes at once, and not a second longer', async () => {
  const after = (seconds: number) => [status(429, { 'retry-after': `${seconds}` }), status(200)];
  expect(await run(after(300))).toMatchObject({ outcome: 200, waits: [300_000] });
  expect(await run(after(301))).toMatchObject({ outcome: 429, waits: [] });
});

test('withRetry() does not try at once again when the server asks for no wait', async () => {
  for (const header of ['0', '-5', 'Thu, 01 Jan 1970 00:00:00 GMT', 'soon']) {
    const { waits } = await run([status(429, { 'retry-after': header }), status(200)]);
    expect(waits).toEqual([1000]);
  }
});

test('withRetry() sends a request once that is not to be sent blindly', async () => {
  const request = { method: 'PUT', idempotent: true, once: true } as const;
  expect(await run([status(503), status(201)], { request })).toMatchObject({
    outcome: 503,
    sends: 1,
  });
  const failed = broken('ECONNRESET');
  expect(await run([failed, status(201)], { request })).toMatchObject({
    outcome: failed,
    sends: 1,
  });
});

test.each([520, 521, 522, 523, 524])(
  'withRetry() tries again what a proxy did not bring to its server: %i',
  async (code) => {
    expect(await run([status(code), status(200)])).toMatchObject({ outcome: 200, sends: 2 });
  },
);

test.each(['999999999999', '9'.repeat(400), 'Fri, 31 Dec 9999 23:59:59 GMT'])(
  'withRetry() does not wait for %s',
  async (after) => {
    const answers = [status(503, { 'retry-after': after }), status(200)];
    expect(await run(answers)).toEqual({ outcome: 503, waits: [], sends: 1 });
  },
);
