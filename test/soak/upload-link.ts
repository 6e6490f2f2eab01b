import type { Socket } from 'bun';

/** What {@link startUploadLink} does to what goes through it. */
export interface UploadLinkOptions {
  /** How fast bytes go up, all connections together. Default: as fast as can be. */
  readonly bytesPerSecond?: number;
  /** Every connection is cut when it is this old. Default: never. */
  readonly cutAfterMs?: number;
  /** Told of all the bytes that went up so far, each time that there are more. */
  readonly onBytes?: (total: number) => void;
}

/** A TCP proxy on a free port that counts. */
export interface UploadLink extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** The bytes that went up, with all that HTTP adds. */
  readonly bytesUp: number;
  /** How many connections were made, and how many of them it cut. */
  readonly connections: number;
  readonly cuts: number;
  /** Returns when nobody is connected. */
  idle(): Promise<void>;
}

/** One end of a connection through the link. */
interface End {
  readonly isClient: boolean;
  socket: Socket<End> | undefined;
  other: End | undefined;
  /** What it did not take yet. */
  unsent: Uint8Array;
  isOver: boolean;
}

/** Starts a proxy to `target`, `HOST:PORT`. */
export function startUploadLink(
  target: string,
  { bytesPerSecond = Number.POSITIVE_INFINITY, cutAfterMs, onBytes }: UploadLinkOptions = {},
): UploadLink {
  const { hostname, port } = new URL(`http://${target}`);
  const open = new Set<End>();
  const counts = { bytesUp: 0, connections: 0, cuts: 0 };
  /** When the last byte so far is through, at the pace. */
  let freeAt = performance.now();

  const newEnd = (isClient: boolean): End => {
    return {
      isClient,
      socket: undefined,
      other: undefined,
      unsent: new Uint8Array(),
      isOver: false,
    };
  };
  /** Gives an end what waits for it; then the other one may send more. */
  const flush = (end: End) => {
    if (end.socket === undefined) return;
    if (end.unsent.length > 0)
      end.unsent = end.unsent.subarray(Math.max(0, end.socket.write(end.unsent)));
    if (end.unsent.length > 0) return;
    if (end.other?.isOver) end.socket.end();
    else goOn(end.other);
  };
  const goOn = (end: End | undefined) => {
    const early = end?.isClient ? freeAt - performance.now() : 0;
    if (early < 2) end?.socket?.resume();
    else setTimeout(() => end?.socket?.resume(), early);
  };
  const over = (end: End) => {
    end.isOver = true;
    open.delete(end);
    if (end.other !== undefined) flush(end.other);
  };
  const handlers = {
    data({ data: end }: Socket<End>, piece: Uint8Array) {
      if (end.isClient) {
        counts.bytesUp += piece.length;
        freeAt = Math.max(freeAt, performance.now()) + (piece.length / bytesPerSecond) * 1000;
        onBytes?.(counts.bytesUp);
      }
      const { other } = end;
      if (other === undefined) return;
      other.unsent =
        other.unsent.length === 0 ? piece.slice() : Buffer.concat([other.unsent, piece]);
      end.socket?.pause();
      flush(other);
    },
    drain: ({ data: end }: Socket<End>) => flush(end),
    end: ({ data: end }: Socket<End>) => over(end),
    close: ({ data: end }: Socket<End>) => over(end),
    error: ({ data: end }: Socket<End>) => over(end),
  };

  const listener = Bun.listen<End>({
    hostname: '127.0.0.1',
    port: 0,
    data: newEnd(true),
    socket: {
      ...handlers,
      open(socket) {
        counts.connections++;
        const client = newEnd(true);
        const upstream = newEnd(false);
        socket.data = client;
        client.socket = socket;
        client.other = upstream;
        upstream.other = client;
        open.add(client);
        if (cutAfterMs !== undefined) setTimeout(() => cut(client), cutAfterMs);
        void Bun.connect<End>({
          hostname,
          port: Number(port),
          data: upstream,
          socket: {
            ...handlers,
            open(connected) {
              upstream.socket = connected;
              open.add(upstream);
              flush(upstream);
            },
          },
        }).catch(() => socket.end());
      },
    },
  });
  const cut = (client: End) => {
    if (client.isOver) return;
    counts.cuts++;
    client.socket?.terminate();
    client.other?.socket?.terminate();
  };
  return {
    host: `127.0.0.1:${listener.port}`,
    get bytesUp() {
      return counts.bytesUp;
    },
    get connections() {
      return counts.connections;
    },
    get cuts() {
      return counts.cuts;
    },
    async idle() {
      while (open.size > 0) await Bun.sleep(5);
    },
    async [Symbol.asyncDispose]() {
      listener.stop(true);
      for (const end of open) end.socket?.terminate();
      await Promise.resolve();
    },
  };
}
