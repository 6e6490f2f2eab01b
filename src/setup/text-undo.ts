import type { SetupUndo } from './setup-record.ts';

/** What leads from a changed text back to the one before. */
export function undoOf(before: string, after: string): SetupUndo {
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < most - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  return {
    sha256: sha256(after),
    at: head,
    length: after.length - head - tail,
    text: before.slice(head, before.length - tail),
  };
}

/** The text of before; undefined when this is not the text that the undo is for. */
export function undone(
  text: string,
  { sha256: of, at, length, text: by }: SetupUndo,
): string | undefined {
  return sha256(text) === of ? text.slice(0, at) + by + text.slice(at + length) : undefined;
}

/** The text before several changes, the last of which comes first; undefined when there is no such way back. */
export function undoneAll(text: string, steps: readonly SetupUndo[]): string | undefined {
  const back = (after: string | undefined, step: SetupUndo) =>
    after === undefined ? undefined : undone(after, step);
  return steps.length === 0 ? undefined : steps.reduce(back, text);
}

function sha256(text: string): string {
  return new Bun.CryptoHasher('sha256').update(text).digest('hex');
}
