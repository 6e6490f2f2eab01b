import { Database } from 'bun:sqlite';
import { afterAll, beforeEach, describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { currentOwner } from '../../../src/host/owner.ts';
import { networkCode } from '../../../src/http/failure.ts';
import { type HttpRequest, sendRequest } from '../../../src/http/transport.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { type Courier, openCourier } from '../../../src/registry/courier/courier.ts';
import { type Errand, messageLine, parseReport } from '../../../src/registry/courier/messages.ts';
import { serveCourier } from '../../../src/registry/courier/serve-courier.ts';
import { openRegistryMemory } from '../../../src/registry/memory/open-memory.ts';
import { emptyMemory } from '../../../src/registry/memory/registry-memory.ts';
import { CANARY } from '../../support/canary.ts';
import { couriersOf, noCouriers } from '../../support/couriers.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const folder = await temporaryFolder();
const bytes = crypto.getRandomValues(new Uint8Array(60_000));
const path = join(folder.path, 'blob');
await writeFile(path, bytes);
const digest = digestOf(bytes);

let homes = 0;
let home = '';
beforeEach(() => {
  homes += 1;
  home = join(folder.path, `home-${homes}`);
});

const couriers: Courier[] = [];
afterAll(async () => {
  for (const courier of couriers) courier[Symbol.dispose]();
  for (let i = 1; i <= homes; i += 1) await noCouriers(join(folder.path, `home-${i}`));
  await folder[Symbol.asyncDispose]();
});

function newCourier(program?: readonly string[]): Courier {
  const courier = openCourier({ env: process.env, home, ...(program && { program }) });
  couriers.push(courier);
  return courier;
}

/** A registry that answers as it is told. */
function serve(answer: (request: Request) => Response | Promise<Response>) {
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', idleTimeout: 0, fetch: answer });
  return {
    url: (to: string) => new URL(to, server.url),
    [Symbol.dispose]: () => server.stop(true),
  };
}

const key = (url: URL) => ({ registry: url.host, repository: 'app', digest });

function patch(
  courier: Courier,
  url: URL,
  more: Partial<HttpRequest> = {},
  bytesPerSecond?: number,
) {
  const upload = { ...key(url), end: 1000, closes: false };
  let sent = 0;
  const onSent = (count: number) => {
    sent += count;
  };
  return sendRequest({
    ...{ method: 'PATCH', url, once: true },
    headers: { 'content-type': 'application/octet-stream', 'content-range': '200-999' },
    body: () => ({ file: { path, start: 200, end: 1000 } }),
    carrier: courier.carrier({ upload, asStream: true, bytesPerSecond, onSent }),
    ...more,
  }).then((response) => ({ response, sent }));
}

/** What a process finds that comes after this one is gone. */
function claimAfter(url: URL) {
  using memory = openRegistryMemory({ path: join(home, 'registries.db'), owner: 'another' });
  // The owner is this process, which lives: the row itself is looked at.
  return { claimed: memory.claimUpload(key(url)), isCarried: memory.isCarried(key(url)) };
}

function keptHere(url: URL): { location: string; position: number; courier: string } | undefined {
  if (!existsSync(join(home, 'registries.db'))) return undefined;
  using database = new Database(join(home, 'registries.db'));
  return (
    database
      .query<{ location: string; position: number; courier: string }, [string, string]>(
        'SELECT location, position, courier FROM uploads WHERE registry = ? AND owner = ?',
      )
      .get(url.host, currentOwner()) ?? undefined
  );
}

describe('a courier', () => {
  test('sends a run of a file, and brings the whole answer', async () => {
    using registry = serve(async (request) => {
      const body = new Uint8Array(await request.arrayBuffer());
      expect(body).toEqual(bytes.slice(200, 1000));
      const { headers, method } = request;
      const seen = {
        method,
        type: headers.get('content-type'),
        range: headers.get('content-range'),
      };
      return Response.json(seen, { status: 416, headers: { 'x-a': 'b' } });
    });
    const { response, sent } = await patch(newCourier(), registry.url('/v2/x?_state=1'));
    expect(response.status).toBe(416);
    expect(response.headers.get('x-a')).toBe('b');
    expect(response.url).toBe(registry.url('/v2/x?_state=1').href);
    expect(await response.json()).toEqual({
      method: 'PATCH',
      type: 'application/octet-stream',
      range: '200-999',
    });
    expect(sent).toBe(800);
    expect(keptHere(registry.url('/'))).toBeUndefined();
  });

  test('keeps to a rate', async () => {
    using registry = serve(async (request) => {
      await request.arrayBuffer();
      return new Response(null, { status: 202 });
    });
    const began = performance.now();
    const { sent } = await patch(newCourier(), registry.url('/v2/x'), {}, 4000);
    expect(sent).toBe(800);
    // The first 400 are what it may have saved up.
    expect(performance.now() - began).toBeGreaterThan(90);
  });

  test('writes down where an upload is before it tells of the answer', async () => {
    using registry = serve(
      () => new Response(null, { status: 202, headers: { location: '/v2/y?_state=2' } }),
    );
    const url = registry.url('/v2/x?_state=1');
    const courier = newCourier();
    await patch(courier, url);
    expect(keptHere(url)).toEqual({
      location: registry.url('/v2/y?_state=2').href,
      position: 1000,
      courier: (await courier.start()) ?? '',
    });
    // We live: nobody else gets it.
    expect(claimAfter(url)).toEqual({ claimed: undefined, isCarried: false });
  });

  test.each([
    ['that took only part of it', { range: '0-500', location: '/v2/y' }],
    ['that sends it elsewhere', { location: 'http://elsewhere.example/v2/y' }],
  ])('writes nothing down of an answer %s', async (_, headers) => {
    using registry = serve(() => new Response(null, { status: 202, headers }));
    await patch(newCourier(), registry.url('/v2/x'));
    expect(keptHere(registry.url('/v2/x'))).toBeUndefined();
  });

  test('tells of a broken connection as the transport does', async () => {
    using registry = serve(() => new Response());
    const url = registry.url('/');
    registry[Symbol.dispose]();
    const error = await patch(newCourier(), url).catch((caught: unknown) => caught);
    expect(networkCode(error)).toBe('ECONNREFUSED');
  });

  test('finishes what it has at hand when nobody waits for it any more, and is gone then', async () => {
    const asked = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    using registry = serve(async (request) => {
      await request.arrayBuffer();
      asked.resolve();
      await gate.promise;
      return new Response(null, { status: 202, headers: { location: '/v2/y' } });
    });
    const url = registry.url('/v2/x');
    const courier = newCourier();
    const interrupt = new AbortController();
    const error = patch(courier, url, { signal: interrupt.signal }).catch((caught) => caught);
    await asked.promise;
    interrupt.abort();
    expect(await error).toMatchObject({ code: 'CANCELLED' });
    courier[Symbol.dispose]();
    expect(couriersOf(home)).toHaveLength(1);
    gate.resolve();
    await noCouriers(home);
    expect(keptHere(url)?.position).toBe(1000);
  });

  test('that is killed breaks off what it had at hand, and another takes its place', async () => {
    const asked = Promise.withResolvers<void>();
    let count = 0;
    using registry = serve(async () => {
      count += 1;
      asked.resolve();
      if (count === 1) await new Promise(() => {});
      return new Response(null, { status: 201 });
    });
    const courier = newCourier();
    const first = patch(courier, registry.url('/')).catch((caught: unknown) => caught);
    await asked.promise;
    const [found] = couriersOf(home);
    if (found) process.kill(found.pid, 'SIGKILL');
    expect(networkCode(await first)).toBe('ECONNRESET');
    expect((await patch(courier, registry.url('/'))).response.status).toBe(201);
  });

  test('shows nothing of a login to others on this machine', async () => {
    using registry = serve(({ headers }) =>
      headers.get('authorization') === `Bearer ${CANARY}`
        ? new Response(null, { status: 202 })
        : new Response(null, { status: 401 }),
    );
    const courier = newCourier();
    const headers = { authorization: `Bearer ${CANARY}` };
    const { response } = await patch(courier, registry.url('/'), { headers });
    expect(response.status).toBe(202);
    const [found] = couriersOf(home);
    expect(found).toBeDefined();
    const seen = `${found?.commandLine}${found?.environment}`;
    expect(seen.includes(CANARY)).toBe(false);
  });

  test('does not wait for ever for an answer once finch is gone', async () => {
    const errand: Errand = {
      ...{ id: 1, method: 'PATCH', url: 'http://127.0.0.1:1/', headers: {} },
      ...{ file: { path, start: 0, end: 1 }, asStream: false, insecure: false },
      upload: {
        ...key(new URL('http://127.0.0.1:1/')),
        owner: currentOwner(),
        end: 1,
        closes: false,
      },
    };
    const said: string[] = [];
    await serveCourier({
      input: new Blob([messageLine(errand)]).stream(),
      transport: ({ signal }) =>
        new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
      openMemory: emptyMemory,
      say: (line) => said.push(line),
      lastMs: 20,
    });
    expect(said.map((line) => parseReport(line.trim())?.kind)).toEqual(['ready', 'failed']);
  });

  test('is heard of while a request is at hand', async () => {
    const url = new URL('http://127.0.0.1/');
    const upload = { ...key(url), end: 1, closes: false, owner: currentOwner() };
    const file = { path, start: 0, end: 1 };
    const errand: Errand = {
      ...{ id: 1, method: 'PATCH', url: url.href, headers: {}, insecure: false },
      ...{ file, asStream: true, upload },
    };
    const said: string[] = [];
    const pulses = Promise.withResolvers<Response>();
    await serveCourier({
      input: new Blob([messageLine(errand)]).stream(),
      transport: () => pulses.promise,
      openMemory: emptyMemory,
      say: (line) => {
        said.push(line.trim());
        if (said.length === 4) pulses.resolve(new Response(null, { status: 400 }));
      },
      pulseMs: 5,
    });
    const reports = said.map(parseReport);
    expect(reports.slice(1, 4)).toEqual(Array(3).fill({ kind: 'sent', id: 1, bytes: 0 }));
    expect(reports.map((report) => report?.kind).at(-1)).toBe('answer');
  });

  test('that stands still is ended, and the connection counts as broken', async () => {
    using registry = serve(() => new Promise<Response>(() => {}));
    const courier = openCourier({ env: process.env, home, silenceMs: 300 });
    couriers.push(courier);
    await courier.start();
    const [found] = couriersOf(home);
    if (found) process.kill(found.pid, 'SIGSTOP');
    const error = await patch(courier, registry.url('/v2/x')).catch((caught: unknown) => caught);
    expect(networkCode(error)).toBe('ECONNRESET');
    await noCouriers(home);
  });

  test('that cannot be started is done without', async () => {
    expect(await newCourier(['/bin/false']).start()).toBeUndefined();
    expect(await newCourier(['/no/such/program']).start()).toBeUndefined();
  });
});
