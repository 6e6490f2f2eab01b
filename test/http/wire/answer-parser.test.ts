import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { systemCode } from '../../../src/errors.ts';
import { AnswerParser } from '../../../src/http/wire/answer-parser.ts';

/** What a parser says of bytes that come in pieces, and then end. */
function read(pieces: readonly Uint8Array[]) {
  const seen = { status: 0, reason: '', headers: '', hasBody: false, body: '', ended: 0, code: '' };
  const parser = new AnswerParser({
    onHead({ status, reason, headers, hasBody }) {
      Object.assign(seen, { status, reason, headers: JSON.stringify([...headers]), hasBody });
    },
    onBody(piece) {
      seen.body += Buffer.from(piece).toString('latin1');
    },
    onEnd() {
      seen.ended += 1;
    },
  });
  try {
    for (const piece of pieces) parser.push(piece);
  } catch (error) {
    seen.code = systemCode(error) ?? 'no code';
  }
  return { ...seen, mayEnd: parser.mayEnd };
}

const readText = (text: string) => read([Buffer.from(text, 'latin1')]);

/** A text cut at these places. */
function cut(text: string, places: readonly number[]): readonly Uint8Array[] {
  const bytes = Buffer.from(text, 'latin1');
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort(
    (a, b) => a - b,
  );
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
}

const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';

const GOOD: readonly (readonly [string, string, object])[] = [
  [
    'a length',
    'HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nx-a:  b \r\n\r\nno',
    { status: 413, reason: 'Too Large', body: 'no', ended: 1, hasBody: true },
  ],
  ['no reason', 'HTTP/1.1 201\r\ncontent-length:0\r\n\r\n', { status: 201, reason: '', ended: 1 }],
  [
    'one length twice',
    'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nabc',
    { body: 'a', ended: 1 },
  ],
  [
    'chunks',
    `${CHUNKED}3;x="y"\r\nabc\r\n0A\r\n0123456789\r\n0\r\nx-t: 1\r\n\r\nmore`,
    { body: 'abc0123456789', ended: 1 },
  ],
  [
    'neither',
    'HTTP/1.0 500 Oh\r\n\r\nuntil the end',
    { body: 'until the end', ended: 0, mayEnd: true },
  ],
  [
    'a status without a body',
    'HTTP/1.1 204 X\r\ncontent-length: 5\r\n\r\nabcde',
    { status: 204, hasBody: false, body: '', ended: 1 },
  ],
  ['a 304', 'HTTP/1.1 304 X\r\n\r\n', { status: 304, hasBody: false, ended: 1 }],
  [
    'others before it',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nx: 1\r\n\r\nHTTP/1.1 201 Made\r\ncontent-length: 0\r\n\r\n',
    { status: 201, headers: '[["content-length","0"]]', ended: 1 },
  ],
  [
    'lines that end with LF',
    'HTTP/1.1 201 Made\nx: y\ncontent-length: 2\n\nok',
    { status: 201, reason: 'Made', body: 'ok', ended: 1 },
  ],
  ['trailers that end with LF', `${CHUNKED}2\r\nok\r\n0\r\nx: y\n\n`, { body: 'ok', ended: 1 }],
  [
    'chunks and a length',
    `${CHUNKED.slice(0, -2)}content-length: 5\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    { body: 'ok', ended: 1 },
  ],
  [
    'the coding that is none',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: Identity\r\ncontent-length: 2\r\n\r\nokay',
    { body: 'ok', ended: 1 },
  ],
  [
    'a status of its own',
    'HTTP/1.1 999 No\r\ncontent-length: 0\r\n\r\n',
    { status: 999, ended: 1 },
  ],
];

test.each(GOOD)('AnswerParser reads an answer with %s', (_, text, expected) => {
  expect(readText(text)).toMatchObject({ code: '', mayEnd: true, ...expected });
});

const HEAD = 'HTTP/1.1 200 OK\r\n';

const BAD: readonly (readonly [string, string])[] = [
  ['another protocol', 'SSH-2.0-OpenSSH\r\n'],
  ['HTTP/2', 'HTTP/2 200 OK\r\n'],
  ['a status that is none', 'HTTP/1.1 099 X\r\n'],
  ['a status of two digits', 'HTTP/1.1 20 X\r\n'],
  ['an escape in the reason', 'HTTP/1.1 200 \u001b[2J\r\n'],
  ['a folded header', `${HEAD}x: a\r\n b\r\n`],
  ['a blank before the colon', `${HEAD}x : a\r\n`],
  ['a header without a colon', `${HEAD}x\r\n`],
  ['a NUL in a header', `${HEAD}x: a\0b\r\n`],
  ['a CR in a header', `${HEAD}x: a\rb\r\n`],
  ['two lengths', `${HEAD}content-length: 1\r\ncontent-length: 2\r\n\r\n`],
  ['a list of lengths', `${HEAD}content-length: 1, 1\r\n\r\n`],
  ['a negative length', `${HEAD}content-length: -1\r\n\r\n`],
  ['a length with a sign', `${HEAD}content-length: +1\r\n\r\n`],
  ['a length that no number holds', `${HEAD}content-length: 9999999999999999\r\n\r\n`],
  [
    'chunks and two lengths',
    `${CHUNKED.slice(0, -2)}content-length: 1\r\ncontent-length: 2\r\n\r\n`,
  ],
  ['another coding', `${HEAD}transfer-encoding: gzip, chunked\r\n\r\n`],
  ['chunks of HTTP/1.0', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'],
  ['a chunk size that is none', `${CHUNKED}0x3\r\n`],
  ['a chunk without a size', `${CHUNKED}\r\n`],
  ['a negative chunk', `${CHUNKED}-1\r\n`],
  ['a size of a chunk that ends with LF', `${CHUNKED}1\na`],
  ['a chunk that ends with LF', `${CHUNKED}1\r\na\n`],
  ['a chunk that goes on', `${CHUNKED}1\r\nab\r\n`],
  ['a folded trailer', `${CHUNKED}0\r\nx: a\r\n b\r\n`],
];

test.each(BAD)('AnswerParser refuses %s', (_, text) => {
  expect(readText(text)).toMatchObject({ code: 'Malformed_HTTP_Response', ended: 0 });
});

test.each([
  ['a head', `${HEAD}x: ${'a'.repeat(70_000)}`],
  ['the status line', 'H'.repeat(70_000)],
  ['the fields', `${HEAD}${'x: y\r\n'.repeat(300)}`],
  ['the size of a chunk', `${CHUNKED}1;${'a'.repeat(2000)}`],
  ['the trailers', `${CHUNKED}0\r\n${`x: ${'a'.repeat(1000)}\r\n`.repeat(70)}`],
])('AnswerParser gives %s no more than their bound', (_, text) => {
  expect(readText(text)).toMatchObject({ code: 'ResponseHeadersTooLarge', ended: 0 });
});

test('AnswerParser takes no change of protocols', () => {
  expect(readText('HTTP/1.1 101 X\r\nupgrade: h2c\r\n\r\n').code).toBe('UnrequestedUpgrade');
});

test('AnswerParser says the same however the bytes are cut', () => {
  const texts = [...GOOD.map(([, text]) => text), ...BAD.map(([, text]) => text)];
  fc.assert(
    fc.property(
      fc.constantFrom(...texts),
      fc.array(fc.nat(), { maxLength: 12 }),
      (text, places) => {
        expect(read(cut(text, places))).toEqual(readText(text));
      },
    ),
    { numRuns: 500 },
  );
  for (const text of texts) {
    const bytes = [...Buffer.from(text, 'latin1')].map((byte) => Uint8Array.of(byte));
    expect(read(bytes)).toEqual(readText(text));
  }
});

test('AnswerParser never lets an answer be over that was cut off before its end', () => {
  for (const [, text] of GOOD) {
    const whole = readText(text);
    for (let end = 0; end < text.length; end += 1) {
      const { ended, mayEnd, code } = readText(text.slice(0, end));
      expect(code).toBe('');
      if (ended === 0 && whole.ended === 1) expect(mayEnd).toBe(false);
    }
  }
});

test('AnswerParser throws nothing but errors with the codes of fetch', () => {
  const word = fc.constantFrom(
    ...['HTTP/1.1 200 OK', 'HTTP/1.1 100 X', '\r\n', '\n', '\r', ' ', ':', 'x: y', '5', '0', ';'],
    ...['content-length: 3', 'transfer-encoding: chunked', 'abc', '\0', '\u00ff'],
  );
  const input = fc.array(fc.oneof({ weight: 8, arbitrary: word }, fc.string({ maxLength: 5 })));
  fc.assert(
    fc.property(input, (words) => {
      const { code, ended } = readText(words.join(''));
      expect(['', 'Malformed_HTTP_Response', 'ResponseHeadersTooLarge']).toContain(code);
      expect(ended).toBeLessThanOrEqual(1);
    }),
    { numRuns: 1000 },
  );
});
