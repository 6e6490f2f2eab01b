import type { Socket } from 'bun';

/** An answer of which the body was counted and thrown away. */
export interface PlainAnswer {
  readonly status: number;
  /** Of the headers; empty when there is none. */
  readonly location: string;
  readonly bodyBytes: number;
}

interface Receiving {
  readonly answered: PromiseWithResolvers<PlainAnswer>;
  readonly hasBody: boolean;
  head: string;
  answer: { status: number; location: string; bodyBytes: number } | undefined;
  left: number;
}

/**
 * HTTP/1.1 on one plain socket, one request after the other: so little work for the one who asks that
 * a measurement shows the server. Answers must have a `Content-Length`.
 */
export class PlainConnection {
  readonly #host: string;
  #socket: Socket<undefined> | undefined;
  #receiving: Receiving | undefined;
  #unsent: Uint8Array = new Uint8Array();

  private constructor(host: string) {
    this.#host = host;
  }

  /** @param host `127.0.0.1:PORT` */
  static async open(host: string): Promise<PlainConnection> {
    const connection = new PlainConnection(host);
    const [hostname = '', port] = host.split(':');
    const gone = (error: Error) => connection.#receiving?.answered.reject(error);
    connection.#socket = await Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        data: (_, piece) => connection.#receive(piece),
        drain: () => connection.#send(),
        error: (_, error) => gone(error),
        close: () => gone(new Error('the server closed the connection')),
      },
    });
    return connection;
  }

  /** Sends a request; settles when all of the answer came. */
  ask(method: string, path: string, body?: Uint8Array, type?: string): Promise<PlainAnswer> {
    const answered = Promise.withResolvers<PlainAnswer>();
    const hasBody = method !== 'HEAD';
    this.#receiving = { answered, hasBody, head: '', answer: undefined, left: 0 };
    const lines = [`${method} ${path} HTTP/1.1`, `Host: ${this.#host}`];
    if (type !== undefined) lines.push(`Content-Type: ${type}`);
    if (method !== 'GET' && method !== 'HEAD') lines.push(`Content-Length: ${body?.length ?? 0}`);
    const head = new TextEncoder().encode(`${lines.join('\r\n')}\r\n\r\n`);
    this.#unsent = body === undefined ? head : Buffer.concat([head, body]);
    this.#send();
    return answered.promise;
  }

  close(): void {
    this.#socket?.end();
  }

  #send(): void {
    const sent = this.#socket?.write(this.#unsent) ?? 0;
    this.#unsent = this.#unsent.subarray(Math.max(0, sent));
  }

  #receive(piece: Uint8Array): void {
    const now = this.#receiving;
    if (now === undefined) return;
    let body = piece.length;
    if (now.answer === undefined) {
      const before = now.head.length;
      now.head += new TextDecoder('latin1').decode(piece.subarray(0, 8192));
      const end = now.head.indexOf('\r\n\r\n');
      if (end < 0) return;
      body = piece.length - (end + 4 - before);
      const head = now.head.slice(0, end);
      const field = (name: string) => new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1] ?? '';
      now.left = now.hasBody ? Number(field('content-length')) : 0;
      const status = Number(head.slice(9, 12));
      now.answer = { status, location: field('location').trim(), bodyBytes: now.left };
    }
    now.left -= body;
    if (now.left <= 0) now.answered.resolve(now.answer);
  }
}
