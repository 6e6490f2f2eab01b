import { expect } from 'bun:test';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { type HttpRequest, transportWith } from '../../../src/http/transport.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { httpAnswer, type Reaction, startBadPeer } from '../../support/bad-peer.ts';
import { type Certificates, makeAuthority } from '../../support/certificates.ts';
import { temporaryFolder } from '../../support/temporary.ts';

/** What is uploaded. */
export const bytes = crypto.getRandomValues(new Uint8Array(3_000_000));

/** What a server sees of a request: all of it. */
export interface Seen {
  readonly sni: unknown;
  readonly alpn: unknown;
  readonly line: string;
  readonly headers: readonly string[];
  readonly digest: string;
}

/** A TLS server that keeps what it sees, and answers 201. */
export async function watching({ certificate, key }: Certificates, settings: object = {}) {
  const seen: Seen[] = [];
  const sockets = new Set<TLSSocket>();
  const [cert, keyText] = await Promise.all(
    [certificate, key].map((path) => Bun.file(path).text()),
  );
  const server = createTlsServer(
    { cert, key: keyText, ALPNProtocols: ['http/1.1'], ...settings },
    (socket) => {
      sockets.add(socket);
      let all = Buffer.alloc(0);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
      socket.on('data', (piece: Buffer) => {
        all = Buffer.concat([all, piece]);
        const end = all.indexOf('\r\n\r\n');
        const [line = '', ...headers] = all
          .subarray(0, Math.max(0, end))
          .toString('latin1')
          .split('\r\n');
        const length = Number(headers.find((one) => /^content-length:/i.test(one))?.slice(15));
        if (end === -1 || all.length < end + 4 + length) return;
        const digest = digestOf(all.subarray(end + 4));
        seen.push({ sni: socket.servername, alpn: socket.alpnProtocol, line, headers, digest });
        socket.write(httpAnswer(201, { headers: { 'x-a': 'b' } }));
        all = Buffer.alloc(0);
      });
    },
  ).on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: (host = 'localhost') => new URL(`https://${host}:${port}/v2/a%2Fb?x=%7e&y`),
    seen,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Sends any body by fetch. */
export const byFetch = transportWith({ wireBytes: Number.POSITIVE_INFINITY });
/** Sends any body over TLS by our own writer. */
export const byWire = transportWith({ wireBytes: 0 });

/** A request that is an upload of {@link bytes} where it says nothing else. */
export type Options = Partial<HttpRequest> & Pick<HttpRequest, 'url'>;

/** Sends {@link bytes}, or what the options say. */
export function upload(transport: typeof byWire, options: Options): Promise<Response> {
  return transport({ method: 'PUT', body: () => ({ bytes }), ...options });
}

/** The status of an upload, or its error as users see it, both ways. */
export async function bothWays(options: Options): Promise<readonly unknown[]> {
  const outcomes: unknown[] = [];
  for (const transport of [byFetch, byWire]) {
    outcomes.push(
      await upload(transport, options).then(
        ({ status }) => status,
        ({ code, message, hint, cause }) => ({ code, message, hint, cause: cause?.code }),
      ),
    );
  }
  return outcomes;
}

/** Makes sure that both ways come to the same: this status, or an error with this message. */
export async function expectSame(options: Options, expected: unknown): Promise<void> {
  const [fetched, wired] = await bothWays(options);
  expect(wired).toEqual(fetched);
  if (typeof expected === 'number') expect(wired).toBe(expected);
  else expect(wired).toMatchObject({ code: 'NETWORK', message: expected });
}

/** The text of a file. */
export const read = (path: string) => Bun.file(path).text();

/** A TLS server that does as it likes, and what our own writer makes of it. */
export async function against<T>(
  reaction: Reaction,
  run: (url: URL, host: string) => Promise<T>,
): Promise<T> {
  await using folder = await temporaryFolder();
  await using peer = await startBadPeer(reaction, await makeAuthority(folder.path));
  return await run(peer.url, peer.host);
}
