import { expect, test } from 'bun:test';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { discardBody } from '../../src/http/body.ts';
import { isPassing } from '../../src/http/failure.ts';
import { withRetry } from '../../src/http/retry.ts';
import { type HttpRequest, sendRequest } from '../../src/http/transport.ts';
import { makeAuthority } from '../support/certificates.ts';
import { temporaryFolder } from '../support/temporary.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';

/** A server that knows its connections, and with which method each request came on them. */
async function counting(
  answer: (socket: Socket, nth: number) => void,
  tls?: { certificate: string; key: string },
) {
  const sockets = new Set<Socket>();
  const methods: string[] = [];
  let connections = 0;
  const onSocket = (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    let nth = 0;
    socket.on('error', () => {});
    socket.on('data', (piece) => {
      const method = /^([A-Z]+) \S+ HTTP/.exec(piece.toString('latin1'))?.[1];
      if (method === undefined) return;
      methods.push(method);
      nth += 1;
      answer(socket, nth);
    });
  };
  const server: Server =
    tls === undefined
      ? createServer(onSocket)
      : createTlsServer(
          { cert: await Bun.file(tls.certificate).text(), key: await Bun.file(tls.key).text() },
          onSocket,
        );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: new URL(`http${tls ? 's' : ''}://127.0.0.1:${port}/`),
    methods,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function ask(request: Pick<HttpRequest, 'url'> & Partial<HttpRequest>): Promise<number> {
  const response = await sendRequest({ method: 'GET', ...request });
  await discardBody(response);
  return response.status;
}

test('requests one after the other share a connection, also one with TLS settings or a looked-up address', async () => {
  await using folder = await temporaryFolder();
  const certificates = await makeAuthority(folder.path, { names: 'DNS:registry.invalid' });
  await using server = await counting((socket) => void socket.write(OK), certificates);
  const url = new URL(server.url.href.replace('127.0.0.1', 'registry.invalid'));
  const resolve = async () => ['127.0.0.1'];
  const ca = [await Bun.file(certificates.ca).text()];
  for (let i = 0; i < 3; i += 1) await ask({ url, resolve, tls: { ca: [...ca] } });
  expect(server.connections()).toBe(1);
});

test('a server that closes the connection after each answer gets a new one for each request', async () => {
  const answer = OK.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n');
  await using server = await counting((socket) => void socket.end(answer));
  const body = () => ({ bytes: new Uint8Array(100_000) });
  for (const method of ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'] as const) {
    const request = { method, url: server.url, ...(method === 'PUT' && { body }) };
    expect(await ask(request)).toBe(200);
  }
  expect(server.connections()).toBe(5);
});

test('a request that meets the end of an idle connection goes out again when that does no harm', async () => {
  await using server = await counting((socket, nth) => {
    if (nth > 1) socket.resetAndDestroy();
    else socket.write(OK);
  });
  const { url } = server;
  const retrying = withRetry(sendRequest, { sleep: async () => {} });
  await ask({ url });
  expect((await retrying({ method: 'HEAD', url })).status).toBe(200);
});

test.each([2000, 200_000])(
  'an upload of %d bytes that meets the end of an idle connection goes out once',
  async (length) => {
    await using server = await counting((socket, nth) => {
      if (nth > 1) socket.resetAndDestroy();
      else socket.write(OK);
    });
    const { url, methods } = server;
    const retrying = withRetry(sendRequest, { sleep: async () => {} });
    for (const method of ['PATCH', 'PUT'] as const) {
      await ask({ url });
      const body = () => ({ bytes: new Uint8Array(length) });
      const error = await retrying({ method, url, body, once: true }).catch(
        (caught: unknown) => caught,
      );
      expect(isPassing(error)).toBe(true);
    }
    expect(methods).toEqual(['GET', 'PATCH', 'GET', 'PUT']);
  },
);

test('connections that are opened ahead are there for the requests that follow', async () => {
  await using folder = await temporaryFolder();
  const certificates = await makeAuthority(folder.path);
  const path = (name: string) => JSON.stringify(join(import.meta.dir, '../../src/http', name));
  // In a process of its own, whose trust in the server comes from its environment as users have it. There
  // no handshake is over before all connections were begun: server and client share a thread.
  const code = `
    import { createServer } from 'node:tls';
    import { discardBody } from ${path('body.ts')};
    import { sendRequest } from ${path('transport.ts')};
    const text = (path) => Bun.file(path).text();
    const [cert, key] = await Promise.all(${JSON.stringify([certificates.certificate, certificates.key])}.map(text));
    let connections = 0;
    const server = createServer({ cert, key }, (socket) => {
      connections += 1;
      socket.on('data', () => socket.write(${JSON.stringify(OK)}));
    });
    await new Promise((resolve) => server.listen(0, 'localhost', resolve));
    const url = new URL('https://localhost:' + server.address().port);
    const ask = async (ahead) => discardBody(await sendRequest({ method: 'GET', url, ahead }));
    await ask(3);
    while (connections < 4) await Bun.sleep(1);
    await Promise.all([ask(), ask(), ask(), ask()]);
    console.log(connections);
    process.exit();`;
  const child = Bun.spawn([process.execPath, '-e', code], {
    env: { PATH: process.env['PATH'], NODE_EXTRA_CA_CERTS: certificates.ca },
    stderr: 'inherit',
  });
  expect(await child.stdout.text()).toBe('4\n');
});

test('none are opened ahead to a host that was looked up', async () => {
  await using server = await counting((socket) => void socket.write(OK));
  const url = new URL(server.url.href.replace('127.0.0.1', 'registry.invalid'));
  for (let i = 0; i < 3; i += 1) await ask({ url, ahead: 5, resolve: async () => ['127.0.0.1'] });
  expect(server.connections()).toBe(1);
});

test('what is opened ahead where nothing listens is no further trouble', async () => {
  let url: URL;
  {
    await using server = await counting(() => {});
    url = server.url;
  }
  await expect(ask({ url, ahead: 3 })).rejects.toMatchObject({
    message: `cannot connect to ${url.host}: connection refused`,
  });
});
