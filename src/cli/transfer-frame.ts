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
/** Room for the name of a place without its middle: as much as tells most of them apart, and less says nothing. */
const PLACE = { good: 16, least: 8 } as const;
/** The shortest label is a short digest. */
const ID_WIDTH = 12;
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
  const room = style.columns - 1;
  const stateWidth = widest(['waiting', 'exists', 'mounted', style.verb.active, style.verb.done]);
  const withState = `  ${'S'.repeat(stateWidth)} `.length;
  // How fast it goes is what people look for: labels get what is left of the room.
  const besideBar = room - withState - (BAR.least + '|| '.length) - WIDEST_PACE;
  const entries = rows.map(({ entry }) => entry);
  const placeRoom = style.showsPlace ? roomOfPlaces(entries) : 0;
  const hasBar = ID_WIDTH + placeRoom <= besideBar;
  const labelRoom = hasBar ? besideBar : room - withState - WIDEST_PACE;
  const shown = labels(entries, labelRoom, placeRoom);
  const labelWidth = widest(shown);
  const free = room - labelWidth - withState - '|| '.length;
  const isWide = free - (WIDEST_SIZES + 2 + WIDEST_PACE) >= BAR.least;
  const wanted = isWide ? WIDEST_SIZES + 2 + WIDEST_PACE : WIDEST_PACE;
  const barWidth = Math.min(BAR.most, free - wanted);
  return rows.map((row, i) => {
    const { entry } = row;
    const name = (shown[i] ?? '').padEnd(labelWidth);
    const start = `${name}  ${stateWord(entry, style).padEnd(stateWidth)}`;
    const pause = pauseText(entry, style.now);
    const fits = (pause ?? '').length <= free - barWidth;
    if (pause !== undefined && !(hasBar && fits)) return `${name}  ${pause}`.slice(0, room);
    const about = pause ?? detail(row, { isWide, hasBar });
    if (!hasBar) return `${start} ${about}`.slice(0, room).trimEnd();
    const text = about.slice(0, free - barWidth);
    return `${start} ${bar(entry, { width: barWidth, color: style.color })} ${text}`.trimEnd();
  });
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length));
}

/** What stands before each line: as much of it as the room allows, or the least of it. */
function labels(
  entries: readonly LedgerEntry[],
  room: number,
  placeRoom: number,
): readonly string[] {
  const forms = entries.map(({ descriptor }) => {
    const { digest } = descriptor;
    const [kind, id] = [contentKind(descriptor), shortId(digest)];
    return [`${kind}-${digest.slice(0, digest.indexOf(':'))}:${id}:`, `${kind}:${id}`, id] as const;
  });
  const width = (form: 0 | 1 | 2) => widest(forms.map((one) => one[form]));
  const form = ([0, 1] as const).find((one) => width(one) + placeRoom <= room) ?? 2;
  const left = room - width(form) - 1;
  return entries.map(({ place }, i) => {
    const name = forms[i]?.[form] ?? '';
    return placeRoom > 0 && left >= PLACE.least ? `${shortened(place, left)} ${name}` : name;
  });
}

/** Room that is worth keeping for places, and the space behind them. */
function roomOfPlaces(entries: readonly LedgerEntry[]): number {
  return Math.min(widest(entries.map(({ place }) => place)), PLACE.good) + 1;
}

/** A text without its middle, where it is too long. */
function shortened(text: string, width: number): string {
  if (text.length <= width) return text;
  const begin = Math.floor((width - 2) / 2);
  return `${text.slice(0, begin)}..${text.slice(text.length - (width - 2 - begin))}`;
}

function stateWord({ state }: LedgerEntry, { verb }: FrameStyle): string {
  if (state === 'active') return verb.active;
  return state === 'done' ? verb.done : state;
}

/** Why nothing is sent of it now. */
function pauseText({ state, pause }: LedgerEntry, now: number): string | undefined {
  if (state !== 'active' || pause === undefined || pause.until <= now) return undefined;
  return `waiting ${Math.ceil((pause.until - now) / 1000)} s: ${printable(pause.why)}`;
}

function detail(
  { entry, rate }: FrameRow,
  { isWide, hasBar }: { readonly isWide: boolean; readonly hasBar: boolean },
): string {
  const { state, position, descriptor, resumedBytes, mountedFrom } = entry;
  if (state === 'mounted') return `from ${printable(mountedFrom ?? '')}`;
  const resumed = resumedBytes > 0 ? `resumed at ${formatBytes(resumedBytes)}` : '';
  if (state === 'done') return resumed;
  if (state !== 'active') return '';
  const sizes = `${formatBytes(position)}/${formatBytes(descriptor.size)}`;
  const pace = paceText(rate, descriptor.size - position);
  if (!hasBar) return [pace, sizes].filter(Boolean).join('  ');
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
  const pace = paceText(shownRate, size - bytes);
  const line = `total: ${formatBytes(bytes)}/${formatBytes(size)} (${pace})${more}`;
  const whole = `elapsed: ${seconds.toFixed(1)} s  ${line}`;
  return (whole.length < columns ? whole : line).slice(0, columns - 1);
}
