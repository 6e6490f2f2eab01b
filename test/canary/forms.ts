import {
  AWS_PASSWORD_CANARY,
  AWS_SECRET_CANARY,
  AWS_SESSION_CANARY,
} from '../support/aws/secrets.ts';
import { CANARY } from '../support/canary.ts';

/** What the tests keep secret: their password, and what secret keys, session tokens and passwords of AWS begin with. */
const SECRETS: readonly string[] = [
  CANARY,
  AWS_SECRET_CANARY,
  AWS_SESSION_CANARY,
  AWS_PASSWORD_CANARY,
];

/** Every form of every secret, and the bytes that it is in the encodings that differ for it. */
const searched = [...new Set(SECRETS.flatMap(formsOf))].map((form) => ({
  form,
  bytes: isAscii(form) ? [Buffer.from(form)] : [Buffer.from(form), Buffer.from(form, 'latin1')],
}));

/** The forms of the tests' secrets that `bytes` hold. */
export function formsIn(bytes: Uint8Array): readonly string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return searched
    .filter((it) => it.bytes.some((some) => text.includes(some)))
    .map(({ form }) => form);
}

/**
 * The ways in which a secret could stand in a text: as it is, in JSON, in an address or a form, and in base64,
 * in which it looks different for each of three alignments.
 */
function formsOf(secret: string): readonly string[] {
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    escapedUnicode(secret),
    encodeURIComponent(secret),
    encodeURI(secret),
    new URLSearchParams({ '': secret }).toString().slice(1),
    ...['', 'x', 'xx'].flatMap((before) => base64Core(before, secret)),
    Buffer.from(secret).toString('hex'),
  ];
}

/** Base64 of the secret behind `before`, without the characters that its neighbours have a part in. */
function base64Core(before: string, secret: string): readonly string[] {
  const bytes = Buffer.from(`${before}${secret}`);
  const whole = bytes.toString('base64').replace(/=+$/, '');
  const core = whole.slice(before === '' ? 0 : 4, bytes.length % 3 === 0 ? undefined : -2);
  return [core, core.replaceAll('+', '-').replaceAll('/', '_')];
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

function escapedUnicode(text: string): string {
  return text.replace(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
