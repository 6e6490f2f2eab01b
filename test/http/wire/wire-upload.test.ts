import { describe, expect, test } from 'bun:test';
import { getEventListeners } from 'node:events';
import { join } from 'node:path';
import { readWhole } from '../../../src/http/body.ts';
import { isPassing } from '../../../src/http/failure.ts';
import { type HttpBody, transportWith } from '../../../src/http/transport.ts';
import { wireFetch } from '../../../src/http/wire/wire-fetch.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { httpAnswer, type Reaction, startBadPeer } from '../../support/bad-peer.ts';
import { makeAuthority } from '../../support/certificates.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import {
  against,
  byFetch,
  bytes,
  byWire,
  expectSame,
  read,
  upload,
  watching,
} from './both-ways.ts';

describe('our own writer sends what fetch sends', () => {
  test.each([['localhost'], ['127.0.0.1']])('to %s', async (host) => {
    await using folder = await temporaryFolder();
    const certificates = await makeAuthority(folder.path);
    await using server = await watching(certificates);
    const path = join(folder.path, 'blob');
    await Bun.write(path, Buffer.concat([bytes.subarray(0, 10), bytes, bytes]));
    const bodies: readonly (() => HttpBody)[] = [
      () => ({ bytes }),
      () => ({ file: { path, start: 10, end: 10 + bytes.length } }),
      () => ({ stream: new Blob([bytes]).stream(), length: bytes.length }),
    ];
    const headers = { Authorization: 'Basic bWU6eA==', 'User-Agent': 'finch/1', 'x-b': 'a\u00e9' };
    const url = server.url(host);
    const tls = { ca: [await read(certificates.ca)] };
    for (const body of bodies) {
      for (const method of ['PUT', 'PATCH', 'POST'] as const) {
        const responses = [];
        for (const transport of [byFetch, byWire]) {
          responses.push(await transport({ method, url, headers, body, tls }));
        }
        const shown = responses.map((one) => [
          one.status,
          one.statusText,
          one.url,
          [...one.headers],
        ]);
        expect(shown[1]).toEqual(shown[0]);
        expect(shown[1]?.slice(0, 3)).toEqual([201, 'Said', url.href]);
        for (const one of responses) expect(await one.text()).toBe('');
        // But for one header: the connection ends with the request.
        const asFetch = (line: string) =>
          line
            .replace(/^[^:]*/, (name) => name.toLowerCase())
            .replace('connection: close', 'connection: keep-alive');
        const [fetched, wired] = server.seen
          .splice(0)
          .map((one) => ({ ...one, headers: one.headers.map(asFetch).toSorted() }));
        expect(wired).toEqual(fetched);
        expect(wired?.digest).toBe(digestOf(bytes));
      }
    }
  });

  test('to an address that was looked up, with the name of the host', async () => {
    await using folder = await temporaryFolder();
    const certificates = await makeAuthority(folder.path, { names: 'DNS:registry.invalid' });
    await using server = await watching(certificates);
    const tls = { ca: [await read(certificates.ca)] };
    const resolve = async () => ['127.0.0.1'];
    const url = server.url('registry.invalid');
    await expectSame({ url, tls, resolve }, 201);
    const [fetched, wired] = server.seen;
    expect(wired?.sni).toBe('registry.invalid');
    expect([wired?.sni, wired?.alpn, wired?.line]).toEqual([
      fetched?.sni,
      fetched?.alpn,
      fetched?.line,
    ]);
    expect(wired?.headers.map((one) => one.toLowerCase())).toContain(`host: ${url.host}`);
    expect((await upload(byWire, { url, tls, resolve })).url).toBe(url.href);
    const other = server.url('other.invalid');
    const message = `the certificate of ${other.host} is for another host name`;
    await expectSame({ url: other, tls, resolve }, message);
  });
});

test('a connection that breaks before the answer, or in it, is worth another try', async () => {
  for (const start of ['', 'HTTP/1.1 201 Ma', 'HTTP/1.1 201 Made\r\ncontent-length: 3\r\n\r\na']) {
    const error = await against(
      (_, socket) => void socket.write(start, () => socket.destroy()),
      async (url) => {
        const response = await upload(byWire, { url, insecure: true });
        return readWhole(response, { limit: 100 });
      },
    ).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'NETWORK', cause: { code: 'ECONNRESET' } });
    expect(isPassing(error)).toBe(true);
  }
});

test('an answer that is no HTTP is the error that fetch has for one', async () => {
  for (const answer of [
    'SSH-2.0-x\r\n\r\n',
    `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(100_000)}\r\n\r\n`,
  ]) {
    await against(
      () => answer,
      async (url, host) => {
        const message = `${host} does not speak HTTP as a registry does`;
        const sent = upload(byWire, { url, insecure: true });
        await expect(sent).rejects.toMatchObject({ code: 'NETWORK', message });
      },
    );
  }
});

test('an answer of many pieces, one in chunks and one without a length come whole', async () => {
  const body = 'abcdefghij'.repeat(300_000);
  const chunks = `${(1_500_000).toString(16)}\r\n${body.slice(0, 1_500_000)}\r\n`;
  for (const [fields, sent] of [
    [`content-length: ${body.length}`, body],
    ['transfer-encoding: chunked', `${chunks}${chunks}0\r\n\r\n`],
    ['x-length: none', body],
  ]) {
    await against(
      () => `HTTP/1.1 400 Bad\r\n${fields}\r\n\r\n${sent}`,
      async (url) => {
        const response = await upload(byWire, { url, insecure: true });
        const read = await readWhole(response, { limit: 4_000_000 });
        expect(digestOf(read)).toBe(digestOf(Buffer.from(body)));
      },
    );
  }
});

test('an answer that never ends and that nobody reads is let go of', async () => {
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  await against(
    (_, socket) => {
      const more = () => {
        while (!socket.destroyed && socket.write('x'.repeat(65_536)));
      };
      socket.on('close', () => resolve()).on('drain', more);
      socket.write('HTTP/1.1 400 Bad\r\n\r\n', more);
      return undefined;
    },
    async (url) => {
      const response = await upload(byWire, { url, insecure: true });
      await gone;
      await expect(readWhole(response, { limit: 1_000_000 })).rejects.toMatchObject({
        code: 'NETWORK',
      });
    },
  );
});

test('a signal ends an upload in each of its stages', async () => {
  await using folder = await temporaryFolder();
  const certificates = await makeAuthority(folder.path);
  const reactions: readonly Reaction[] = [
    (_, socket) => void socket.pause(),
    () => undefined,
    (_, socket) => void socket.write('HTTP/1.1 201 Made\r\ncontent-length: 9\r\n\r\nabc'),
  ];
  for (const reaction of reactions) {
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    const { promise: gone, resolve: go } = Promise.withResolvers<void>();
    await using peer = await startBadPeer((request, socket) => {
      socket.on('close', () => go());
      resolve();
      return reaction(request, socket);
    }, certificates);
    const controller = new AbortController();
    const { signal } = controller;
    const body = () => ({ bytes: new Uint8Array(40_000_000) });
    const reading = upload(byWire, { url: peer.url, insecure: true, signal, body }).then(
      (response) => readWhole(response, { limit: 100, signal }),
    );
    await begun;
    await Bun.sleep(10);
    controller.abort();
    await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' });
    await gone;
  }
  const dead = { url: new URL('https://127.0.0.1:1/'), signal: AbortSignal.abort() };
  await expect(upload(byWire, dead)).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('no listener stays at the signal, however an upload ends', async () => {
  await using folder = await temporaryFolder();
  await using server = await watching(await makeAuthority(folder.path));
  const { signal } = new AbortController();
  const send = async (url: URL, rejectUnauthorized: boolean) => {
    const headers = { 'content-length': String(bytes.length) };
    const body = new Blob([bytes]).stream();
    const tls = { rejectUnauthorized };
    const response = await wireFetch(url.href, { method: 'PUT', headers, body, signal, tls });
    return response.text();
  };
  await send(server.url(), false);
  await expect(send(server.url(), true)).rejects.toMatchObject({ code: expect.any(String) });
  await expect(send(new URL('https://127.0.0.1:1/'), true)).rejects.toThrow();
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('an answer with a status that HTTP does not have is a fault of the server', async () => {
  await against(
    () => 'HTTP/1.1 999 No\ncontent-length: 2\n\nok',
    async (url) => {
      const response = await upload(byWire, { url, insecure: true });
      expect([response.status, response.statusText]).toEqual([599, 'No']);
      expect(await response.text()).toBe('ok');
    },
  );
});

test('a body that breaks is its own error, and the connection is closed', async () => {
  const { promise: gone, resolve } = Promise.withResolvers<void>();
  const sent = against(
    (_, socket) => void socket.on('close', () => resolve()),
    async (url) => {
      const stream = (async function* () {
        yield bytes;
        throw new Error('the disk broke');
      })();
      const body = () => ({ stream, length: 2 * bytes.length });
      const error = await upload(byWire, { url, insecure: true, body }).catch(
        (caught: unknown) => caught,
      );
      await gone;
      return error;
    },
  );
  expect(await sent).toMatchObject({ message: 'the disk broke' });
});

test('a body that is not as long as was said is refused before more of it goes out', async () => {
  for (const length of [bytes.length - 1, bytes.length + 1]) {
    const body = () => ({ stream: new Blob([bytes]).stream(), length });
    const sent = against(
      (_, socket) => void socket.pause,
      (url) => upload(byWire, { url, insecure: true, body }),
    );
    await expect(sent).rejects.toMatchObject({ code: 'NETWORK' });
  }
});

test('what goes through a proxy, has a login in its address or is no upload stays with fetch', async () => {
  await using folder = await temporaryFolder();
  await using server = await watching(await makeAuthority(folder.path));
  const url = server.url();
  await byWire({ method: 'GET', url, insecure: true });
  const named = new URL(url);
  named.username = 'me';
  await upload(byWire, { url: named, insecure: true });
  const dotted = server.url('localhost.');
  await upload(byWire, { url: dotted, insecure: true });
  await upload(transportWith({ wireBytes: bytes.length + 1 }), { url, insecure: true });
  await upload(transportWith({ wireBytes: bytes.length }), { url, insecure: true });
  const isOwn = server.seen.map(({ headers }) => headers.includes('connection: close'));
  expect(isOwn).toEqual([false, false, false, false, true]);
  await using peer = await startBadPeer(() => httpAnswer(502));
  const proxy = { href: peer.url.href, host: peer.host, variable: 'HTTPS_PROXY' };
  const byProxy = transportWith({ wireBytes: 0, proxyFor: () => proxy });
  await expect(upload(byProxy, { url, insecure: true })).rejects.toMatchObject({ code: 'NETWORK' });
  expect(peer.requests.map(({ method }) => method)).toEqual(['CONNECT']);
});

test('each connection ends with its upload', async () => {
  await using folder = await temporaryFolder();
  await using server = await watching(await makeAuthority(folder.path));
  const { signal } = new AbortController();
  for (let i = 0; i < 3; i += 1)
    await upload(byWire, { url: server.url(), insecure: true, signal });
  while (server.sockets.size > 0) await Bun.sleep(1);
  expect(server.seen).toHaveLength(3);
});
