import { contentKind, type LedgerEntry } from '../copy/ledger.ts';
import { formatBytes } from '../humanize.ts';
import { shortId } from '../oci/digest.ts';
import { printable } from '../text.ts';
import { paceText } from './pace.ts';

/** How a frame looks and how much room it has. */
export interface FrameStyle {
  readonly verb: { readonly active: string; readonly done: string };
  /** Whether bars are green. */
  readonly color: boolean;
  /** Size of the terminal in characters. */
  readonly columns: number;
  readonly rows: number;
}

/** What a frame shows of one piece of content. */
export interface FrameRow {
  readonly entry: LedgerEntry;
  /** Bytes a second; undefined while nobody knows. */
  readonly rate: number | undefined;
}

/** What a frame shows of all together. */
export interface FrameTotal {
  /** The moment of the frame, in milliseconds since 1970. */
  readonly now: number;
  readonly startedAt: number;
  /** Bytes that went out so far. */
  readonly sentBytes: number;
  readonly rate: number | undefined;
}

/** Width of a bar between its two ends: at most, and at least, else there is none. */
const BAR = { most: 38, least: 8 } as const;
/** Room that is kept, so that bars do not change their width while sizes do. */
const WIDEST_SIZES = '1023.9 MiB/1023.9 MiB'.length;
const WIDEST_PACE = '1023.9 MiB/s, 59 min left'.length;
const GREEN = '\x1b[32m';
const PLAIN = '\x1b[0m';

/**
 * The lines that show a copy on a terminal, none of them longer than the terminal is wide and no more
 * than it is high: one for each piece of content and one for the total. When there is no room for all, those
 * that are active come first, then those that wait.
 */
export function frameLines(
  rows: readonly FrameRow[],
  total: FrameTotal,
  style: FrameStyle,
): readonly string[] {
  // The cursor needs a line of its own below the total.
  const shown = select(rows, Math.max(1, style.rows - 2));
  const hidden = rows.length - shown.length;
  const places = new Set(rows.map(({ entry }) => entry.place));
  const lines = transferLines(shown, { ...style, now: total.now, showsPlace: places.size > 1 });
  return [...lines, totalLine(rows, total, { hidden, columns: style.columns })];
}

function select(rows: readonly FrameRow[], most: number): readonly FrameRow[] {
  if (rows.length <= most) return rows;
  const inState = (...states: readonly LedgerEntry['state'][]) =>
    rows.filter(({ entry }) => states.includes(entry.state));
  const finished = inState('done', 'exists', 'mounted');
  const kept = new Set([...inState('active'), ...inState('waiting'), ...finished].slice(0, most));
  return rows.filter((row) => kept.has(row));
}

type LineStyle = FrameStyle & { readonly now: number; readonly showsPlace: boolean };

function transferLines(rows: readonly FrameRow[], style: LineStyle): readonly string[] {
  const labels = rows.map(({ entry }) => label(entry, style));
  const widest = (texts: readonly string[]) => Math.max(0, ...texts.map((text) => text.length));
  const labelWidth = widest(labels);
  const stateWidth = widest(['waiting', 'exists', 'mounted', style.verb.active, style.verb.done]);
  const room = style.columns - 1;
  const free = room - `${'L'.repeat(labelWidth)}  ${'S'.repeat(stateWidth)} || `.length;
  const isWide = free - (WIDEST_SIZES + 2 + WIDEST_PACE) >= BAR.least;
  const barWidth = Math.min(
    BAR.most,
    free - (isWide ? WIDEST_SIZES + 2 + WIDEST_PACE : WIDEST_PACE),
  );
  return rows.map((row, i) => {
    const { entry } = row;
    const start = `${(labels[i] ?? '').padEnd(labelWidth)}  ${stateWord(entry, style).padEnd(stateWidth)}`;
    const hasBar = barWidth >= BAR.least;
    const about = detail(row, { now: style.now, isWide: isWide || !hasBar });
    if (!hasBar) return `${start} ${about}`.slice(0, room).trimEnd();
    const text = about.slice(0, free - barWidth);
    return `${start} ${bar(entry, { width: barWidth, color: style.color })} ${text}`.trimEnd();
  });
}

function label({ descriptor, place }: LedgerEntry, { showsPlace }: LineStyle): string {
  const algorithm = descriptor.digest.slice(0, descriptor.digest.indexOf(':'));
  const name = `${contentKind(descriptor)}-${algorithm}:${shortId(descriptor.digest)}:`;
  return showsPlace ? `${place} ${name}` : name;
}

function stateWord({ state }: LedgerEntry, { verb }: FrameStyle): string {
  if (state === 'active') return verb.active;
  return state === 'done' ? verb.done : state;
}

function detail(
  { entry, rate }: FrameRow,
  { now, isWide }: { readonly now: number; readonly isWide: boolean },
): string {
  const { state, position, descriptor, resumedBytes, mountedFrom, pause } = entry;
  if (state === 'mounted') return `from ${printable(mountedFrom ?? '')}`;
  const resumed = resumedBytes > 0 ? `resumed at ${formatBytes(resumedBytes)}` : '';
  if (state === 'done') return resumed;
  if (state !== 'active') return '';
  if (pause !== undefined && pause.until > now) {
    return `waiting ${Math.ceil((pause.until - now) / 1000)} s: ${printable(pause.why)}`;
  }
  const sizes = `${formatBytes(position)}/${formatBytes(descriptor.size)}`;
  const pace = paceText(rate, descriptor.size - position);
  if (!isWide) return pace || sizes;
  return [sizes, pace || resumed].filter(Boolean).join('  ');
}

function bar(
  { state, position, descriptor }: LedgerEntry,
  { width, color }: { width: number; color: boolean },
): string {
  const isWhole = ['done', 'exists', 'mounted'].includes(state);
  const share = isWhole ? 1 : descriptor.size === 0 ? 0 : position / descriptor.size;
  const full = Math.floor(share * width);
  const plus = '+'.repeat(full);
  return `|${color && full > 0 ? GREEN + plus + PLAIN : plus}${'-'.repeat(width - full)}|`;
}

function totalLine(
  rows: readonly FrameRow[],
  { now, startedAt, sentBytes, rate }: FrameTotal,
  { hidden, columns }: { readonly hidden: number; readonly columns: number },
): string {
  const seconds = Math.max(0, now - startedAt) / 1000;
  const wanted = rows.filter(({ entry }) => !['exists', 'mounted'].includes(entry.state));
  const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
  const size = sum(wanted.map(({ entry }) => entry.descriptor.size));
  const bytes = sum(wanted.map(({ entry }) => entry.position));
  // What counts at the end is how fast it was.
  const shownRate = bytes === size || rate === undefined ? sentBytes / (seconds || 1) : rate;
  const more = hidden > 0 ? `  and ${hidden} more` : '';
  const line = `elapsed: ${seconds.toFixed(1)} s  total: ${formatBytes(bytes)}/${formatBytes(size)} (${paceText(shownRate, size - bytes)})${more}`;
  return line.slice(0, columns - 1);
}
