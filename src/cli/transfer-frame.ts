import { shortId } from '../oci/digest.ts';
import { formatBytes } from './humanize.ts';
import { contentKind, type Transfer, type TransferList } from './transfer-list.ts';

/** How a frame looks and how much room it has. */
export interface FrameStyle {
  readonly verb: { readonly active: string; readonly done: string };
  /** Whether bars are green. */
  readonly color: boolean;
  /** Size of the terminal in characters. */
  readonly columns: number;
  readonly rows: number;
  /** Milliseconds since the copy began. */
  readonly elapsedMs: number;
}

/** Width of a bar between its two ends: at most, and at least, else there is none. */
const BAR = { most: 38, least: 8 } as const;
/** Room that is kept, so that bars do not change their width while sizes do. */
const WIDEST_SIZES = '1023.9 MiB/1023.9 MiB';
const GREEN = '\x1b[32m';
const PLAIN = '\x1b[0m';

/**
 * The lines that show a copy on a terminal, none of them longer than the terminal is wide and no more
 * than it is high: one for each transfer and one for the total. When there is no room for all, those
 * that are active come first, then those that wait.
 */
export function frameLines(list: TransferList, style: FrameStyle): readonly string[] {
  const transfers = list.all();
  // The cursor needs a line of its own below the total.
  const shown = select(transfers, Math.max(1, style.rows - 2));
  const hidden = transfers.length - shown.length;
  return [...transferLines(shown, style), totalLine(list, { ...style, hidden })];
}

function select(transfers: readonly Transfer[], most: number): readonly Transfer[] {
  if (transfers.length <= most) return transfers;
  const inState = (state: Transfer['state']) => transfers.filter((one) => one.state === state);
  const finished = transfers.filter(({ state }) => state === 'done' || state === 'exists');
  const kept = new Set([...inState('active'), ...inState('waiting'), ...finished].slice(0, most));
  return transfers.filter((transfer) => kept.has(transfer));
}

function transferLines(transfers: readonly Transfer[], style: FrameStyle): readonly string[] {
  const rows = transfers.map((transfer) => ({
    transfer,
    label: label(transfer),
    state: stateWord(transfer, style),
    size: sizes(transfer),
  }));
  const widest = (texts: readonly string[]) => Math.max(0, ...texts.map((text) => text.length));
  const labelWidth = widest(rows.map((row) => row.label));
  const stateWidth = widest(['waiting', 'exists', style.verb.active, style.verb.done]);
  const room = style.columns - 1;
  const beside = `${'L'.repeat(labelWidth)}  ${'S'.repeat(stateWidth)} || ${WIDEST_SIZES}`.length;
  const barWidth = Math.min(BAR.most, room - beside);
  return rows.map(({ transfer, label, state, size }) => {
    const start = `${label.padEnd(labelWidth)}  ${state.padEnd(stateWidth)}`;
    if (barWidth < BAR.least) return `${start} ${size}`.slice(0, room).trimEnd();
    return `${start} ${bar(transfer, { width: barWidth, color: style.color })} ${size}`.trimEnd();
  });
}

function label({ descriptor }: Transfer): string {
  const algorithm = descriptor.digest.slice(0, descriptor.digest.indexOf(':'));
  return `${contentKind(descriptor)}-${algorithm}:${shortId(descriptor.digest)}:`;
}

function stateWord({ state }: Transfer, { verb }: FrameStyle): string {
  if (state === 'active') return verb.active;
  return state === 'done' ? verb.done : state;
}

function sizes({ state, bytes, descriptor }: Transfer): string {
  return state === 'active' ? `${formatBytes(bytes)}/${formatBytes(descriptor.size)}` : '';
}

function bar(transfer: Transfer, { width, color }: { width: number; color: boolean }): string {
  const { state, bytes, descriptor } = transfer;
  const isWhole = state === 'done' || state === 'exists';
  const share = isWhole ? 1 : descriptor.size === 0 ? 0 : bytes / descriptor.size;
  const full = Math.floor(share * width);
  const plus = '+'.repeat(full);
  return `|${color && full > 0 ? GREEN + plus + PLAIN : plus}${'-'.repeat(width - full)}|`;
}

function totalLine(list: TransferList, style: FrameStyle & { hidden: number }): string {
  const seconds = style.elapsedMs / 1000;
  const wanted = list.all().filter(({ state }) => state !== 'exists');
  const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
  const size = formatBytes(sum(wanted.map(({ descriptor }) => descriptor.size)));
  const bytes = formatBytes(sum(wanted.map((transfer) => transfer.bytes)));
  const rate = formatBytes(seconds > 0 ? list.sentBytes / seconds : 0);
  const more = style.hidden > 0 ? `  and ${style.hidden} more` : '';
  const line = `elapsed: ${seconds.toFixed(1)} s  total: ${bytes}/${size} (${rate}/s)${more}`;
  return line.slice(0, style.columns - 1);
}
