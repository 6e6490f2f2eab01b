import { connect, createServer, type Socket } from 'node:net';

/** A proxy on this machine, and what it was asked. */
export interface TestProxy extends AsyncDisposable {
  /** `host:port`. */
  readonly host: string;
  /** The first line of each request to it, in order. */
  readonly asked: readonly string[];
  /** The `Proxy-Authorization` of each request to it; empty without one. */
  readonly logins: readonly string[];
}

/** What is special about the proxy. */
export interface ProxyOptions {
  /** `user:password` that it wants to see. Default: lets everyone through. */
  readonly login?: string;
  /** The port of this machine that every way leads to, whatever host was asked for. */
  readonly port: number;
}

/** Starts a proxy that knows CONNECT and plain requests. */
export async function startProxy({ login, port }: ProxyOptions): Promise<TestProxy> {
  const asked: string[] = [];
  const logins: string[] = [];
  const sockets = new Set<Socket>();
  const wanted = login && `Basic ${Buffer.from(login).toString('base64')}`;
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => {});
    client.once('data', (head) => {
      const [line = '', ...headers] = head.toString('latin1').split('\r\n');
      const given = headers.find((header) => /^proxy-authorization:/i.test(header)) ?? '';
      const value = given.slice(given.indexOf(':') + 1).trim();
      asked.push(line);
      logins.push(value);
      if (wanted !== undefined && value !== wanted) {
        client.end(
          'HTTP/1.1 407 Who\r\nproxy-authenticate: Basic realm="p"\r\ncontent-length: 0\r\n\r\n',
        );
        return;
      }
      const upstream = connect(port, '127.0.0.1', () => {
        if (line.startsWith('CONNECT ')) client.write('HTTP/1.1 200 Established\r\n\r\n');
        else upstream.write(head.toString('latin1').replace(/ http:\/\/[^/ ]*/, ' '), 'latin1');
        client.pipe(upstream).pipe(client);
      });
      sockets.add(upstream);
      upstream.on('error', () => client.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const own = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    ...{ host: `127.0.0.1:${own}`, asked, logins },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
