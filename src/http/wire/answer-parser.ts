import { LineBuffer } from './line-buffer.ts';
import { malformed } from './malformed.ts';

/** Bytes of all lines before a body, or after one in chunks. */
const MOST_HEAD_BYTES = 64 * 1024;

/** Bytes of a line that says how long a chunk is. */
const MOST_SIZE_BYTES = 1024;

/** Fields of one head. */
const MOST_FIELDS = 256;

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\u0020-\u007e\u0080-\u00ff]*))?$/;

/** A name, and a value without the blanks around it. A line that goes on with a blank is none. */
const FIELD = /^([!#$%&'*+\-.^_`|~\dA-Za-z]+):[\t ]*([\t\u0020-\u007e\u0080-\u00ff]*?)[\t ]*$/;

const CHUNK_SIZE = /^([\dA-Fa-f]{1,13})[\t ]*(?:;[\t\u0020-\u007e\u0080-\u00ff]*)?$/;

const LENGTH = /^\d{1,15}$/;

/** What an answer says before its body. */
export interface AnswerHead {
  readonly status: number;
  /** The words after the status. */
  readonly reason: string;
  readonly headers: Headers;
  /** Whether a body may follow. */
  readonly hasBody: boolean;
}

/** Hears of an answer as it comes: once of its head, then of each piece of its body, then of its end. */
export interface AnswerListener {
  onHead(head: AnswerHead): void;
  onBody(piece: Uint8Array): void;
  onEnd(): void;
}

/** What the next bytes are. */
type State = 'status' | 'field' | 'body' | 'size' | 'chunk' | 'chunkEnd' | 'trailer' | 'over';

/**
 * Reads the answer to one request of any method but HEAD, from pieces that may be cut anywhere. Answers that
 * are not the last one (1xx) are left out, and so is what comes after the end. It takes what fetch takes of
 * what two readers could take for two things, since nothing else comes over the connection; the rest is an error.
 * https://www.rfc-editor.org/rfc/rfc9112
 */
export class AnswerParser {
  readonly #listener: AnswerListener;
  readonly #lines = new LineBuffer();
  #state: State = 'status';
  #status = { code: 0, reason: '', isOld: false };
  #fields: [string, string][] = [];
  /** Bytes of the body, or of the chunk, that are still to come. */
  #missing = 0;

  constructor(listener: AnswerListener) {
    this.#listener = listener;
  }

  /**
   * Takes the next bytes.
   * @throws Error with the code `Malformed_HTTP_Response`, `ResponseHeadersTooLarge` or `UnrequestedUpgrade`
   */
  push(piece: Uint8Array): void {
    let rest = piece;
    while (rest.length > 0 && this.#state !== 'over') {
      const isBody = this.#state === 'body' || this.#state === 'chunk';
      rest = isBody ? this.#takeBody(rest) : this.#takeLine(rest);
    }
  }

  /** Whether the connection may end here: the answer is whole, or its end is that of the connection. */
  get mayEnd(): boolean {
    return this.#state === 'over' || this.#missing === Number.POSITIVE_INFINITY;
  }

  #takeBody(bytes: Uint8Array): Uint8Array {
    const piece = bytes.subarray(0, this.#missing);
    this.#missing -= piece.length;
    this.#listener.onBody(piece);
    if (this.#missing === 0) {
      if (this.#state === 'chunk') this.#state = 'chunkEnd';
      else this.#finish();
    }
    return bytes.subarray(piece.length);
  }

  #takeLine(bytes: Uint8Array): Uint8Array {
    const limit = this.#state === 'size' ? MOST_SIZE_BYTES : MOST_HEAD_BYTES;
    const { line, rest } = this.#lines.take(bytes, limit);
    if (line !== undefined) this.#readLine(line);
    return rest;
  }

  #readLine(ended: string): void {
    const line = ended.replace(/\r$/, '');
    // A LF alone ends a line of a head, but none of a body in chunks.
    const isOfChunk = this.#state === 'size' || this.#state === 'chunkEnd';
    if (isOfChunk && line === ended) throw malformed();
    if (this.#state === 'status') this.#readStatus(line);
    else if (this.#state === 'size') this.#readSize(line);
    else if (this.#state === 'chunkEnd') this.#endChunk(line);
    else if (line !== '') this.#readField(line);
    else if (this.#state === 'field') this.#endHead();
    else this.#finish();
  }

  #readStatus(line: string): void {
    const [, version, code, reason = ''] = STATUS_LINE.exec(line) ?? [];
    if (code === undefined) throw malformed();
    this.#status = { code: Number(code), reason, isOld: version === '0' };
    this.#fields = [];
    this.#state = 'field';
  }

  #readField(line: string): void {
    const [, name, value] = FIELD.exec(line) ?? [];
    if (name === undefined || value === undefined) throw malformed();
    if (this.#fields.length === MOST_FIELDS) throw malformed('ResponseHeadersTooLarge');
    this.#fields.push([name, value]);
  }

  #endHead(): void {
    this.#lines.reset();
    const { code, reason } = this.#status;
    if (code === 101) throw malformed('UnrequestedUpgrade');
    if (code < 200) {
      this.#state = 'status';
      return;
    }
    // A 205 has none either, but may say so in a length.
    const hasBody = ![204, 205, 304].includes(code);
    this.#missing = hasBody ? this.#bodyLength() : 0;
    this.#listener.onHead({ status: code, reason, headers: new Headers(this.#fields), hasBody });
    if (this.#missing === 0) this.#finish();
    else if (Number.isNaN(this.#missing)) this.#expectSize();
    else this.#state = 'body';
  }

  /** NaN for a body in chunks, infinity for one that the end of the connection ends. */
  #bodyLength(): number {
    const codings = this.#values('transfer-encoding').map((one) => one.toLowerCase());
    const named = codings.filter((one) => one !== 'identity');
    const lengths = new Set(this.#values('content-length'));
    const [length] = lengths;
    if (lengths.size > 1 || (length !== undefined && !LENGTH.test(length))) throw malformed();
    if (named.length > 0) {
      if (named.join() !== 'chunked' || this.#status.isOld) throw malformed();
      // Whatever the length says: nothing follows this answer that a wrong one could cut in two.
      return Number.NaN;
    }
    return length === undefined ? Number.POSITIVE_INFINITY : Number(length);
  }

  #values(wanted: string): readonly string[] {
    return this.#fields.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
  }

  #endChunk(line: string): void {
    if (line !== '') throw malformed();
    this.#expectSize();
  }

  #expectSize(): void {
    this.#lines.reset();
    this.#state = 'size';
  }

  #readSize(line: string): void {
    const [, size] = CHUNK_SIZE.exec(line) ?? [];
    if (size === undefined) throw malformed();
    this.#lines.reset();
    this.#fields = [];
    this.#missing = Number.parseInt(size, 16);
    this.#state = this.#missing === 0 ? 'trailer' : 'chunk';
  }

  #finish(): void {
    this.#state = 'over';
    this.#listener.onEnd();
  }
}
