import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { readErrorAnswer } from '../../../src/aws/call/error-answer.ts';
import { xmlText } from '../../../src/aws/call/xml.ts';

const read = (text: string, headers: Record<string, string> = {}) =>
  readErrorAnswer(text, new Headers(headers));

describe('readErrorAnswer()', () => {
  test.each([
    ['{"__type":"ExpiredTokenException","message":"old"}', 'ExpiredTokenException', 'old'],
    ['{"__type":"com.amazonaws.ecr#ServerException","Message":"x"}', 'ServerException', 'x'],
    ['{"__type":"ThrottlingException:http://internal/","message":""}', 'ThrottlingException', ''],
    ['{"code":"InternalFailure"}', 'InternalFailure', ''],
    ['{"__type":"X","message":{"a":1}}', 'X', ''],
    [
      '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>not &lt;valid&gt; &amp;amp; &#34;x&#x22;</Message></Error></ErrorResponse>',
      'InvalidClientTokenId',
      'not <valid> &amp; "x"',
    ],
  ])('reads %s', (text, type, message) => {
    expect(read(text)).toEqual({ type, message });
  });

  test('believes the header that names the type', () => {
    const headers = { 'x-amzn-errortype': 'AccessDeniedException:http://internal/' };
    expect(read('{}', headers)).toEqual({ type: 'AccessDeniedException', message: '' });
  });

  test.each([
    '',
    'null',
    '[]',
    '"ExpiredTokenException"',
    '{"__type":7}',
    '{"__type":""}',
    '{"__type":"<script>"}',
    '{"error":"no"}',
    '<html><title>403</title></html>',
    'Code: <Code>X</Code>',
    '<Code><b>X</b></Code>',
  ])('takes %s for no error of AWS', (text) => {
    expect(read(text)).toBeUndefined();
  });

  test('never throws, and gives a type of plain letters', () => {
    const answer = fc.oneof(
      fc.string(),
      fc.json(),
      fc.string().map((type) => JSON.stringify({ __type: type, message: type })),
      fc.string().map((type) => `<Error><Code>${type}</Code><Message>${type}</Message></Error>`),
    );
    fc.assert(
      fc.property(answer, (text) => {
        const error = read(text);
        if (error === undefined) return;
        expect(error.type).toMatch(/^[A-Za-z][\w.]{0,99}$/);
        expect(error.message).not.toMatch(/[\p{Cc}]/u);
      }),
    );
  });
});

describe('xmlText()', () => {
  test('takes the first element of the name, and its entities once', () => {
    const xml = '<a><Arn>x&amp;lt;&quot;&apos;&#x41;&#66;&unknown;</Arn><Arn>y</Arn></a>';
    expect(xmlText(xml, 'Arn')).toBe('x&lt;"\'AB&unknown;');
  });

  test('takes no code point beyond the last for a character', () => {
    expect(xmlText('<A>&#x110000;&#9999999;</A>', 'A')).toBe('&#x110000;&#9999999;');
  });

  test.each(['', '<Arn>', '<Arn>x', '<arn>x</arn>', '<Arn><b/></Arn>', '<Arn x="1">x</Arn>'])(
    'finds none in %j',
    (xml) => {
      expect(xmlText(xml, 'Arn')).toBeUndefined();
    },
  );
});
