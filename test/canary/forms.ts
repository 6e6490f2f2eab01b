import { CANARY } from '../support/canary.ts';

/**
 * The ways in which the tests' password could stand in a text: as it is, in JSON, in an address or a form,
 * and in base64, in which it looks different for each of three alignments.
 */
export const canaryForms: readonly string[] = [
  CANARY,
  JSON.stringify(CANARY).slice(1, -1),
  escapedUnicode(CANARY),
  encodeURIComponent(CANARY),
  encodeURI(CANARY),
  new URLSearchParams({ '': CANARY }).toString().slice(1),
  ...['', 'x', 'xx'].flatMap((before) => base64Core(before)),
  Buffer.from(CANARY).toString('hex'),
];

/** The forms of the password that `bytes` hold. */
export function formsIn(bytes: Uint8Array): readonly string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return canaryForms.filter(
    (form) => text.includes(form) || text.includes(Buffer.from(form, 'latin1')),
  );
}

/** Base64 of the password behind `before`, without the characters that its neighbours have a part in. */
function base64Core(before: string): readonly string[] {
  const bytes = Buffer.from(`${before}${CANARY}`);
  const whole = bytes.toString('base64').replace(/=+$/, '');
  const core = whole.slice(before === '' ? 0 : 4, bytes.length % 3 === 0 ? undefined : -2);
  return [core, core.replaceAll('+', '-').replaceAll('/', '_')];
}

function escapedUnicode(text: string): string {
  return text.replace(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
