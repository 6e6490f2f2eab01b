import { describe, expect, test } from 'bun:test';
import { FinchError } from '../../src/errors.ts';
import { withCheckedAddress } from '../../src/http/checked-address.ts';
import { firstToConnect } from '../../src/http/first-to-connect.ts';
import { sendRequest, type Transport } from '../../src/http/transport.ts';

const [one, other] = ['203.0.113.7', '203.0.113.8'];

/** A name with two addresses, of which those in `broken` fail with its code, and the clock of its look-ups. */
function nameWithTwoAddresses() {
  const broken = new Map<string, string>();
  const offered: (readonly string[])[] = [];
  const state = { now: 0, lookups: 0, lookupFails: false };
  const transport: Transport = async ({ resolve, chosen }) => {
    const hosts = (await resolve?.()) ?? [];
    offered.push(hosts);
    const address = hosts.find((host) => broken.get(host) !== 'EHOSTUNREACH') ?? '';
    chosen?.(address);
    await Promise.resolve();
    const code = broken.get(address);
    if (code === undefined) return new Response(address);
    throw new FinchError('NETWORK', 'failed', { cause: { code } });
  };
  const send = withCheckedAddress(transport, {
    home: () => new URL('https://r.test/'),
    clock: () => state.now,
    async lookup() {
      state.lookups++;
      if (state.lookupFails) throw Object.assign(new Error(), { code: 'EAI_AGAIN' });
      return [one, other];
    },
  });
  const get = async (url: string) => (await send({ method: 'GET', url: new URL(url) })).text();
  return { broken, offered, state, get };
}

describe.each(['https://r.test/', 'https://cdn.test/'])('the addresses of %s', (url) => {
  test('are those that may be tried until one of them answered, which then stays in use', async () => {
    const { broken, get, offered, state } = nameWithTwoAddresses();
    broken.set(one, 'EHOSTUNREACH');
    for (let i = 0; i < 3; i++) expect(await get(url)).toBe(other);
    state.now += 30_000;
    expect(await get(url)).toBe(other);
    expect(offered).toEqual([[one, other], [other], [other], [other]]);
    expect(state.lookups).toBe(2);
  });

  test('are looked up again when a request failed, and the one that failed comes last', async () => {
    const { broken, get, offered, state } = nameWithTwoAddresses();
    broken.set(one, 'ECONNRESET');
    await expect(get(url)).rejects.toMatchObject({ code: 'NETWORK' });
    for (let i = 0; i < 3; i++) expect(await get(url)).toBe(other);
    expect(offered).toEqual([[one, other], [other, one], [other], [other]]);
    expect(state.lookups).toBe(2);
  });

  test('keep their order when several requests fail at once', async () => {
    const { broken, get } = nameWithTwoAddresses();
    broken.set(one, 'ECONNRESET');
    await Promise.allSettled([get(url), get(url), get(url), get(url)]);
    expect(await Promise.all([get(url), get(url)])).toEqual([other, other]);
  });

  test('are all tried again at once when that in use takes no connection any more', async () => {
    const { broken, get, offered } = nameWithTwoAddresses();
    expect(await get(url)).toBe(one);
    broken.set(one, 'ECONNREFUSED');
    expect(await get(url)).toBe(other);
    expect(offered).toEqual([[one, other], [one], [other, one]]);
  });

  test('stay what they were when a later look-up fails', async () => {
    const { get, state } = nameWithTwoAddresses();
    await get(url);
    state.now += 30_000;
    state.lookupFails = true;
    expect([await get(url), await get(url)]).toEqual([one, one]);
    expect(state.lookups).toBe(2);
  });
});

test('a first address that is dead does not keep a registry from being reached', async () => {
  await using server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() });
  const send = withCheckedAddress(sendRequest, {
    ...{ home: () => new URL('http://r.invalid/'), lookup: async () => ['127.0.0.9', '127.0.0.1'] },
  });
  const url = new URL(`http://r.invalid:${server.port}/`);
  expect((await send({ method: 'GET', url })).status).toBe(200);
});

describe('firstToConnect()', () => {
  const { signal } = new AbortController();

  test('goes past an address that stays silent, and ends the connection to it', async () => {
    const ended: string[] = [];
    const open = async (host: string, options: { signal: AbortSignal }) => {
      options.signal.addEventListener('abort', () => ended.push(host));
      if (host === 'silent') await Promise.withResolvers().promise;
    };
    const hosts = ['silent', 'good', 'never asked'];
    expect(await firstToConnect(hosts, { port: 1, signal, open })).toBe('good');
    expect(ended).toEqual(['silent', 'good']);
  });

  test('connects to addresses of both kinds, and says what the first came to when none takes it', async () => {
    const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() });
    const port = server.port ?? 0;
    expect(await firstToConnect(['[::1]', '127.0.0.1'], { port, signal })).toBe('127.0.0.1');
    await server.stop(true);
    const trying = firstToConnect(['127.0.0.1', '127.0.0.2'], { port, signal });
    await expect(trying).rejects.toMatchObject({ code: 'ECONNREFUSED', address: '127.0.0.1' });
  });

  test('ends with the signal', async () => {
    const controller = new AbortController();
    const open = (_: string, options: { signal: AbortSignal }) =>
      new Promise((_resolve, reject) => {
        options.signal.addEventListener('abort', () => reject(new Error('ended')));
      });
    const trying = firstToConnect(['a', 'b'], { port: 1, signal: controller.signal, open });
    controller.abort(new Error('enough'));
    await expect(trying).rejects.toThrow('enough');
  });
});
