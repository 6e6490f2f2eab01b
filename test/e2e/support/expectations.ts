import { expect } from 'bun:test';

/** Checks what finch says when something went wrong: a line that begins with `finch: `, perhaps a hint, no stack. */
export function expectError(
  stderr: string,
  message: string | RegExp,
  hint?: string | RegExp,
): void {
  const lines = stderr.trimEnd().split('\n');
  const said = lines.filter((line) => line.startsWith('finch: '));
  const hints = lines.filter((line) => line.startsWith('hint: '));
  expect(said).toHaveLength(1);
  if (typeof message === 'string') expect(said[0]).toBe(`finch: ${message}`);
  else expect(said[0]).toMatch(message);
  if (hint !== undefined) {
    expect(hints).toHaveLength(1);
    if (typeof hint === 'string') expect(hints[0]).toBe(`hint: ${hint}`);
    else expect(hints[0]).toMatch(hint);
  }
  expect(stderr).not.toMatch(/^\s+at |internal error|undefined|\[object /m);
}
