import type { YAMLMap, YAMLSeq } from 'yaml';
import { commentsIn, type Span } from './yaml-comments.ts';
import { afterLine, columnOf, endOf, startOf } from './yaml-layout.ts';

/** A list or map in flow style, and one of its entries. */
interface FlowEntry {
  readonly container: YAMLMap | YAMLSeq;
  readonly index: number;
}

/**
 * The text without an entry of a list or map in flow style: with it go one comma, its lines where it has them to
 * itself, and the comment behind it there. Undefined where another comment would go too.
 */
export function withoutFlowEntry(
  text: string,
  { container, index }: FlowEntry,
): string | undefined {
  const { items } = container;
  const item = items[index];
  const comments = commentsIn(text);
  const isIn = ([start, end]: Span) => comments.some(([at]) => at >= start && at < end);
  const commaIn = ([start, end]: Span) => {
    for (let at = text.indexOf(',', start); at !== -1 && at < end; at = text.indexOf(',', at + 1)) {
      if (!comments.some(([from, to]) => at >= from && at < to)) return at;
    }
    return undefined;
  };
  const start = startOf(item);
  const next = items[index + 1];
  const close = (container.range?.[1] ?? 0) - 1;
  const after = commaIn([endOf(item), next === undefined ? close : startOf(next)]);
  const end = after === undefined ? endOf(item) : after + 1;
  if (isIn([start, end])) return undefined;
  const cut = cutOf(text, { start, end, comments, hasComma: after !== undefined });
  // An entry without a comma behind it is the last, and the comma before it goes.
  const before =
    after === undefined && index > 0 ? commaIn([endOf(items[index - 1]), start]) : undefined;
  if (before === undefined) return text.slice(0, cut[0]) + text.slice(cut[1]);
  const kept = text.slice(before + 1, cut[0]);
  const isSpace = /^[ \t]*$/.test(kept);
  return text.slice(0, before) + (isSpace ? '' : kept) + text.slice(cut[1]);
}

/** What is cut out of a text so that nothing is left of an entry: its lines, or itself and the space beside it. */
function cutOf(
  text: string,
  {
    start,
    end,
    comments,
    hasComma,
  }: {
    readonly start: number;
    readonly end: number;
    readonly comments: readonly Span[];
    readonly hasComma: boolean;
  },
): Span {
  const lineStart = start - columnOf(text, start);
  const lineEnd = afterLine(text, end);
  const isFirst = text.slice(lineStart, start).trim() === '';
  const comment = comments.find(([at]) => at >= end && at < lineEnd)?.[0] ?? lineEnd;
  const isLast = text.slice(end, comment).trim() === '';
  if (isFirst && isLast) return [lineStart, lineEnd];
  const rest = text.slice(end, lineEnd);
  if (!isLast) return [start, hasComma ? end + rest.length - rest.trimStart().length : end];
  return [lineStart + text.slice(lineStart, start).trimEnd().length, end];
}
