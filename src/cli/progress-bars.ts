import { CopyLedger } from '../copy/ledger.ts';
import { MovingRate } from './moving-rate.ts';
import type { ProgressDisplay, ProgressOptions, ProgressOutput } from './progress-display.ts';
import { frameLines } from './transfer-frame.ts';

/** Milliseconds between two drawings on a terminal. */
const FRAME_MS = 100;

/** Bars that are drawn in place on a terminal. */
export function progressBars(
  output: ProgressOutput,
  { verb, now, color = false }: ProgressOptions,
): ProgressDisplay {
  const startedAt = now().getTime();
  const ledger = new CopyLedger();
  const total = new MovingRate();
  const rates = new Map<string, MovingRate>();
  let drawn: Drawn = { widths: [], columns: 0 };
  let drawnAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;

  const rateOf = (place: string, digest: string): MovingRate => {
    const key = `${place} ${digest}`;
    const rate = rates.get(key) ?? new MovingRate();
    rates.set(key, rate);
    return rate;
  };
  const draw = () => {
    drawnAt = now().getTime();
    const rows = ledger.all().map((entry) => ({
      entry,
      rate: rates.get(`${entry.place} ${entry.descriptor.digest}`)?.at(drawnAt),
    }));
    const { sentBytes } = ledger;
    const lines = frameLines(
      rows,
      { now: drawnAt, startedAt, sentBytes, rate: total.at(drawnAt) },
      { verb, color, columns: output.columns, rows: output.rows ?? 24 },
    );
    const above = heightOf(drawn, output.columns);
    const up = above > 0 ? `\x1b[${above}A` : '';
    const body = lines.map((line) => `\r\x1b[2K${line}\n`).join('');
    output.write(`${up}${body}${above > lines.length ? '\x1b[J' : ''}`);
    drawn = { widths: lines.map((line) => Bun.stringWidth(line)), columns: output.columns };
  };
  const drawIfDue = () => {
    if (now().getTime() - drawnAt >= FRAME_MS) draw();
  };

  return {
    update(event, place) {
      const at = now().getTime();
      ledger.update(event, { at, place });
      if (event.kind === 'progress') {
        rateOf(place, event.descriptor.digest).add(event.bytes, at);
        total.add(event.bytes, at);
      }
      // The clock also runs while nothing arrives; it must not keep the program alive.
      timer ??= setInterval(drawIfDue, FRAME_MS).unref();
      drawIfDue();
    },
    above(write) {
      const above = heightOf(drawn, output.columns);
      const wasDrawn = above > 0;
      if (wasDrawn) output.write(`\x1b[${above}A\r\x1b[J`);
      drawn = { widths: [], columns: 0 };
      write();
      if (wasDrawn) draw();
    },
    close() {
      clearInterval(timer);
      if (!ledger.isEmpty) draw();
    },
  };
}

/** The lines of the last frame, and how wide the terminal was. */
interface Drawn {
  readonly widths: readonly number[];
  readonly columns: number;
}

/** How many rows those lines take by now: a terminal that got narrower has wrapped them. */
function heightOf({ widths, columns: before }: Drawn, columns: number): number {
  if (columns >= before) return widths.length;
  const rows = widths.map((width) => Math.max(1, Math.ceil(width / columns)));
  return rows.reduce((sum, some) => sum + some, 0);
}
