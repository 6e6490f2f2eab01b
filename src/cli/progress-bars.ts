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
  let drawnLines = 0;
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
    const up = drawnLines > 0 ? `\x1b[${drawnLines}A` : '';
    const body = lines.map((line) => `\r\x1b[2K${line}\n`).join('');
    output.write(`${up}${body}${drawnLines > lines.length ? '\x1b[J' : ''}`);
    drawnLines = lines.length;
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
      if (drawnLines > 0) output.write(`\x1b[${drawnLines}A\r\x1b[J`);
      const wasDrawn = drawnLines > 0;
      drawnLines = 0;
      write();
      if (wasDrawn) draw();
    },
    close() {
      clearInterval(timer);
      if (!ledger.isEmpty) draw();
    },
  };
}
