import { connect } from 'node:net';

/** What a server answered to {@link sendRaw}. */
export interface RawAnswer {
  readonly status: number;
  /** Status line and headers as they came. */
  readonly head: string;
  readonly body: string;
}

/** A server that says nothing for so long has forgotten its client. */
const PATIENCE_MS = 10_000;

/**
 * Sends a request as it is written, good or not, over a connection of its own: `METHOD PATH`, lines of
 * headers, an empty line and a body. Length and end of the body are put right, so that an answer must come.
 * @returns undefined when the server closed the connection without one
 */
export function sendRaw(port: number, text: Buffer): Promise<RawAnswer | undefined> {
  const end = text.indexOf('\n\n');
  const [first = '', ...lines] = text
    .subarray(0, end === -1 ? text.length : end)
    .toString('latin1')
    .split('\n');
  const body = end === -1 ? Buffer.alloc(0) : text.subarray(end + 2);
  const framing = /^\s*(?:content-length|transfer-encoding|connection|expect|upgrade|host)\b/i;
  const head = [
    `${first} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    ...lines.filter((line) => !framing.test(line)),
    `Content-Length: ${body.length}`,
    'Connection: close',
  ].join('\r\n');
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer | undefined>();
  const pieces: Buffer[] = [];
  const socket = connect(port, '127.0.0.1');
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('the server does not answer')));
  socket.on('data', (piece) => pieces.push(Buffer.from(piece)));
  socket.on('error', (error) => ('code' in error ? resolve(undefined) : reject(error)));
  socket.on('close', () => resolve(parse(Buffer.concat(pieces))));
  socket.write(Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), body]));
  return promise;
}

function parse(bytes: Buffer): RawAnswer | undefined {
  const text = bytes.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
  if (end === -1 || status === undefined) return undefined;
  return { status: Number(status), head: text.slice(0, end), body: text.slice(end + 4) };
}
