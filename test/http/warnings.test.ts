import { expect, test } from 'bun:test';
import { hideSecret } from '../../src/http/redact.ts';
import { withWarnings } from '../../src/http/warnings.ts';
import { CANARY } from '../support/canary.ts';

/** What is reported of answers with these headers, one request each. */
async function reported(headers: readonly string[]): Promise<readonly string[]> {
  const lines: string[] = [];
  let next = 0;
  const send = withWarnings(
    async () => new Response(null, { headers: { warning: headers[next++] ?? '' } }),
    (line) => lines.push(line),
  );
  const url = new URL('https://reg.example.com/v2/');
  for (const _ of headers) await send({ method: 'GET', url });
  return lines;
}

test('each warning of a registry is shown once', async () => {
  expect(await reported(['299 - "old"', '299 - "old", 299 - "new"', '', '199 - "x"'])).toEqual([
    'warning: reg.example.com: old',
    'warning: reg.example.com: new',
  ]);
});

test('a warning brings nothing to the terminal but its words, is not endless, and shows no secret', async () => {
  hideSecret(CANARY);
  const long = 'x'.repeat(1000);
  const lines = await reported([
    `299 - "a \u001b[31mred\u001b[0m \u009btext"`.replace('\u009b', ''),
    `299 - "${long}"`,
    `299 - "your password is ${CANARY}"`,
  ]);
  expect(lines).toEqual([
    'warning: reg.example.com: a [31mred [0m text',
    `warning: reg.example.com: ${'x'.repeat(300)}…`,
    'warning: reg.example.com: your password is REDACTED',
  ]);
});

test('what a server says beside a refusal is not shown: the login that it may repeat is not known yet', async () => {
  const lines: string[] = [];
  const url = new URL('https://reg.example.com/v2/');
  for (const status of [401, 403, 500, 404, 200]) {
    const headers = { warning: `299 - "${status}"` };
    const answer = async () => new Response(null, { status, headers });
    await withWarnings(answer, (line) => lines.push(line))({ method: 'GET', url });
  }
  expect(lines.map((line) => line.slice(-3))).toEqual(['404', '200']);
});

test('no more than ten warnings are shown', async () => {
  expect(await reported(Array.from({ length: 40 }, (_, i) => `299 - "w${i}"`))).toHaveLength(10);
});
