/** How many unchanged lines stand around a change. */
const CONTEXT = 2;

/** Past this many pairs of lines, what is between the first and the last change counts as changed. */
const MAX_PAIRS = 1_000_000;

/**
 * The lines in which two texts differ, in the manner of `diff -u`: `-` before what goes, `+` before what comes,
 * a space before the lines around it, and `…` where lines are left out. Nothing for equal texts.
 */
export function textDiff(before: string, after: string): readonly string[] {
  const changes = changesOf(linesOf(before), linesOf(after));
  const isNear = (i: number) =>
    changes.slice(Math.max(0, i - CONTEXT), i + CONTEXT + 1).some(({ sign }) => sign !== ' ');
  return changes.flatMap(({ sign, line }, i) => {
    if (isNear(i)) return [`${sign}${line}`];
    return i > 0 && isNear(i - 1) && changes.slice(i).some(({ sign }) => sign !== ' ') ? ['…'] : [];
  });
}

interface Line {
  readonly sign: ' ' | '-' | '+';
  readonly line: string;
}

function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/);
}

function changesOf(before: readonly string[], after: readonly string[]): readonly Line[] {
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < most - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  const signed = (sign: Line['sign'], lines: readonly string[]) =>
    lines.map((line) => ({ sign, line }));
  return [
    ...signed(' ', before.slice(0, head)),
    ...between(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...signed(' ', before.slice(before.length - tail)),
  ];
}

/** By the longest sequence of lines that both have. */
function between(before: readonly string[], after: readonly string[]): readonly Line[] {
  const width = after.length + 1;
  const isLong = before.length * after.length > MAX_PAIRS;
  // How many lines are common to the ends that begin at a line of the one and a line of the other.
  const common = new Uint32Array(isLong ? 0 : (before.length + 1) * width);
  const at = (i: number, j: number) => common[i * width + j] ?? 0;
  if (!isLong) {
    for (let i = before.length - 1; i >= 0; i--) {
      for (let j = after.length - 1; j >= 0; j--) {
        common[i * width + j] =
          before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
      }
    }
  }
  const lines: Line[] = [];
  let j = 0;
  for (const [i, line] of before.entries()) {
    while (!isLong && j < after.length && line !== after[j] && at(i, j + 1) > at(i + 1, j)) {
      lines.push({ sign: '+', line: after[j++] ?? '' });
    }
    const isKept = !isLong && line === after[j];
    if (isKept) j++;
    lines.push({ sign: isKept ? ' ' : '-', line });
  }
  return [...lines, ...after.slice(j).map((line) => ({ sign: '+' as const, line }))];
}
