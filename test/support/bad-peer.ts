import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { ServerTls } from './fake-registry.ts';

/** One request as it came in: its line and its header fields by lower-case name. */
export interface RawRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a {@link BadPeer} does about a request: the bytes of an answer, or anything with the socket. */
export type Reaction = (request: RawRequest, socket: Socket) => string | Uint8Array | undefined;

/** A server that need not keep to HTTP. */
export interface BadPeer extends AsyncDisposable {
  readonly host: string;
  readonly url: URL;
  readonly requests: readonly RawRequest[];
}

/**
 * Starts a server on a free port of this machine that answers each request with the bytes that
 * `reaction` gives, and then closes the connection. Where it gives none, the connection is its own affair.
 */
export async function startBadPeer(reaction: Reaction, tls?: ServerTls): Promise<BadPeer> {
  const sockets = new Set<Socket>();
  const requests: RawRequest[] = [];
  const onSocket = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    let head = '';
    const onData = (piece: Buffer) => {
      head += piece.toString('latin1');
      // A client that tries TLS would wait.
      if (head.startsWith('\x16')) socket.destroy();
      if (!head.includes('\r\n\r\n')) return;
      socket.off('data', onData).resume();
      const request = parseHead(head);
      requests.push(request);
      const answer = reaction(request, socket);
      if (answer !== undefined) socket.end(answer);
    };
    socket.on('data', onData);
  };
  const server =
    tls === undefined
      ? createServer(onSocket)
      : createTlsServer(
          { cert: await Bun.file(tls.certificate).text(), key: await Bun.file(tls.key).text() },
          onSocket,
        ).on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    host: `127.0.0.1:${port}`,
    url: new URL(`${tls ? 'https' : 'http'}://127.0.0.1:${port}/`),
    requests,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An answer whose length is told truly. */
export function httpAnswer(
  status: number,
  { headers = {}, body = '' }: { headers?: Readonly<Record<string, string>>; body?: string } = {},
): string {
  const fields = { 'content-length': String(Buffer.byteLength(body)), ...headers };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Said\r\n${lines.join('')}\r\n${body}`;
}

/** What some servers show in place of an answer. */
const PAGE = '<html>\x1b[31mLog in, <a href="?token=hush">guest</a></html>';

/** An answer to any request; to HEAD without the body. */
export function says(
  status: number,
  answer: { headers?: Readonly<Record<string, string>>; body?: string } = {},
): Reaction {
  return ({ method }) => {
    const whole = httpAnswer(status, answer);
    return method === 'HEAD' ? whole.slice(0, whole.indexOf('\r\n\r\n') + 4) : whole;
  };
}

/** A page for people, with an escape and a secret in it. */
export function showsPage(status: number): Reaction {
  return says(status, { headers: { 'content-type': 'text/html; charset=utf-8' }, body: PAGE });
}

/** A redirect of everything to one place. */
export function redirectsTo(location: string): Reaction {
  return says(307, { headers: { location } });
}

/** Sends what it is given and then spaces, until the client goes away. */
export function withoutEnd(head: string): Reaction {
  return (_request, socket) => {
    socket.write(head);
    const piece = Buffer.alloc(64 * 1024, ' ');
    const send = () => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on('drain', send);
    send();
    return undefined;
  };
}

/** An answer that is called a terabyte long and never ends; to HEAD only its headers. */
export function endlessAnswer(status: number, mediaType: string): Reaction {
  const headers = { 'content-type': mediaType, 'content-length': String(2 ** 40) };
  const head = httpAnswer(status, { headers });
  return (request, socket) =>
    request.method === 'HEAD' ? head : withoutEnd(head)(request, socket);
}

/** A registry whose token server does what `answer` does. */
export function withTokenServer(answer: Reaction): Reaction {
  return (request, socket) =>
    request.path.startsWith('/token')
      ? answer(request, socket)
      : says(401, {
          headers: {
            'www-authenticate': `Bearer realm="http://${request.headers['host']}/token",service="registry"`,
          },
        })(request, socket);
}

function parseHead(head: string): RawRequest {
  const [line = '', ...fields] = (head.split('\r\n\r\n')[0] ?? '').split('\r\n');
  const [method = '', path = ''] = line.split(' ');
  const headers = Object.fromEntries(
    fields.map((field) => {
      const colon = field.indexOf(':');
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
    }),
  );
  return { method, path, headers };
}
