import { expect, test } from 'bun:test';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { discardBody, readStart, readWhole } from '../../src/http/body.ts';
import type { HttpBody } from '../../src/http/transport.ts';
import { sendRequest, transportWith } from '../../src/http/transport.ts';
import { httpAnswer, startBadPeer, withoutEnd } from '../support/bad-peer.ts';
import { makeAuthority } from '../support/certificates.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** Short enough for a test, in milliseconds. */
const SHORT = 30;

const silence = { code: 'NETWORK', message: expect.stringContaining('did not answer in time') };

/** A body that begins and never ends. */
const beginning = (body: string) =>
  `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 100000\r\n\r\n${body}`;

test('sendRequest() gives up on a server that takes the request and never answers', async () => {
  await using peer = await startBadPeer(() => undefined);
  const impatient = transportWith({ patienceMs: SHORT });
  await expect(impatient({ method: 'GET', url: peer.url })).rejects.toMatchObject({
    ...silence,
    hint: expect.stringContaining('try again'),
  });
});

test('sendRequest() gives up on a server whose headers never end', async () => {
  await using peer = await startBadPeer((_, socket) => {
    socket.write('HTTP/1.1 200 OK\r\nx-header: ');
    const timer = setInterval(() => socket.write('x'), 5);
    socket.on('close', () => clearInterval(timer));
    return undefined;
  });
  const impatient = transportWith({ patienceMs: SHORT });
  await expect(impatient({ method: 'GET', url: peer.url })).rejects.toMatchObject(silence);
});

/** As many bytes as no socket takes of a server that does not read. */
const MUCH = 32 * 1024 * 1024;

/** {@link MUCH} as each kind of body, by its name. */
async function bodies(folder: string): Promise<readonly (readonly [string, () => HttpBody])[]> {
  const path = join(folder, 'blob');
  await Bun.write(path, new Uint8Array(MUCH));
  const stream = async function* () {
    for (let i = 0; i < 32; i += 1) yield new Uint8Array(MUCH / 32);
  };
  return [
    ['a stream', () => ({ stream: stream(), length: MUCH })],
    ['a file', () => ({ file: { path, start: 0, end: MUCH } })],
    ['bytes', () => ({ bytes: new Uint8Array(MUCH) })],
  ];
}

const WAYS = [
  ['http', 'http', 0],
  ['https by fetch', 'https', Number.POSITIVE_INFINITY],
  ['https by our own writer', 'https', 0],
] as const;

for (const [name, protocol, wireBytes] of WAYS) {
  test(`a server that takes no more of a body is given up, over ${name}`, async () => {
    await using folder = await temporaryFolder();
    const tls = protocol === 'https' ? await makeAuthority(folder.path) : undefined;
    await using peer = await startBadPeer((_, socket) => void socket.pause(), tls);
    // No name of this machine, but on most systems the way to it: there no file goes by sendfile.
    const url = new URL(`${protocol}://0.0.0.0:${peer.url.port}/`);
    const impatient = transportWith({ stallMs: 200, wireBytes });
    for (const [kind, body] of await bodies(folder.path)) {
      const sent = impatient({ method: 'PUT', url, body, insecure: true }).then(
        ({ status }) => ({ kind, status }),
        ({ code, message, cause }) => ({ kind, code, message, cause: cause.code }),
      );
      const message = `0.0.0.0:${peer.url.port} did not answer in time`;
      expect(await sent).toEqual({ kind, code: 'NETWORK', message, cause: 'ETIMEDOUT' });
    }
  });
}

test('a file for a server on this machine, which tells no progress, has a deadline', async () => {
  await using peer = await startBadPeer((_, socket) => void socket.pause());
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'blob');
  await Bun.write(path, new Uint8Array(MUCH));
  const impatient = transportWith({ fileMs: 1 });
  const body = () => ({ file: { path, start: 0, end: MUCH } });
  const sent = impatient({ method: 'PUT', url: peer.url, body });
  await expect(sent).rejects.toMatchObject({ ...silence, cause: { code: 'ETIMEDOUT' } });
});

test('time that a body takes to make its pieces is not held against the server', async () => {
  await using server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: async (request) => new Response(String((await request.bytes()).length)),
  });
  const stream = (async function* () {
    for (let i = 0; i < 3; i += 1) {
      await Bun.sleep(200);
      yield new Uint8Array(10);
    }
  })();
  const impatient = transportWith({ stallMs: 150 });
  const body = () => ({ stream, length: 30 });
  const response = await impatient({ method: 'PUT', url: server.url, body });
  expect(await response.text()).toBe('30');
});

test('after a large body the server has more time for its answer', async () => {
  let isWhole = false;
  await using server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    maxRequestBodySize: 2 * MUCH,
    async fetch(request) {
      await request.bytes();
      isWhole = true;
      await Bun.sleep(1000);
      return new Response();
    },
  });
  await using folder = await temporaryFolder();
  const body = new Map(await bodies(folder.path)).get('a stream') ?? expect.unreachable();
  // With the 1.6 seconds that 32 MiB are worth it is enough.
  const impatient = transportWith({ patienceMs: 600 });
  const url = new URL(server.url.href);
  expect((await impatient({ method: 'PUT', url, body })).status).toBe(200);
  expect(isWhole).toBe(true);
  await expect(impatient({ method: 'PUT', url })).rejects.toMatchObject(silence);
});

test('a server has the time for all that it must look at, however little comes with the last request', async () => {
  await using server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      await request.bytes();
      await Bun.sleep(600);
      return new Response();
    },
  });
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'rest');
  await Bun.write(path, 'rest');
  const stream = async function* () {
    yield new Uint8Array(4);
  };
  const kinds: readonly (() => HttpBody)[] = [
    () => ({ bytes: new Uint8Array() }),
    () => ({ stream: stream(), length: 4 }),
    () => ({ file: { path, start: 0, end: 4 } }),
  ];
  const impatient = transportWith({ patienceMs: 200, fileMs: 200 });
  const url = new URL(server.url.href);
  for (const body of kinds) {
    const workBytes = 40_000_000;
    const { status } = await impatient({ method: 'PUT', url, body, workBytes });
    expect(status).toBe(200);
    const sent = impatient({ method: 'PUT', url, body });
    await expect(sent).rejects.toMatchObject(silence);
  }
});

test('sendRequest() gives up on a server that takes a connection and says nothing to TLS', async () => {
  await using server = createServer((socket) => void socket.on('error', () => {}));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const impatient = transportWith({ patienceMs: SHORT, stallMs: SHORT });
  const url = new URL(`https://127.0.0.1:${port}/`);
  await expect(impatient({ method: 'GET', url })).rejects.toMatchObject(silence);
  const body = () => ({ bytes: new Uint8Array(MUCH) });
  await expect(impatient({ method: 'PUT', url, body })).rejects.toMatchObject(silence);
});

test('discardBody() lets go of an answer that never ends', async () => {
  let isGone = false;
  await using peer = await startBadPeer((request, socket) => {
    socket.on('close', () => {
      isGone = true;
    });
    return withoutEnd('HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n')(request, socket);
  });
  await discardBody(await sendRequest({ method: 'GET', url: peer.url }));
  while (!isGone) await Bun.sleep(1);
});

test('readWhole() gives up on a body that stalls', async () => {
  await using peer = await startBadPeer((_, socket) => void socket.write(beginning('abc')));
  const response = await sendRequest({ method: 'GET', url: peer.url });
  const reading = readWhole(response, { limit: 200_000, stallMs: SHORT });
  await expect(reading).rejects.toMatchObject(silence);
});

test('readWhole() gives up on a body that comes byte by byte', async () => {
  await using peer = await startBadPeer((_, socket) => {
    socket.write(beginning(''));
    const timer = setInterval(() => socket.write('x'), 5);
    socket.on('close', () => clearInterval(timer));
    return undefined;
  });
  const response = await sendRequest({ method: 'GET', url: peer.url });
  const reading = readWhole(response, { limit: 200_000, stallMs: 3 * SHORT });
  await expect(reading).rejects.toMatchObject(silence);
});

test('readStart() holds a body of single bytes in one buffer, and no more of it than asked for', async () => {
  const source = () => {
    let i = 0;
    const pull = (stream: ReadableStreamDefaultController<Uint8Array>) => {
      if (i === 20_000) stream.close();
      else stream.enqueue(new Uint8Array([i++ % 256]));
    };
    return { url: 'http://r.test/', body: new ReadableStream<Uint8Array>({ pull }) };
  };
  const whole = await readStart(source(), { limit: 20_000 });
  expect([whole.bytes.length, whole.bytes[19_999], whole.whole]).toEqual([20_000, 31, true]);
  const start = await readStart(source(), { limit: 300 });
  expect([start.bytes.length, start.bytes[299], start.whole]).toEqual([300, 43, false]);
});

test('discardBody() does not read the body of an answer that has none', async () => {
  const body = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
  const headers = new Headers({ 'content-length': '0' });
  await discardBody({ url: 'http://r.test/', headers, body });
  expect(body.locked).toBe(false);
});

test('discardBody() does not wait for a body that stalls', async () => {
  await using peer = await startBadPeer((_, socket) => void socket.write(beginning('abc')));
  const response = await sendRequest({ method: 'GET', url: peer.url });
  await discardBody(response, { stallMs: SHORT });
});

test('a body of headers that say one thing twice, or nothing that makes sense, is an error', async () => {
  for (const fields of [
    'content-length: -5\r\n',
    'content-length: 3\r\ncontent-length: 4\r\n',
    'content-length: 3\r\n folded: x\r\n',
    'x-header: a\0b\r\ncontent-length: 3\r\n',
    'x: y\r\n'.repeat(5000),
  ]) {
    await using peer = await startBadPeer(() => `HTTP/1.1 200 OK\r\n${fields}\r\nabc`);
    await expect(sendRequest({ method: 'GET', url: peer.url })).rejects.toMatchObject({
      code: 'NETWORK',
      message: `${peer.host} does not speak HTTP as a registry does`,
      hint: expect.stringContaining('proxy'),
    });
  }
});

test('sendRequest() takes an answer that is not the last one for what it is', async () => {
  const interim = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n';
  await using peer = await startBadPeer(() => interim + httpAnswer(200, { body: 'abc' }));
  const response = await sendRequest({ method: 'GET', url: peer.url });
  expect(await response.text()).toBe('abc');
});
