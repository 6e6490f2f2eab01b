import type { CopyEvent } from '../copy/events.ts';
import { progressBars } from './progress-bars.ts';
import type { ProgressDisplay, ProgressOptions, ProgressOutput } from './progress-display.ts';
import { progressEvents } from './progress-events.ts';
import { progressLines } from './progress-lines.ts';

/** Shows a copy while it runs. */
export interface ProgressView extends Disposable {
  /**
   * Takes in one event of the copy.
   * @param place where the content goes, for a copy that has more than one target
   */
  update(event: CopyEvent, place?: string): void;
  /** Writes something else to the same output, without harm to what is drawn there. */
  above(write: () => void): void;
  /**
   * Shows the last state and leaves the cursor at the start of a free line. To be called at the end,
   * also when the copy failed. A second call does nothing.
   */
  close(): void;
}

/** A view of a copy on `output`; with `auto` bars on a terminal, one line for each change elsewhere. */
export function createProgress(output: ProgressOutput, options: ProgressOptions): ProgressView {
  const display = displayFor(output, options);
  let isOpen = true;
  const close = () => {
    if (isOpen) display.close();
    isOpen = false;
  };
  return {
    update(event, place = '') {
      if (isOpen) display.update(event, place);
    },
    close,
    above(write) {
      if (isOpen && display.above !== undefined) display.above(write);
      else write();
    },
    [Symbol.dispose]: close,
  };
}

function displayFor(output: ProgressOutput, options: ProgressOptions): ProgressDisplay {
  const { mode = 'auto', tell = () => {} } = options;
  switch (mode) {
    case 'none':
      return { update() {}, close() {} };
    case 'json':
      return progressEvents(tell, options);
    case 'plain':
      return progressLines(output, options);
    case 'auto':
      return output.isTerminal ? progressBars(output, options) : progressLines(output, options);
  }
}
