import type { ProgressMode } from '../app.ts';
import type { CopyEvent } from '../copy/events.ts';
import type { Output } from '../host/host.ts';

/** One way to show a copy. */
export interface ProgressDisplay {
  update(event: CopyEvent, place: string): void;
  close(): void;
  /** Writes something else to the same output, without harm to what is drawn there. Default: it is just written. */
  above?(write: () => void): void;
}

/** How a copy is shown. */
export interface ProgressOptions {
  /** Default: `auto`. */
  readonly mode?: ProgressMode;
  readonly now: () => Date;
  /** What is done to content, for example `uploading` and `done`. */
  readonly verb: { readonly active: string; readonly done: string };
  /** Whether bars are green on a terminal, which is for the user's NO_COLOR to say. Default: false. */
  readonly color?: boolean;
  /** Gets the events of the mode `json`. */
  readonly tell?: (event: Readonly<Record<string, unknown>>) => void;
}

/** Where progress is shown; `rows` is the height of a terminal, 24 when it is not known. */
export interface ProgressOutput extends Output {
  readonly rows?: number;
}
