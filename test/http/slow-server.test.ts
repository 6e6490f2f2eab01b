import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { discardBody, readStart, readWhole } from '../../src/http/body.ts';
import { sendRequest, transportWith } from '../../src/http/transport.ts';
import { httpAnswer, startBadPeer } from '../support/bad-peer.ts';
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

test('sendRequest() gives up on a server that takes no more of a body', async () => {
  await using peer = await startBadPeer((_, socket) => void socket.pause());
  const piece = new Uint8Array(1024 * 1024);
  const stream = (async function* () {
    for (let i = 0; i < 1000; i += 1) yield piece;
  })();
  const body = () => ({ stream, length: 1000 * piece.length });
  const impatient = transportWith({ patienceMs: 200 });
  await expect(impatient({ method: 'PUT', url: peer.url, body })).rejects.toMatchObject(silence);
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

test('sendRequest() sees soon that another host takes no more of a file', async () => {
  await using peer = await startBadPeer((_, socket) => void socket.pause());
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'blob');
  const end = 64 * 1024 * 1024;
  await Bun.write(path, new Uint8Array(end));
  const impatient = transportWith({ patienceMs: 200 });
  // No name of this machine, but on most systems the way to it.
  const url = new URL(`http://0.0.0.0:${peer.url.port}/`);
  const body = () => ({ file: { path, start: 0, end } });
  await expect(impatient({ method: 'PUT', url, body })).rejects.toMatchObject(silence);
});
