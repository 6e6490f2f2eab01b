import { createServer, connect as dial, type Socket } from 'node:net';

/** A way to a server over which connections can break. */
export interface FragileLink extends AsyncDisposable {
  readonly host: string;
  /** Bytes that went to the server. */
  sent(): number;
  /** Breaks the connection that carries the byte `bytes` from now; every further call asks for one more break. */
  breakAfter(bytes: number): void;
  /** Breaks every connection now. */
  breakAll(): void;
}

/** Starts a proxy on a free port of this machine that passes everything on to `target`, a `host:port`. */
export async function startFragileLink(target: string): Promise<FragileLink> {
  const [hostname = '', port = ''] = target.split(':');
  const pairs = new Set<readonly [Socket, Socket]>();
  const breaks: number[] = [];
  let sent = 0;
  const server = createServer((near) => {
    const far = dial(Number(port), hostname);
    const pair = [near, far] as const;
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const socket of pair) {
      socket.setNoDelay(true).on('error', () => {});
      // What was written before a break still arrives.
      socket.on('close', () => pairs.has(pair) && end());
    }
    far.pipe(near);
    near.on('data', (piece: Buffer) => {
      const [at] = breaks;
      const isLast = at !== undefined && sent + piece.length >= at;
      const passed = isLast ? piece.subarray(0, at - sent) : piece;
      sent += passed.length;
      if (isLast) {
        breaks.shift();
        pairs.delete(pair);
        near.resetAndDestroy();
        far.end(passed);
        return;
      }
      if (far.write(passed)) return;
      near.pause();
      far.once('drain', () => near.resume());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const own = typeof address === 'object' && address !== null ? address.port : 0;
  const breakAll = () => {
    for (const [near, far] of pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
  };
  return {
    host: `127.0.0.1:${own}`,
    sent: () => sent,
    breakAfter: (bytes) => void breaks.push(sent + bytes),
    breakAll,
    async [Symbol.asyncDispose]() {
      breakAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
