import { expect, test } from 'bun:test';
import { cleanText } from '../../src/http/clean-text.ts';
import { redactText, redactUrl } from '../../src/http/redact.ts';

test.each([
  [
    'https://r.test/v2/a/blobs/uploads/1?_state=abc%3D&digest=sha256:1',
    'https://r.test/v2/a/blobs/uploads/1?_state=REDACTED&digest=sha256:1',
  ],
  [
    'https://s3.test/b?X-Amz-Signature=1&X-Amz-Credential=2&x=3',
    'https://s3.test/b?X-Amz-Signature=REDACTED&X-Amz-Credential=REDACTED&x=3',
  ],
  ['https://az.test/b?sv=1&sig=abc', 'https://az.test/b?sv=1&sig=REDACTED'],
  ['https://me:secret@r.test/', 'https://REDACTED@r.test/'],
  ['https://cf.test/b?Policy=abc&x=1', 'https://cf.test/b?Policy=REDACTED&x=1'],
  ['https://r.test/u?upload_token=abc', 'https://r.test/u?upload_token=REDACTED'],
])('redactUrl() hides what opens doors in %s', (url, safe) => {
  expect(redactUrl(url)).toBe(safe);
  expect(redactUrl(new URL(url))).toBe(safe);
});

test.each([
  ['Authorization: Basic dTpw', 'Authorization: REDACTED'],
  ['sent "authorization": "Bearer abc.def" to it', 'sent "authorization": "REDACTED" to it'],
  ['the token was Bearer eyJhbGciOiJSUzI1NiJ9.e30.abc', 'the token was Bearer REDACTED'],
  ['{"token":"a\\"b","x":1}', '{"token":"REDACTED","x":1}'],
  ['at https://u:p@ss@host/ now', 'at https://REDACTED@host/ now'],
  ['got Bearer short back', 'got Bearer REDACTED back'],
  ['{"refreshToken":"a"}', '{"refreshToken":"REDACTED"}'],
  ['{"SecretAccessKey":"a b"}', '{"SecretAccessKey":"REDACTED"}'],
  ['{\\"SecretAccessKey\\": \\"ab\\"}', '{\\"SecretAccessKey\\": \\"REDACTED\\"}'],
  ['SecretAccessKey=ab, SessionToken: cd', 'SecretAccessKey=REDACTED SessionToken: REDACTED'],
  ['export AWS_SECRET_ACCESS_KEY=ab', 'export AWS_SECRET_ACCESS_KEY=REDACTED'],
  ['aws_secret_access_key = ab', 'aws_secret_access_key = REDACTED'],
  ['<SessionToken>ab</SessionToken>', '<SessionToken>REDACTED</SessionToken>'],
  ['the session token of me has ended', 'the session token of me has ended'],
  ['identitytoken=abc&x', 'identitytoken=REDACTED&x'],
  ['no bearer token was sent', 'no bearer token was sent'],
  ['basic authentication is off', 'basic authentication is off'],
])('redactText() of %s', (text, safe) => {
  expect(redactText(text)).toBe(safe);
});

test('cleanText() makes server text safe for a terminal: one line, no escapes, bounded', () => {
  expect(cleanText('a\u001b[31mred\u0007\r\nb\u009b2J\u202ec')).toBe('a [31mred b 2Jc');
  expect(cleanText('x'.repeat(50), { limit: 10 })).toBe(`${'x'.repeat(10)}…`);
});
