import type { CopyEvent } from '../copy/events.ts';
import type { Output } from '../host/host.ts';
import { shortId } from '../oci/digest.ts';
import { formatBytes } from './humanize.ts';
import { type FrameStyle, frameLines } from './transfer-frame.ts';
import { contentKind, TransferList } from './transfer-list.ts';

/** Shows a copy while it runs. */
export interface ProgressView extends Disposable {
  /** Takes in one event of the copy. */
  update(event: CopyEvent): void;
  /**
   * Shows the last state and leaves the cursor at the start of a free line. To be called at the end,
   * also when the copy failed. A second call does nothing.
   */
  close(): void;
}

/** How {@link createProgress} shows a copy. */
export interface ProgressOptions {
  /** Shows nothing at all. Default: false. */
  readonly quiet?: boolean;
  readonly now: () => Date;
  /** What is done to content, for example `uploading` and `done`. */
  readonly verb: { readonly active: string; readonly done: string };
  /** Whether bars are green on a terminal, which is for the user's NO_COLOR to say. Default: false. */
  readonly color?: boolean;
}

/** Where progress is shown; `rows` is the height of a terminal, 24 when it is not known. */
export interface ProgressOutput extends Output {
  readonly rows?: number;
}

/** Milliseconds between two drawings on a terminal. */
const FRAME_MS = 100;

/**
 * A view of a copy on `output`: bars that are drawn in place on a terminal, one line for each change
 * elsewhere, nothing when `quiet`.
 */
export function createProgress(output: ProgressOutput, options: ProgressOptions): ProgressView {
  if (options.quiet) return view({ update() {}, close() {} });
  return view(output.isTerminal ? bars(output, options) : changes(output, options));
}

type Display = Pick<ProgressView, 'update' | 'close'>;

function view(display: Display): ProgressView {
  let isOpen = true;
  const close = () => {
    if (isOpen) display.close();
    isOpen = false;
  };
  return {
    update(event) {
      if (isOpen) display.update(event);
    },
    close,
    [Symbol.dispose]: close,
  };
}

function changes(output: Output, { verb }: ProgressOptions): Display {
  return {
    update({ kind, descriptor }) {
      const what = `${contentKind(descriptor)} ${shortDigest(descriptor)}`;
      if (kind === 'started') {
        output.write(`${what}: ${verb.active} ${formatBytes(descriptor.size)}\n`);
      } else if (kind === 'exists') {
        output.write(`${what}: already exists\n`);
      } else if (kind === 'done') {
        output.write(`${what}: ${verb.done}\n`);
      }
    },
    close() {},
  };
}

function shortDigest({ digest }: CopyEvent['descriptor']): string {
  return `${digest.slice(0, digest.indexOf(':'))}:${shortId(digest)}`;
}

function bars(output: ProgressOutput, { verb, now, color = false }: ProgressOptions): Display {
  const start = now().getTime();
  const list = new TransferList();
  let drawnLines = 0;
  let drawnAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;

  const draw = () => {
    drawnAt = now().getTime();
    const style: FrameStyle = {
      verb,
      color,
      columns: output.columns,
      rows: output.rows ?? 24,
      elapsedMs: drawnAt - start,
    };
    const lines = frameLines(list, style);
    const up = drawnLines > 0 ? `\x1b[${drawnLines}A` : '';
    const body = lines.map((line) => `\r\x1b[2K${line}\n`).join('');
    output.write(`${up}${body}${drawnLines > lines.length ? '\x1b[J' : ''}`);
    drawnLines = lines.length;
  };
  const drawIfDue = () => {
    if (now().getTime() - drawnAt >= FRAME_MS) draw();
  };

  return {
    update(event) {
      list.update(event);
      // The clock also runs while nothing arrives; it must not keep the program alive.
      timer ??= setInterval(drawIfDue, FRAME_MS).unref();
      drawIfDue();
    },
    close() {
      clearInterval(timer);
      if (list.isEmpty) return;
      draw();
    },
  };
}
