import { type AnswerHead, type AnswerListener, AnswerParser } from './answer-parser.ts';
import { type Connection, connectionClosed } from './connection.ts';
import { malformed } from './malformed.ts';

/** Bytes of an answer that may wait for their reader. What registries say to an upload is far less. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024;

/** From this status on an answer says that the body is of no use. */
const REFUSALS = 300;

/** One request and its answer, on a connection of their own that ends with them. */
export class Exchange implements AnswerListener {
  readonly #connection: Connection;
  readonly #parser = new AnswerParser(this);
  readonly #answer = Promise.withResolvers<Response>();
  #body: ReadableStreamDefaultController<Uint8Array> | undefined;
  #isSent = false;
  /** Why the connection has ended, where the server did not simply close it. */
  #broken: unknown = connectionClosed();
  #isRefused = false;
  #isWhole = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Sends the request. Its answer is there when its head is, and the request has gone out or was refused.
   * A success counts only when all has gone out.
   * @throws what `pieces` throws, and what ends the connection before
   */
  async run(pieces: AsyncIterable<Uint8Array>): Promise<Response> {
    const sending = this.#send(pieces);
    sending.catch((error: unknown) => {
      // A refusal can still be read.
      if (!this.#isRefused) this.#connection.close(error);
    });
    const response = await this.#answer.promise;
    if (this.#isRefused) return response;
    await sending;
    // What was not sent cannot have been taken, whatever the server said ahead of it.
    if (!this.#isSent) throw this.#broken;
    return response;
  }

  /** Takes what comes over the connection. */
  receive(piece: Uint8Array): void {
    this.#parser.push(piece);
  }

  /** Is told that the connection has ended, and why where it was not simply closed by the server. */
  end(error: unknown): void {
    this.#broken = error ?? this.#broken;
    if (this.#isWhole) return;
    if (error === undefined && this.#parser.mayEnd) {
      this.onEnd();
      return;
    }
    const reason = error ?? connectionClosed();
    // Nobody waits for it yet where the connection does not come about.
    this.#answer.promise.catch(() => {});
    this.#answer.reject(reason);
    this.#body?.error(reason);
  }

  onHead({ status, reason, headers, hasBody }: AnswerHead): void {
    this.#isRefused = status >= REFUSALS;
    if (this.#isRefused) this.#connection.stopSending();
    // What is no status of HTTP counts as a fault of the server. https://www.rfc-editor.org/rfc/rfc9110#section-15
    const init = { status: Math.min(status, 599), statusText: reason, headers };
    this.#answer.resolve(new Response(hasBody ? this.#bodyStream() : null, init));
  }

  onBody(piece: Uint8Array): void {
    this.#body?.enqueue(piece);
    if ((this.#body?.desiredSize ?? 0) < 0) throw malformed();
  }

  onEnd(): void {
    this.#isWhole = true;
    this.#body?.close();
    this.#closeWhenOver();
  }

  async #send(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const piece of pieces) {
      if (!(await this.#connection.send(piece))) return;
    }
    this.#isSent = true;
    this.#closeWhenOver();
  }

  #closeWhenOver(): void {
    if (!this.#isWhole) return;
    if (this.#isSent) this.#connection.finish();
    else if (this.#isRefused) this.#connection.close();
  }

  #bodyStream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#body = controller;
        },
        cancel: () => {
          this.#isWhole = true;
          this.#connection.close();
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: MOST_WAITING_BYTES }),
    );
  }
}
