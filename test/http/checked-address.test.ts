import { describe, expect, test } from 'bun:test';
import { hostname } from 'node:os';
import fc from 'fast-check';
import { withCheckedAddress } from '../../src/http/checked-address.ts';
import { hostOfAddress, nearby } from '../../src/http/nearby.ts';
import { type HttpRequest, sendRequest } from '../../src/http/transport.ts';

test.each([
  ['http://0x7f.1/', 'loopback'],
  ['http://2130706433/', 'loopback'],
  ['http://017700000001/', 'loopback'],
  ['http://127.0.0.1./', 'loopback'],
  ['http://１２７.0.0.1/', 'loopback'],
  ['http://localhost./', 'loopback'],
  ['http://a.LOCALHOST/', 'loopback'],
  ['http://[::1]/', 'loopback'],
  ['http://[::ffff:127.0.0.1]/', 'loopback'],
  ['http://[64:ff9b::127.0.0.1]/', 'loopback'],
  ['http://[2002:7f00:1::]/', 'loopback'],
  ['http://10.0.0.1/', 'private'],
  ['http://172.31.0.1/', 'private'],
  ['http://192.168.1.1/', 'private'],
  ['http://100.64.0.1/', 'private'],
  ['http://[fd12::1]/', 'private'],
  ['http://[::ffff:10.0.0.1]/', 'private'],
  ['http://169.254.169.254/', 'special'],
  ['http://0/', 'special'],
  ['http://[::]/', 'special'],
  ['http://[::127.0.0.1]/', 'special'],
  ['http://[fe80::1]/', 'special'],
  ['http://[fd00:ec2::254]/', 'special'],
  ['http://[64:ff9b::a9fe:a9fe]/', 'special'],
  ['http://[64:ff9b:1::a9fe:a9fe]/', 'special'],
  ['http://[::ffff:0:7f00:1]/', 'special'],
  ['http://224.0.0.1/', 'special'],
  ['http://172.32.0.1/', undefined],
  ['http://[2606:4700::1111]/', undefined],
  ['http://[64:ff9b::1.1.1.1]/', undefined],
  ['http://127.0.0.1.example/', undefined],
])('nearby() of %s is %s', (address, place) => {
  expect(nearby(new URL(address).hostname)).toBe(place as ReturnType<typeof nearby>);
});

test('hostOfAddress() writes an address as URLs do, and takes no name for one', () => {
  expect(hostOfAddress('::ffff:127.0.0.1')).toBe('[::ffff:7f00:1]');
  expect(hostOfAddress('fe80::1%eth0')).toBe('[fe80::1]');
  expect(hostOfAddress('10.0.0.1')).toBe('10.0.0.1');
  for (const none of ['localhost', '', 'a b', '::g']) {
    expect(hostOfAddress(none)).toBeUndefined();
  }
});

/** What becomes of requests to `addresses`, in turn, for a registry that is at `home`. */
async function outcomes(
  home: string,
  addresses: readonly string[],
  names: Readonly<Record<string, readonly string[]>> = {},
) {
  const lookups: string[] = [];
  const sent: (readonly string[] | undefined)[] = [];
  const send = withCheckedAddress(
    async (request) => {
      const hosts = await request.resolve?.();
      sent.push(hosts);
      if (hosts?.[0] !== undefined) request.chosen?.(hosts[0]);
      return new Response();
    },
    {
      home: () => new URL(home),
      lookup: (name) => {
        lookups.push(name);
        const found = names[name];
        if (found === undefined) throw Object.assign(new Error(), { code: 'ENOTFOUND' });
        return Promise.resolve(found);
      },
    },
  );
  const results: string[] = [];
  for (const address of addresses) {
    const request: HttpRequest = { method: 'GET', url: new URL(address) };
    results.push(
      await send(request).then(
        () => String(sent.at(-1) ?? 'anywhere'),
        (error: Error) => error.message,
      ),
    );
  }
  return { results, lookups };
}

describe('withCheckedAddress()', () => {
  const names = {
    'r.test': ['203.0.113.7'],
    'cdn.test': ['203.0.113.8', '2001:db8::8'],
    'inside.test': ['10.0.0.5'],
    'also-inside.test': ['10.0.0.6'],
    'me.test': ['127.0.0.1'],
    'mapped.test': ['::ffff:127.0.0.1'],
    'metadata.test': ['169.254.169.254'],
    'both.test': ['127.0.0.1', '203.0.113.9'],
    'dot.test.': ['127.0.0.1'],
  };

  test('lets a public registry send us to public addresses only, and holds the connection to them', async () => {
    const { results } = await outcomes(
      'https://r.test/',
      [
        'https://r.test/v2/',
        'https://cdn.test/',
        'https://inside.test/',
        'https://me.test/',
        'https://mapped.test/',
        'https://metadata.test/',
        'https://both.test/',
        'https://dot.test./',
      ],
      names,
    );
    expect(results).toEqual([
      '203.0.113.7',
      '203.0.113.8,[2001:db8::8]',
      'r.test sends requests to inside.test, which is a private address',
      'r.test sends requests to me.test, which is an address of this machine',
      'r.test sends requests to mapped.test, which is an address of this machine',
      'r.test sends requests to metadata.test, which is a private address',
      '203.0.113.9',
      'r.test sends requests to dot.test., which is an address of this machine',
    ]);
  });

  test('judges addresses in a URL without looking anything up', async () => {
    const near = ['http://10.0.0.5/', 'http://[::1]/', 'http://localhost/', 'http://0xa9fea9fe/'];
    const { results, lookups } = await outcomes('http://r.test/', near, names);
    for (const result of results) expect(result).toStartWith('r.test sends requests to ');
    const allowed = await outcomes('http://r.test/', ['http://203.0.113.7:5000/'], names);
    expect([allowed.results, lookups, allowed.lookups]).toEqual([['anywhere'], [], []]);
  });

  test('lets a registry on this machine or in a private network send us to its neighbours', async () => {
    for (const home of ['http://localhost:5000/', 'http://127.0.0.1/', 'http://[::1]/']) {
      const { results } = await outcomes(home, ['http://me.test/', 'http://127.0.0.2/'], names);
      expect(results).toEqual(['127.0.0.1', 'anywhere']);
    }
    for (const home of ['https://inside.test/', 'https://10.0.0.5/']) {
      const there = [
        home,
        'https://also-inside.test/',
        'https://me.test/',
        'https://metadata.test/',
      ];
      const { results } = await outcomes(home, there, names);
      expect(results.slice(1)).toEqual([
        '10.0.0.6',
        expect.stringContaining('which is an address of this machine'),
        expect.stringContaining('which is a private address'),
      ]);
    }
  });

  test('holds a registry that says it is nearby to that, so that no public one can pass for it', async () => {
    const inside = ['https://inside.test/', 'https://inside.test/', 'https://inside.test:8443/'];
    const { results, lookups } = await outcomes('https://inside.test/', inside, names);
    expect(results).toEqual(['10.0.0.5', '10.0.0.5', '10.0.0.5']);
    expect(lookups).toEqual(['inside.test']);
  });

  test('takes a registry with addresses in several places for one where it first answered', async () => {
    const public_ = ['203.0.113.9', '127.0.0.1'];
    const asked = ['https://r.test/', 'https://r.test:1/', 'https://me.test/'];
    expect(
      (await outcomes('https://r.test/', asked, { ...names, 'r.test': public_ })).results,
    ).toEqual([
      '203.0.113.9,127.0.0.1',
      '203.0.113.9',
      'r.test sends requests to me.test, which is an address of this machine',
    ]);
    const near = ['https://both.test/', 'https://both.test:1/', 'https://me.test/'];
    expect((await outcomes('https://both.test/', near, names)).results).toEqual([
      '127.0.0.1,203.0.113.9',
      '127.0.0.1',
      '127.0.0.1',
    ]);
  });

  test.each([
    [
      'public',
      ['203.0.113.7'],
      ['10.0.0.5'],
      ['203.0.113.7'],
      ['203.0.113.8', '10.0.0.5'],
      '203.0.113.8',
    ],
    ['private', ['10.0.0.5'], ['203.0.113.7'], ['10.0.0.5'], ['127.0.0.1', '10.0.0.6'], '10.0.0.6'],
  ] as const)(
    'holds a registry that was %s to that, whatever its name resolves to later',
    async (_, first, other, still, last, there) => {
      const answers = [first, other, last];
      const connected: (readonly string[] | undefined)[] = [];
      let now = 0;
      const send = withCheckedAddress(
        async (request) => {
          const hosts = await request.resolve?.();
          connected.push(hosts);
          request.chosen?.(hosts?.[0] ?? '');
          return new Response();
        },
        {
          home: () => new URL('https://r.test/'),
          lookup: async () => answers.shift() ?? [],
          clock: () => now,
        },
      );
      for (const url of ['https://r.test/', 'http://r.test:9/token', 'https://r.test:8443/']) {
        await send({ method: 'GET', url: new URL(url) });
        await send({ method: 'GET', url: new URL(url) });
        now += 30_000;
      }
      expect(connected).toEqual([first, first, still, still, [there], [there]]);
    },
  );

  test('keeps the connections of a registry open from one request to the next', async () => {
    const ports = new Set<number>();
    await using server = Bun.serve({
      ...{ hostname: '127.0.0.1', port: 0 },
      fetch: (request, self) => new Response(String(self.requestIP(request)?.port)),
    });
    const send = withCheckedAddress(sendRequest, {
      ...{ home: () => new URL('http://r.invalid/'), lookup: async () => ['127.0.0.1'] },
    });
    for (let i = 0; i < 20; i++) {
      const url = new URL(`http://r.invalid:${server.port}/`);
      const answer = await send({ method: 'GET', url });
      ports.add(Number(await answer.text()));
    }
    expect(ports.size).toBe(1);
  });

  test('never lets a registry at a special address send us to another one', async () => {
    const there = ['http://169.254.169.254/', 'http://metadata.test/', 'http://0.0.0.0/'];
    const { results } = await outcomes('http://169.254.1.1/', there, names);
    for (const result of results) expect(result).toEndWith('which is a private address');
  });

  test('says that a name cannot be found', async () => {
    const { results } = await outcomes('https://r.test/', ['https://gone.test:5000/'], names);
    expect(results).toEqual(['cannot find the host gone.test:5000']);
  });

  test('ends a look-up that does not answer when the signal fires', async () => {
    const controller = new AbortController();
    const send = withCheckedAddress(
      async (request) => {
        await request.resolve?.();
        return new Response();
      },
      { home: () => new URL('https://r.test/'), lookup: () => new Promise(() => {}) },
    );
    const url = new URL('https://cdn.test/');
    const sent = send({ method: 'GET', url, signal: controller.signal });
    controller.abort();
    await expect(sent).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('connects to the address that was judged, whatever the name resolves to later', async () => {
    await using server = Bun.serve({
      ...{ hostname: '127.0.0.1', port: 0 },
      fetch: ({ headers }) => new Response(headers.get('host')),
    });
    const home = () => new URL('http://localhost/');
    const answers = [['127.0.0.1'], ['203.0.113.1']];
    const send = withCheckedAddress(sendRequest, {
      ...{ home, lookup: async () => answers.shift() ?? [] },
    });
    const url = new URL(`http://rebound.invalid:${server.port}/`);
    const response = await send({ method: 'GET', url });
    expect([response.url, await response.text()]).toEqual([url.href, url.host]);
  });

  test('sees what a real name of this machine resolves to', async () => {
    const addresses = await Bun.dns.lookup(hostname(), { backend: 'getaddrinfo' }).catch(() => []);
    const isNear = addresses.every(({ address }) => nearby(hostOfAddress(address) ?? ''));
    if (addresses.length === 0 || !isNear || hostname() === 'localhost') return;
    const send = withCheckedAddress(sendRequest, { home: () => new URL('https://8.8.8.8/') });
    const url = new URL(`http://${hostname()}:1/`);
    await expect(send({ method: 'GET', url })).rejects.toMatchObject({
      code: 'REGISTRY',
      message: expect.stringContaining(`sends requests to ${url.hostname}, which is `),
    });
  });

  test('never lets a public registry reach a nearby address, whatever its names resolve to', async () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('127.0.0.1', '::1', '10.1.1.1'));
    await fc.assert(
      fc.asyncProperty(fc.array(address, { maxLength: 4 }), async (found) => {
        const { results } = await outcomes('https://r.test/', ['https://x.test/'], {
          ...{ 'x.test': found, 'r.test': ['203.0.113.7'] },
        });
        const [result = ''] = results;
        if (/^r\.test sends|^cannot find/.test(result)) return true;
        return result.split(',').every((host) => nearby(host) === undefined);
      }),
      { numRuns: 500 },
    );
  });
});
