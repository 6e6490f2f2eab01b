import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { certificateOf } from './host-certificates.ts';

/** A door of the stand-in: a port of loopback. */
export interface Door extends AsyncDisposable {
  readonly port: number;
}

/** Opens a door for requests without TLS. */
export async function openPlain(listener: RequestListener): Promise<Door> {
  return open(createServer(listener));
}

/** Opens a door with TLS for the requests to one host. */
export async function openTls(host: string, listener: RequestListener): Promise<Door> {
  return open(createTlsServer(await certificateOf(host), listener));
}

/** What a proxy does with those who want to a host. */
export interface ProxyOptions {
  /** The port of loopback that stands for a host; `undefined` when there is no such host. */
  readonly portOf: (host: string) => Promise<number | undefined>;
}

/** A proxy that can break what goes through it. */
export interface ProxyDoor extends Door {
  /** Breaks the connection that comes to a door from this port. */
  cut(port: number): void;
}

/** Opens a proxy that knows `CONNECT` alone. */
export async function openProxy({ portOf }: ProxyOptions): Promise<ProxyDoor> {
  const clients = new Map<number, Socket>();
  const door = await open(
    createTcpServer((client) => {
      let head = Buffer.alloc(0);
      client.on('error', () => {});
      const take = (piece: Buffer) => {
        head = Buffer.concat([head, piece]);
        const end = head.indexOf('\r\n\r\n');
        if (end === -1) return;
        client.off('data', take);
        client.pause();
        const rest = head.subarray(end + 4);
        void lead(client, {
          line: head.subarray(0, end).toString('latin1'),
          rest,
          portOf,
          clients,
        });
      };
      client.on('data', take);
    }),
  );
  return { ...door, cut: (port) => clients.get(port)?.resetAndDestroy() };
}

async function lead(
  client: Socket,
  {
    line,
    rest,
    portOf,
    clients,
  }: ProxyOptions & { line: string; rest: Buffer; clients: Map<number, Socket> },
): Promise<void> {
  const host = /^CONNECT ([^\s:]+):443 HTTP\/1\.[01](?:\r|$)/.exec(line)?.[1]?.toLowerCase();
  const port = host && (await portOf(host));
  if (!port) {
    client.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    return;
  }
  const upstream = connect(port, '127.0.0.1', () => {
    const { localPort = 0 } = upstream;
    clients.set(localPort, client);
    client.on('close', () => clients.delete(localPort));
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (rest.length > 0) upstream.write(rest);
    client.pipe(upstream).pipe(client);
  });
  upstream.on('error', () => client.destroy());
  upstream.on('close', () => client.destroy());
  client.on('close', () => upstream.destroy());
}

async function open(server: Server): Promise<Door> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
