import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Credential } from '../../src/credentials/credential.ts';
import {
  assertServerText,
  fromHelperLogin,
  isHelperName,
  parseGetAnswer,
  parseListAnswer,
  toHelperLogin,
} from '../../src/credentials/helper-protocol.ts';
import { parseServer } from '../../src/credentials/server-name.ts';
import { FinchError } from '../../src/errors.ts';

const server = parseServer('ghcr.io');

function parsed(answer: string): Credential | undefined {
  return parseGetAnswer(new TextEncoder().encode(answer), { helper: 'it', server });
}

function listed(answer: unknown) {
  return parseListAnswer(new TextEncoder().encode(JSON.stringify(answer)), 'it');
}

describe('parseGetAnswer()', () => {
  test('reads what Go programs write', () => {
    const answer = '{"ServerURL":"ghcr.io","Username":"me","Secret":"a\\u003cb\\u0026c"}\n';
    expect(parsed(answer)).toEqual({ kind: 'password', username: 'me', secret: 'a<b&c' });
  });

  test('passes over further keys and further white space', () => {
    const answer = '\n {"Username":"me","Secret":"s","Expires":1,"Extra":{"a":[]}} \n\n';
    expect(parsed(answer)).toEqual({ kind: 'password', username: 'me', secret: 's' });
  });

  test.each(['', 'ghcr.io', 'GHCR.io', 'https://ghcr.io', 'https://ghcr.io:443/v2/'])(
    'takes an answer for the same host: %j',
    (ServerURL) => {
      const answer = JSON.stringify({ ServerURL, Username: 'me', Secret: 's' });
      expect(parsed(answer)).toMatchObject({ username: 'me' });
    },
  );

  test('<token> stands for an identity token', () => {
    expect(parsed('{"Username":"<token>","Secret":"a.b.c"}')).toEqual({
      kind: 'identity-token',
      token: 'a.b.c',
    });
  });

  test('an answer that is empty is no login, whatever server it names', () => {
    expect(parsed('{"ServerURL":"x","Username":"","Secret":""}\n')).toBeUndefined();
  });
});

test('parseListAnswer() leaves out what is no login', () => {
  const answer = {
    'ghcr.io': 'me',
    'https://index.docker.io/v1/': '<token>',
    'quay.io': '',
    '': 'nobody',
    'a b': 'spaces',
    '\u001b[2J.example': 'terminal',
    'number.example': 1,
    'line.example': 'a\nb',
  };
  expect(listed(answer)).toEqual([
    { key: 'ghcr.io', username: 'me' },
    { key: 'https://index.docker.io/v1/', username: undefined },
    { key: 'quay.io', username: undefined },
  ]);
});

test.each(['Secret', 'Username', 'ServerURL'])(
  'parseListAnswer() refuses a login, by its %s',
  (key) => {
    expect(() => listed({ 'ghcr.io': 'me', [key]: 'x' })).toThrow(
      /^the answer of it to list is a login$/,
    );
  },
);

test('parseListAnswer() reads no list without end', () => {
  const many = Object.fromEntries(
    Array.from({ length: 20_000 }, (_, i) => [`h${i}.example`, 'me']),
  );
  expect(() => listed(many)).toThrow(FinchError);
  expect(() => listed([])).toThrow('the answer of it is not a JSON object');
  expect(listed(null)).toEqual([]);
});

test.each(['ghcr.io', 'https://index.docker.io/v1/', 'localhost:5000', '[::1]:5000'])(
  'assertServerText(%j) takes a server',
  (text) => {
    assertServerText(text);
  },
);

test.each([
  ...['', 'ghcr.io\n', 'ghcr.io\nevil.example', 'ghcr.io\r', 'ghcr.io\0', ' ghcr.io', 'a b'],
  ...['https://me:secret@ghcr.io', 'https:///evil', 'ghcr%2eio', 'ghcr.io\\evil', 'bücher.example'],
  ...['-x', '\ud800.example', `${'a'.repeat(5000)}.example`, `ghcr.io/${'a'.repeat(5000)}`],
])('assertServerText(%j) throws USAGE', (text) => {
  expect(() => assertServerText(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
});

test('isHelperName() takes names, and nothing that leads elsewhere', () => {
  expect(['pass', 'ecr-login', 'osxkeychain', 'gcr.2', 'A_b'].filter(isHelperName)).toHaveLength(5);
  const bad = ['', '.', '..', '-x', 'a/b', 'a\\b', 'a b', 'a;b', '$(a)', 'a\n', 'é', 'a\0b'];
  expect(bad.filter(isHelperName)).toEqual([]);
});

test('a login that can be kept comes back as it was', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary' }),
      (username, secret) => {
        const credential: Credential = { kind: 'password', username, secret };
        const login = toHelperLogin(credential);
        if (login === undefined) throw new Error('a password cannot be carried');
        const back = fromHelperLogin(login);
        const isRefused = typeof back === 'string' || username === '<token>' || back === undefined;
        if (!isRefused) expect(parsed(JSON.stringify(login))).toEqual(credential);
      },
    ),
  );
});
