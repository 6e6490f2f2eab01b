import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';
import type { ServerTls } from './fake-registry.ts';
import { type Asked, answer, type Registry } from './faulty-registry-api.ts';
import { type Fault, Faults, type Reply, type SeenExchange } from './faulty-registry-faults.ts';
import { distributionLike, type RegistryProfile } from './faulty-registry-profiles.ts';
import { RegistryState } from './faulty-registry-state.ts';
import { type Head, sendReply, Wire } from './faulty-registry-wire.ts';

/** How {@link startFaultyRegistry} answers. */
export interface FaultyOptions {
  /** Default: as distribution does. */
  readonly profile?: RegistryProfile;
  readonly faults?: readonly Fault[];
  readonly tls?: ServerTls;
  /** Judges each request by its first lines, for example whether it brings a token. */
  readonly guard?: (seen: SeenExchange) => Reply | undefined;
  /** The port, for one that comes back where another was. Default: a free one. */
  readonly port?: number;
  /** What it has; default: nothing. */
  readonly state?: RegistryState;
}

/** A registry over real sockets that does what its faults say. */
export interface FaultyRegistry extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly origin: string;
  readonly state: RegistryState;
  readonly faults: Faults;
  /** Every request in order, also those without an answer. */
  readonly log: readonly SeenExchange[];
  /** The requests, `METHOD path?query`, those that begin with `start`. */
  lines(start?: string): readonly string[];
  /** How many requests begin with `start`, or match. */
  count(on: string | RegExp): number;
  /** Body bytes that came in, of requests that begin with `start`. */
  bodyBytes(start?: string): number;
  /** Connections that are open. */
  openConnections(): number;
}

/** Starts a registry on a port of this machine. It ends with its `await using`, whatever still runs. */
export async function startFaultyRegistry(options: FaultyOptions = {}): Promise<FaultyRegistry> {
  const { profile = distributionLike, tls, state = new RegistryState() } = options;
  const sockets = new Set<Socket>();
  const log: SeenExchange[] = [];
  const faults = new Faults(options.faults ?? []);
  const started = performance.now();
  let connections = 0;
  const onSocket = (socket: Socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    const connection = ++connections;
    const note = (head: Head) => {
      const seen = seenOf(head, { connection, at: performance.now() - started });
      log.push(seen);
      return seen;
    };
    serve(new Wire(socket), { registry, faults, note, guard: options.guard }).catch(() =>
      socket.destroy(),
    );
  };
  const server =
    tls === undefined
      ? createServer({ allowHalfOpen: true }, onSocket)
      : createTlsServer(
          { cert: await Bun.file(tls.certificate).text(), key: await Bun.file(tls.key).text() },
          onSocket,
        ).on('tlsClientError', () => {});
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const host = `127.0.0.1:${port}`;
  const origin = `${tls ? 'https' : 'http'}://${host}`;
  const registry: Registry = { state, profile, origin };
  const matching = (start: string) => log.filter(({ line }) => line.startsWith(start));
  return {
    ...{ host, port, origin, state, faults, log },
    lines: (start = '') => matching(start).map(({ line }) => line),
    count: (on) =>
      typeof on === 'string' ? matching(on).length : log.filter(({ line }) => on.test(line)).length,
    bodyBytes: (start = '') => matching(start).reduce((sum, { bodyBytes }) => sum + bodyBytes, 0),
    openConnections: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function seenOf(
  { method, target, headers }: Head,
  { connection, at }: Pick<SeenExchange, 'connection' | 'at'>,
): SeenExchange {
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? '' : target.slice(mark);
  const line = `${method} ${target}`;
  return { connection, method, path, query, line, headers, at, bodyBytes: 0, status: 0 };
}

/** What the requests of one connection are answered by. */
interface Serving {
  readonly registry: Registry;
  readonly faults: Faults;
  readonly note: (head: Head) => SeenExchange;
  readonly guard: FaultyOptions['guard'];
}

/** Answers the requests of one connection, one after another. */
async function serve(wire: Wire, { registry, faults, note, guard }: Serving): Promise<void> {
  for (let isAmbushed = false; ; ) {
    const head = await wire.head();
    if (head === undefined) return void wire.socket.end();
    const seen = note(head);
    if (isAmbushed) return wire.end('reset');
    const due = faults.of(seen.line);
    const length = Number(seen.headers['content-length'] ?? 0);
    const whole = await replyTo({ wire, seen, length, due, guard, registry });
    if (whole === undefined) return;
    const left = length - seen.bodyBytes;
    const isBroken = left > 0 && !Wire.isFew(left);
    const close = whole.close === true || isBroken;
    seen.status = whole.status;
    for (const fault of due) {
      if (fault.does === 'wait') await sleep(fault.ms);
      if (fault.does === 'noise') wire.socket.write(fault.bytes);
      if (fault.does === 'ambush') isAmbushed = true;
    }
    await sendReply(
      wire,
      { ...whole, close },
      {
        method: seen.method,
        trickleMs: due.find((fault) => fault.does === 'trickle')?.ms,
        isEndless: due.some(({ does }) => does === 'endless'),
      },
    );
    if (close) {
      wire.socket.end();
      return wire.linger();
    }
    for (let rest = left; rest > 0; ) {
      const piece = await wire.read(rest);
      if (piece === undefined) return;
      seen.bodyBytes += piece.length;
      rest -= piece.length;
    }
  }
}

/** Thrown into what reads a body of which no more comes. */
class Broken extends Error {}

/** The answer to one request; undefined when there is none, and the connection is over. */
async function replyTo({
  wire,
  seen,
  length,
  due,
  guard,
  registry,
}: {
  readonly wire: Wire;
  readonly seen: SeenExchange;
  readonly length: number;
  readonly due: readonly Fault[];
  readonly guard: FaultyOptions['guard'];
  readonly registry: Registry;
}): Promise<Reply | undefined> {
  const refused = guard?.(seen);
  if (refused !== undefined) return refused;
  const ending = due.find(({ does }) => ['cut', 'stall', 'reply', 'lose'].includes(does));
  const isEarly = ending !== undefined && ending.does !== 'lose';
  const last = isEarly ? Math.min(ending.after ?? length, length) : length;
  async function* body(): AsyncGenerator<Uint8Array> {
    while (seen.bodyBytes < last) {
      const piece = await wire.read(last - seen.bodyBytes);
      if (piece === undefined) throw new Broken();
      seen.bodyBytes += piece.length;
      yield piece;
    }
    if (last < length) throw new Broken();
  }
  const asked: Asked = { seen, length, body };
  let reply: Reply | undefined;
  try {
    if (isEarly && ending.after === undefined) {
      for await (const _ of body());
    } else {
      reply = await answer(registry, asked);
    }
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    if (!isEarly) {
      wire.socket.destroy();
      return undefined;
    }
  }
  switch (ending?.does) {
    case 'cut':
    case 'lose':
      wire.end(ending.by ?? 'reset');
      return undefined;
    case 'stall':
      await wire.untilOver();
      return undefined;
    case 'reply':
      return typeof ending.with === 'function' ? ending.with(seen) : ending.with;
    default:
  }
  if (reply === undefined) return undefined;
  return due.reduce((said, fault) => (fault.does === 'alter' ? fault.to(said, seen) : said), reply);
}
