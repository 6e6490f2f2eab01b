import { expect, test } from 'bun:test';
import { CANARY } from '../support/canary.ts';
import { formsIn } from './forms.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

test('the password is found in every form in which it could leak', () => {
  const leaks = [
    `error: wrong password ${CANARY}!`,
    JSON.stringify({ Secret: CANARY }),
    `https://host/?password=${encodeURIComponent(CANARY)}&x=1`,
    new URLSearchParams({ grant_type: 'password', password: CANARY }).toString(),
    ...['', 'm', 'me', 'me:', 'a-long-name:'].map((before) => `Basic ${btoa8(before + CANARY)}`),
    `Basic ${btoa8(`me:${CANARY} and more`)}`,
    Buffer.from(`x${CANARY}`).toString('hex'),
  ];
  expect(leaks.filter((leak) => formsIn(bytes(leak)).length === 0)).toEqual([]);
});

test('what is not the password is not taken for it', () => {
  for (const text of ['', 'canary', 'Basic bWU6c2VjcmV0', CANARY.slice(0, -1)]) {
    expect(formsIn(bytes(text))).toEqual([]);
  }
});

function btoa8(text: string): string {
  return Buffer.from(text).toString('base64');
}
