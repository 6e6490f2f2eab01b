import { expect, test } from 'bun:test';
import {
  AWS_PASSWORD_CANARY,
  AWS_SECRET_CANARY,
  AWS_SESSION_CANARY,
} from '../support/aws/secrets.ts';
import { CANARY } from '../support/canary.ts';
import { formsIn } from './forms.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

/** The secrets of the tests, three of which begin those of AWS. */
const secrets = {
  password: CANARY,
  'secret access key': `${AWS_SECRET_CANARY}3kfQ`,
  'session token': `${AWS_SESSION_CANARY}3kfQ`,
  'password of a registry': `${AWS_PASSWORD_CANARY}3kfQ`,
};

test.each(Object.entries(secrets))(
  'the %s is found in every form in which it could leak',
  (_, secret) => {
    const leaks = [
      `error: wrong secret ${secret}!`,
      JSON.stringify({ Secret: secret }),
      `https://host/?secret=${encodeURIComponent(secret)}&x=1`,
      new URLSearchParams({ grant_type: 'password', password: secret }).toString(),
      ...['', 'm', 'me', 'me:', 'a-long-name:'].map((before) => `Basic ${btoa8(before + secret)}`),
      `Basic ${btoa8(`me:${secret} and more`)}`,
      `Basic ${btoa8(`me:${secret} and more`).replaceAll('+', '-').replaceAll('/', '_')}`,
      Buffer.from(`x${secret}`).toString('hex'),
    ];
    expect(leaks.filter((leak) => formsIn(bytes(leak)).length === 0)).toEqual([]);
  },
);

test('what is not a secret is not taken for it', () => {
  const cut = [CANARY, AWS_SECRET_CANARY, AWS_SESSION_CANARY, AWS_PASSWORD_CANARY].map((it) =>
    it.slice(0, -1),
  );
  for (const text of ['', 'canary', 'Basic bWU6c2VjcmV0', ...cut]) {
    expect(formsIn(bytes(text))).toEqual([]);
  }
});

function btoa8(text: string): string {
  return Buffer.from(text).toString('base64');
}
