import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { cleanText } from '../../src/http/clean-text.ts';
import { hideAuthorization, hideSecret, hideToken, redactText } from '../../src/http/redact.ts';
import { CANARY } from '../support/canary.ts';

/** The ways in which servers, programs and log files write what they were sent. */
const SPELLINGS: Readonly<Record<string, (secret: string) => string>> = {
  plain: (secret) => secret,
  'in a URL': encodeURIComponent,
  'in a URL with small letters': (secret) =>
    encodeURIComponent(secret).replace(/%../g, (code) => code.toLowerCase()),
  'in a URL in a URL': (secret) => encodeURIComponent(encodeURIComponent(secret)),
  'every byte percent-encoded': (secret) =>
    Buffer.from(secret).toString('hex').replace(/../g, '%$&'),
  'in a form': (secret) => new URLSearchParams({ p: secret }).toString(),
  'in JSON': (secret) => JSON.stringify({ p: secret }),
  'in JSON in JSON': (secret) => JSON.stringify(JSON.stringify({ p: secret })),
  'in JSON as PHP writes it': (secret) =>
    JSON.stringify(secret)
      .replaceAll('/', '\\/')
      .replace(/[^\0-~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  'in HTML': (secret) => secret.replace(/[&<>"']/g, (unit) => `&#${unit.charCodeAt(0)};`),
  'in hexadecimal': (secret) => Buffer.from(secret).toString('hex'),
  'in hexadecimal with capital letters': (secret) =>
    Buffer.from(secret).toString('hex').toUpperCase(),
  'in base64': (secret) => Buffer.from(secret).toString('base64'),
  'in base64url': (secret) => Buffer.from(secret).toString('base64url'),
  'in the base64 of a login': (secret) => Buffer.from(`me:${secret}`).toString('base64'),
  'in the base64 of a longer text': (secret) =>
    Buffer.from(`{"a":"${secret}","b":1}`).toString('base64'),
  'in base64 in a URL': (secret) =>
    encodeURIComponent(Buffer.from(`x:${secret}`).toString('base64')),
};

/** Whether a text gives a secret away to who reads it closely. */
function givesAway(text: string, secret: string): boolean {
  const plain = [text];
  for (let round = 0; round < 3; round++) {
    const last = plain.at(-1) ?? '';
    plain.push(
      last.replace(/(?:%[\da-f]{2})+/gi, (run) =>
        Buffer.from(run.replaceAll('%', ''), 'hex').toString(),
      ),
    );
  }
  const inBase64 = (text.match(/[\w+/-]{4,}/g) ?? []).flatMap((run) =>
    [0, 1, 2, 3].map((start) => Buffer.from(run.slice(start), 'base64').toString()),
  );
  const inHex = (text.match(/(?:[\da-f]{2}){4,}/gi) ?? []).map((run) =>
    Buffer.from(run, 'hex').toString(),
  );
  return [...plain, ...inHex, ...inBase64].some((form) => form.includes(secret));
}

test.each(Object.entries(SPELLINGS))(
  'redactText() hides a secret of this process %s',
  (_, spell) => {
    hideSecret(CANARY);
    const shown = redactText(`the server said <${spell(CANARY)}> to us`);
    expect(givesAway(shown, CANARY)).toBe(false);
    expect(shown).toContain('REDACTED');
    expect(shown).toStartWith('the server said <');
    expect(shown).toEndWith('> to us');
  },
);

test('redactText() hides any secret in any text in any spelling', () => {
  const secret = fc
    .oneof(
      fc.string({ minLength: 6, maxLength: 40, unit: 'grapheme' }),
      fc.base64String({ minLength: 8 }),
    )
    .filter(
      (text) =>
        // No word: a secret stays hidden for the other tests of the process.
        !/^\w+$/.test(text) &&
        text.trim().length >= 6 &&
        !/REDACTED|[\p{C}\p{Z}\p{M}]/u.test(text) &&
        text.isWellFormed(),
    );
  const around = fc
    .string({ maxLength: 30 })
    .filter((text) => !text.includes('%') && !/[\w+/=-]$/.test(text));
  fc.assert(
    fc.property(
      secret,
      around,
      around,
      fc.constantFrom(...Object.values(SPELLINGS)),
      (hidden, before, after, spell) => {
        hideSecret(hidden);
        const text = `${before} ${spell(hidden)} ${after}`;
        const shown = redactText(text);
        return !shown.includes(hidden) && !shown.includes(spell(hidden));
      },
    ),
    { numRuns: 400 },
  );
});

test('redactText() leaves a text without secrets as it is', () => {
  hideSecret(CANARY);
  for (const text of [
    'push of registry.test/app:1.0-rc+2_x to sha256:0123456789abcdef failed',
    '100%\\n of "C:\\users\\u0041" &amp; …',
    '',
  ]) {
    expect(redactText(text)).toBe(text);
  }
});

test('redactText() leaves words alone when a secret is shorter than four characters', () => {
  hideSecret('is', { user: 'me' });
  expect(redactText('this is fine')).toBe('this is fine');
  expect(redactText(`got ${Buffer.from('me:is').toString('base64')} there`)).toBe(
    'got REDACTED there',
  );
});

test('redactText() hides a secret that a text was cut in', () => {
  hideSecret(CANARY);
  expect(redactText(`{"echo":"${CANARY.slice(0, 12)}…`)).toBe('{"echo":"REDACTED…');
});

test('cleanText() hides a secret also where it cuts the text, or takes control characters out', () => {
  hideSecret(CANARY);
  for (let before = 0; before < 60; before++) {
    const shown = cleanText(`${'\n'.repeat(before * 3)}${'x'.repeat(before)}${CANARY}`, {
      limit: 40,
    });
    expect(shown.includes(CANARY.slice(0, 4))).toBe(false);
  }
  hideSecret('with\ttwo words');
  expect(cleanText('it was with\ttwo\u202e words')).toBe('it was REDACTED');
});

test('hideAuthorization() knows the password of a login and the token of a bearer', () => {
  hideAuthorization(`Basic ${Buffer.from('me:pass:word-1').toString('base64')}`);
  hideAuthorization('Bearer opaque-token-17');
  expect(redactText('no pass:word-1, no opaque-token-17')).toBe('no REDACTED, no REDACTED');
});

test('redactText() hides each part of a long token', () => {
  const token = Array.from({ length: 3000 }, (_, i) => (i * i * 7919).toString(36)).join('');
  hideSecret(token);
  expect(redactText(`<${token.slice(0, 12_000)}…`)).toBe('<REDACTED…');
});

test('hideToken() forgets the token that was out of use longest, and never a login', () => {
  const digits = Array.from({ length: 400 }, (_, i) => (i * i * 7919).toString(36)).join('');
  const long = (name: string) => `${name}-${digits}`;
  hideSecret('the-first-login', { user: 'me' });
  hideToken(long('oldest'));
  for (let i = 0; i < 400; i++) {
    hideToken(long(`token-number-${i}`));
    hideToken(long('in-use'));
  }
  expect(redactText('the-first-login')).toBe('REDACTED');
  expect(redactText(Buffer.from('me:the-first-login').toString('base64'))).toBe('REDACTED');
  expect(redactText('<oldest…')).toBe('<oldest…');
  for (const token of [long('token-number-399'), long('in-use')]) {
    expect(redactText(token)).toBe('REDACTED');
  }
});

test('redactText() hides a secret between whose characters others stand that nobody sees', () => {
  hideSecret(CANARY);
  for (const unseen of ['\u034f', '\ufe0f', '\u{e0100}', '\u3164', '\u115f', '\u200b', '\u00ad']) {
    const text = `<${[...CANARY].join(unseen)}>`;
    expect(redactText(text)).toBe('<REDACTED>');
    expect(cleanText(text)).toBe('<REDACTED>');
  }
});

test('redactText() hides a secret whose letters became small or capital ones', () => {
  hideSecret(CANARY);
  for (const text of [CANARY.toLowerCase(), CANARY.toUpperCase()]) {
    expect(redactText(`<${text}>`)).toBe('<REDACTED>');
  }
});

test('redactText() hides all of a token of 64 KiB', () => {
  const token = Array.from({ length: 14_000 }, (_, i) => (i * i * 7919).toString(36)).join('');
  const longest = token.slice(0, 65_536);
  hideToken(longest);
  expect([longest.length, redactText(`<${longest}>`)]).toEqual([65_536, '<REDACTED>']);
});

test('redactText() hides the lines and the strings of a secret that is JSON, where they stand alone', () => {
  const lines = Array.from({ length: 6 }, (_, line) => `${line}${CANARY.repeat(3)}${line}`);
  const privateKey = `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
  const key = { type: 'service_account', id: `id-${CANARY}`, deep: [{ private_key: privateKey }] };
  for (const space of [0, 2]) {
    const secret = JSON.stringify(key, null, space);
    hideSecret(secret);
    const quoted = [...secret.split('\n'), privateKey, key.id, ...lines, lines.slice(2).join('\n')];
    for (const part of quoted.filter((text) => text.includes(CANARY))) {
      const shown = redactText(`cannot parse: ${part}: not a service_account`);
      expect(shown).not.toContain(CANARY);
      expect(shown).toMatch(/^cannot parse:.*: not a service_account$/s);
    }
  }
});
