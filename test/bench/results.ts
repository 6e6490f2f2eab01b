import type { Sample } from './measure.ts';

/** A figure of a sample that a target is about. */
export type Figure = 'wall' | 'cpu' | 'rss' | 'bytes' | 'requests';

/** What finch may take: so many times what a peer takes, or without a peer so much. */
export interface Target {
  readonly figure: Figure;
  readonly peer?: string;
  /** A ratio, or milliseconds, bytes or a number of requests. */
  readonly atMost: number;
}

/** A line of the table. */
export interface RowResult {
  /** A word for `--only`. */
  readonly id: string;
  readonly what: string;
  /** By who did it. */
  readonly samples: Readonly<Record<string, Sample>>;
  readonly targets: readonly Target[];
  /** What else there is to say, a line each. */
  readonly notes?: readonly string[];
}

/** Whether a target is met, and by what. */
export interface Judgement {
  readonly target: Target;
  /** NaN when it could not be measured. */
  readonly value: number;
  readonly isMet: boolean;
}

/** What a figure of a sample is. */
export function figureOf(sample: Sample, figure: Figure): number {
  const { wallMs, cpuMs, rssBytes, bytes, requests } = sample;
  return { wall: wallMs, cpu: cpuMs, rss: rssBytes, bytes, requests }[figure] ?? Number.NaN;
}

/** Holds finch's sample against every target of its row. */
export function judge({ samples, targets }: RowResult): readonly Judgement[] {
  return targets.map((target) => {
    const of = (name: string) => {
      const sample = samples[name];
      return sample === undefined ? Number.NaN : figureOf(sample, target.figure);
    };
    const value = target.peer === undefined ? of('finch') : of('finch') / of(target.peer);
    return { target, value, isMet: value <= target.atMost };
  });
}

/** `≤ 0.8 × crane`, or `≤ 0.8 × crane's CPU`, or `≤ 100 MiB`. */
export function targetText({ figure, peer, atMost }: Target): string {
  if (peer === undefined) return `≤ ${figureText(atMost, figure)}`;
  return `≤ ${atMost} × ${peer}${figure === 'wall' ? '' : `'s ${FIGURES[figure]}`}`;
}

/** What came of a target: `0.72`, or `64 MiB`. */
export function valueText({ target, value }: Judgement): string {
  if (Number.isNaN(value)) return 'not measured';
  return target.peer === undefined ? figureText(value, target.figure) : value.toFixed(2);
}

const FIGURES = {
  ...{ wall: 'time', cpu: 'CPU', rss: 'memory', bytes: 'bytes', requests: 'requests' },
} as const satisfies Readonly<Record<Figure, string>>;

/** A figure as people read it. */
export function figureText(value: number | undefined, figure: Figure): string {
  if (value === undefined || Number.isNaN(value)) return '–';
  if (figure === 'requests') return value.toFixed(0);
  if (figure === 'rss' || figure === 'bytes') return bytesText(value);
  return value < 100 ? `${value.toFixed(1)} ms` : `${(value / 1000).toFixed(2)} s`;
}

function bytesText(bytes: number): string {
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(bytes < 10 * 1024 * 1024 ? 1 : 0)} MiB`;
}

/** A row for people at a terminal: everything that was measured. */
export function rowText(result: RowResult): string {
  const lines = [`${result.what} [${result.id}]`];
  const finch = result.samples['finch'];
  for (const [name, sample] of Object.entries(result.samples)) {
    const figures = (['wall', 'cpu', 'rss', 'bytes', 'requests'] as const).map((figure) =>
      figureText(figureOf(sample, figure), figure).padStart(10),
    );
    const ratio =
      finch === undefined || name === 'finch' ? '' : (finch.wallMs / sample.wallMs).toFixed(2);
    lines.push(`  ${name.padEnd(8)}${figures.join('')}${ratio.padStart(8)}`);
  }
  for (const note of result.notes ?? []) lines.push(`  ${note}`);
  for (const judgement of judge(result)) {
    const { target, isMet } = judgement;
    const word = isMet ? 'met' : 'NOT MET';
    lines.push(`  ${targetText(target)}: ${valueText(judgement)}, ${word}`);
  }
  return lines.join('\n');
}

/** The heading over {@link rowText}. */
export const heading = `  ${''.padEnd(8)}${['wall', 'CPU', 'peak RSS', 'bytes', 'requests'].map((word) => word.padStart(10)).join('')}   finch ÷`;

const COLUMNS = ['finch', 'crane', 'oras', 'regctl', 'skopeo', 'curl'] as const;

/** The table that the README shows. */
export function markdownTable(results: readonly RowResult[]): string {
  const rows = results.map((result) => {
    const judgements = judge(result);
    const [first] = judgements;
    const shown = first?.target.figure ?? 'wall';
    const cells = COLUMNS.map((name) => {
      const sample = result.samples[name];
      return sample === undefined ? '' : figureText(figureOf(sample, shown), shown);
    });
    const targets = judgements.map(({ target }) => targetText(target)).join('; ');
    const values = judgements.map((one) => `${valueText(one)}${one.isMet ? '' : ' (not met)'}`);
    return [result.what, ...cells, targets, values.join('; ')];
  });
  const head = ['work', ...COLUMNS, 'target', 'measured'];
  const widths = head.map((cell, i) =>
    Math.max(...[cell, ...rows.map((row) => row[i] ?? '')].map(width)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - width(cell))).join(' | ')} |`;
  const rule = `| ${widths.map((n) => '-'.repeat(n)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

function width(cell: string): number {
  return Bun.stringWidth(cell);
}

const [FROM, TO] = ['<!-- bench -->', '<!-- /bench -->'];

/** A page with a table in place of what stood between the two marks.
 * @throws Error when the page has no marks
 */
export function putTable(page: string, table: string): string {
  const [from, to] = [page.indexOf(FROM), page.indexOf(TO)];
  if (from < 0 || to < from) throw new Error(`there is no ${FROM} … ${TO} to write the table into`);
  return `${page.slice(0, from + FROM.length)}\n\n${table}\n\n${page.slice(to)}`;
}
