import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ending, Reply } from './faulty-registry-faults.ts';

/** Bytes that are taken from a socket before anybody asked for them. */
const READ_AHEAD = 1024 * 1024;

/** How much of a body that nobody wants is read after the answer, as in Go's server. */
const LINGER_BYTES = 256 * 1024;
const LINGER_MS = 500;

/** The first lines of a request. */
export interface Head {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** One connection, read a piece at a time: what is not asked for stays with the client. */
export class Wire {
  readonly socket: Socket;
  readonly #queue: Buffer[] = [];
  #queued = 0;
  #isOver = false;
  #wake = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (piece: Buffer) => {
      this.#queue.push(piece);
      this.#queued += piece.length;
      if (this.#queued > READ_AHEAD) socket.pause();
      this.#wake();
    });
    const onOver = () => {
      this.#isOver = true;
      this.#wake();
    };
    socket.on('end', onOver).on('close', onOver).on('error', onOver);
  }

  /** Whether the client, or we, have ended it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The next bytes, at most `limit`; undefined when there are none any more. */
  async read(limit = Number.POSITIVE_INFINITY): Promise<Buffer | undefined> {
    for (;;) {
      const piece = this.#queue.shift();
      if (piece !== undefined) {
        if (piece.length > limit) this.#queue.unshift(piece.subarray(limit));
        const taken = piece.subarray(0, limit);
        this.#queued -= taken.length;
        if (this.#queued <= READ_AHEAD) this.socket.resume();
        return taken;
      }
      if (this.#isOver) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The next request's first lines; undefined when there is none. */
  async head(): Promise<Head | undefined> {
    let read = Buffer.alloc(0);
    for (;;) {
      const piece = await this.read();
      if (piece === undefined) return undefined;
      read = Buffer.concat([read, piece]);
      const end = read.indexOf('\r\n\r\n');
      if (end === -1) continue;
      const rest = read.subarray(end + 4);
      if (rest.length > 0) this.#queue.unshift(rest);
      this.#queued += rest.length;
      return parseHead(read.subarray(0, end).toString('latin1'));
    }
  }

  /** Waits until the client goes away. */
  async untilOver(): Promise<void> {
    while (!this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Ends the connection. */
  end(by: Ending): void {
    if (by === 'reset') {
      this.socket.resetAndDestroy();
    } else {
      this.socket.end();
      void this.linger(Number.POSITIVE_INFINITY);
    }
  }

  /** Takes what still comes after an answer, for a while; then the connection is gone. */
  async linger(bytes = LINGER_BYTES): Promise<void> {
    const timer = setTimeout(() => this.socket.destroy(), LINGER_MS);
    for (let rest = bytes; rest > 0; ) {
      const piece = await this.read();
      if (piece === undefined) break;
      rest -= piece.length;
    }
    clearTimeout(timer);
    this.socket.destroy();
  }

  /** Whether so few bytes of a body are left that the connection can be kept for them. */
  static isFew(left: number): boolean {
    return left <= LINGER_BYTES;
  }
}

/** How an answer goes out. */
export interface SendOptions {
  readonly method: string;
  /** Milliseconds between two bytes. */
  readonly trickleMs?: number | undefined;
  /** Whether its body has no end. */
  readonly isEndless?: boolean;
}

/** Writes an answer. */
export async function sendReply(
  { socket }: Wire,
  { status, headers = {}, body = '', close }: Reply,
  { method, trickleMs, isEndless = false }: SendOptions,
): Promise<void> {
  const bytes = Buffer.from(body);
  const length = isEndless ? 2 ** 40 : bytes.length;
  const fields = {
    ...(status !== 204 && status !== 304 && { 'content-length': String(length) }),
    ...headers,
    ...(close && { connection: 'close' }),
  };
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    [value].flat().map((each) => `${name}: ${each}\r\n`),
  );
  const head = Buffer.from(`HTTP/1.1 ${status} Said\r\n${lines.join('')}\r\n`, 'latin1');
  const whole = method === 'HEAD' ? head : Buffer.concat([head, bytes]);
  if (trickleMs === undefined) {
    socket.write(whole);
  } else {
    for (const byte of whole) {
      if (socket.destroyed) return;
      socket.write(Uint8Array.of(byte));
      await sleep(trickleMs);
    }
  }
  if (isEndless && method !== 'HEAD') await writeWithoutEnd(socket);
}

async function writeWithoutEnd(socket: Socket): Promise<void> {
  const piece = Buffer.alloc(64 * 1024, ' ');
  while (!socket.destroyed) {
    if (!socket.write(piece)) {
      await new Promise((resolve) => socket.once('drain', resolve).once('close', resolve));
    }
  }
}

function parseHead(head: string): Head {
  const [first = '', ...lines] = head.split('\r\n');
  const [method = '', target = ''] = first.split(' ');
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return { method, target, headers };
}
