import { systemCode } from '../../../src/errors.ts';
import { AnswerParser } from '../../../src/http/wire/answer-parser.ts';
import { promise, promiseSame } from '../promises.ts';
import { pureTarget } from '../target.ts';

/** Answers to uploads that go by our own writer. */
export const httpAnswer = pureTarget({
  name: 'HTTP answer',
  share: 60,
  words: [
    ...['HTTP/1.1 ', '200 OK', '100 Continue', '204 X', '\r\n', '\r\n\r\n', '\n', ' ', '\t'],
    ...['content-length: ', 'transfer-encoding: chunked', 'x: y', '5', '0', 'ffffffffffff', ';'],
  ],
  seeds: [
    'HTTP/1.1 201 Created\r\nlocation: /v2/a/blobs/b\r\ncontent-length: 0\r\n\r\n',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno',
    'HTTP/1.1 400 Bad\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nt: 1\r\n\r\n',
    'HTTP/1.0 500 Oh\r\n\r\nuntil the end',
  ],
  run(bytes) {
    const whole = read(bytes, bytes.length);
    promise(whole.ends <= 1, 'it ended more than once');
    promiseSame(read(bytes, 1), whole, 'byte by byte');
    promiseSame(read(bytes, 7), whole, 'in pieces');
  },
});

const CODES = ['Malformed_HTTP_Response', 'ResponseHeadersTooLarge', 'UnrequestedUpgrade'];

/** What comes of bytes in pieces of this length. */
function read(bytes: Uint8Array, length: number) {
  const seen = { status: 0, body: '', ends: 0, code: '' };
  const parser = new AnswerParser({
    onHead: ({ status }) => void Object.assign(seen, { status }),
    onBody: (piece) =>
      void Object.assign(seen, { body: seen.body + Buffer.from(piece).toString('latin1') }),
    onEnd: () => void Object.assign(seen, { ends: seen.ends + 1 }),
  });
  try {
    for (let i = 0; i < bytes.length; i += length) parser.push(bytes.subarray(i, i + length));
  } catch (error) {
    const code = systemCode(error) ?? '';
    if (!CODES.includes(code)) throw error;
    Object.assign(seen, { code });
  }
  return { ...seen, mayEnd: parser.mayEnd };
}
