import { systemCode } from '../../errors.ts';

/** What fetch offers, too: one name after its length. */
const HTTP_1_1 = '\u0008http/1.1';

/** Codes of a handshake that did not come to its end; others tell of the certificate. */
const NO_HANDSHAKE = ['EPROTO', 'ECONNRESET'];

/** Options of a {@link Connection}. */
export interface ConnectionOptions {
  readonly tls?: Bun.TLSOptions | undefined;
  /** Closes the connection, at any time. */
  readonly signal: AbortSignal;
  /** Gets what comes. When it throws, the connection is closed with that. */
  readonly onData: (piece: Uint8Array) => void;
  /** Called once when an open connection has ended, and why where the server did not simply close it. */
  readonly onClose: (error: unknown) => void;
}

/** A TLS connection to a server whose certificate is checked as fetch checks it. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #secured = Promise.withResolvers<void>();
  readonly #onAbort = () => this.close(this.#options.signal.reason);
  #socket: Bun.Socket | undefined;
  #isOver = false;
  #takesMore = true;
  #wake = () => {};

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /**
   * Connects, and checks the certificate: against the name of the TLS settings, or else the host; by their
   * authorities, or else by those of the system, `SSL_CERT_FILE` and `NODE_EXTRA_CA_CERTS`.
   * @throws Error with the code that fetch has for the same; the reason of the signal
   */
  async open({ hostname, port }: Pick<URL, 'hostname' | 'port'>): Promise<void> {
    const { tls, signal } = this.#options;
    signal.throwIfAborted();
    signal.addEventListener('abort', this.#onAbort);
    // An address is no name for servers that have several. It is what the certificate is checked against.
    // https://www.rfc-editor.org/rfc/rfc6066#section-3
    const isAddress = /^\[|^[\d.]+$/.test(hostname);
    const opened = Promise.try(() =>
      Bun.connect({
        hostname: hostname.replace(/^\[|\]$/g, ''),
        port: Number(port) || 443,
        tls: { ALPNProtocols: HTTP_1_1, ...(isAddress && { serverName: '' }), ...tls },
        socket: {
          open: (socket) => this.#hold(socket),
          handshake: (socket, isTrusted, error) => this.#judge(socket, isTrusted, error),
          data: (_, piece) => this.#receive(piece),
          drain: () => this.#wake(),
          error: (_, error) => this.close(error),
          close: (_, error) => this.#end(error),
        },
      }),
    );
    opened.catch((error: unknown) => this.#end(error));
    await this.#secured.promise;
  }

  /**
   * Sends bytes, and is done when the system has taken all of them: their buffer may be used again then.
   * @returns false when there is no use in sending more: the connection has ended, or {@link stopSending}
   */
  async send(bytes: Uint8Array): Promise<boolean> {
    for (let start = 0; this.#takesMore; ) {
      // A connection that is about to end says -1.
      start += Math.max(0, this.#socket?.write(bytes, start, bytes.length - start) ?? 0);
      if (start === bytes.length) return true;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return false;
  }

  /** Ends what {@link send} waits for, now and from now on. */
  stopSending(): void {
    this.#takesMore = false;
    this.#wake();
  }

  /** Closes it; what was sent still goes out. */
  finish(): void {
    this.#end(undefined);
    this.#socket?.close();
  }

  /** Breaks it off. What is done first is the reason. */
  close(error?: unknown): void {
    this.#end(error);
    this.#socket?.terminate();
  }

  #hold(socket: Bun.Socket): void {
    this.#socket = socket;
    if (this.#isOver) socket.terminate();
  }

  #judge(socket: Bun.Socket, isTrusted: boolean, error: Error | null): void {
    const isUnchecked = this.#options.tls?.rejectUnauthorized === false;
    const isGood = isUnchecked
      ? !NO_HANDSHAKE.includes(systemCode(error) ?? '')
      : isTrusted && error === null && socket.authorized;
    if (isGood) this.#secured.resolve();
    else this.close(error);
  }

  #receive(piece: Uint8Array): void {
    if (this.#isOver) return;
    try {
      this.#options.onData(piece);
    } catch (error) {
      this.close(error);
    }
  }

  #end(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#secured.reject(error ?? connectionClosed());
    this.stopSending();
    this.#options.onClose(error ?? undefined);
  }
}

/** The error for a connection that the server has closed too early. */
export function connectionClosed(): Error {
  return Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' });
}
