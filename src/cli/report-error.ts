import { FinchError, hasCode } from '../errors.ts';
import type { Output } from '../host/host.ts';
import { printable } from '../text.ts';

/** How {@link reportError} reports. */
export interface ReportOptions {
  readonly stderr: Output;
  /** Takes secrets out of a text. */
  readonly redact: (text: string) => string;
  /** Gets what lies behind the error, line by line: its causes, and the stack of one that is finch's own. */
  readonly explain?: (line: string) => void;
  /** Whether the user has interrupted: then that is what happened, whatever was thrown. Default: false. */
  readonly interrupted?: boolean;
}

/** Exit status of a command that the user interrupted: 128 and SIGINT. */
const INTERRUPTED = 130;

/** Causes that are shown: a chain can be a circle. */
const MAX_CAUSES = 8;

/**
 * Tells the user what went wrong, in one line and one for the hint, and says how the program should
 * end: with exit status 1, or 130 when the user interrupted.
 */
export function reportError(error: unknown, options: ReportOptions): number {
  const { stderr, redact, explain = () => {}, interrupted = false } = options;
  const line = (text: string) => stderr.write(`${redact(printable(text))}\n`);
  const shown = original(error);
  const isInterrupt = interrupted || hasCode(shown, 'CANCELLED');
  if (isInterrupt) {
    line('finch: interrupted');
  } else if (shown instanceof FinchError) {
    line(`finch: ${shown.message}`);
    if (shown.hint !== undefined) line(`hint: ${shown.hint}`);
  } else {
    line(`finch: internal error: ${describe(shown)}`);
  }
  const behind = causes(shown).map((cause) => `caused by: ${describe(cause)}`);
  if (!(shown instanceof FinchError)) behind.push(...frames(shown));
  for (const text of behind) explain(redact(printable(text)));
  return isInterrupt ? INTERRUPTED : 1;
}

/** What failed first, when closing something failed after it. */
function original(error: unknown): unknown {
  let shown = error;
  for (let depth = 0; shown instanceof SuppressedError && depth < MAX_CAUSES; depth++) {
    shown = shown.suppressed;
  }
  return shown;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof FinchError) return error.message;
  return error.message === '' ? error.name : `${error.name}: ${error.message}`;
}

function causes(error: unknown): readonly unknown[] {
  const found: unknown[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  while (cause !== undefined && found.length < MAX_CAUSES && !found.includes(cause)) {
    found.push(cause);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return found;
}

/** The calls that led to an error, innermost first. */
function frames(error: unknown): readonly string[] {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return stack.split('\n').filter((text) => /^\s*at /.test(text));
}
