import { FinchError, hasCode } from '../errors.ts';
import type { Output } from '../host/host.ts';
import { printable } from '../text.ts';

/** How {@link reportError} reports. */
export interface ReportOptions {
  readonly stderr: Pick<Output, 'write'>;
  /** Gets each fault as an event, in place of its lines. */
  readonly tell?: (event: Readonly<Record<string, unknown>>) => void;
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
 * end: with exit status 1, or 130 when the user interrupted. Of an `AggregateError` each error is told.
 */
export function reportError(error: unknown, options: ReportOptions): number {
  const { redact, explain = () => {}, interrupted = false } = options;
  const shown = original(error);
  const all: readonly unknown[] = shown instanceof AggregateError ? shown.errors : [shown];
  const isInterrupt = interrupted || all.some((one) => hasCode(one, 'CANCELLED'));
  const [first] = all;
  for (const one of isInterrupt ? [first] : all) {
    showFault(faultOf(one, { isInterrupt }), options);
    const behind = causes(one).map((cause) => `caused by: ${describe(cause)}`);
    if (!(one instanceof FinchError)) behind.push(...frames(one));
    for (const text of behind) explain(redact(printable(text)));
  }
  return isInterrupt ? INTERRUPTED : 1;
}

/** What the user is told of one error. */
interface Fault {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

function faultOf(error: unknown, { isInterrupt }: { readonly isInterrupt: boolean }): Fault {
  const { code, message, hint } =
    error instanceof FinchError
      ? error
      : { code: 'INTERNAL', message: `internal error: ${describe(error)}`, hint: undefined };
  if (!isInterrupt) return { code, message, ...(hint !== undefined && { hint }) };
  // What else was thrown came of it.
  const goesOn = code === 'CANCELLED' && hint !== undefined;
  return { code: 'CANCELLED', message: 'interrupted', ...(goesOn && { hint }) };
}

function showFault({ code, message, hint }: Fault, { stderr, redact, tell }: ReportOptions): void {
  if (tell !== undefined) {
    tell({ event: 'error', code, message, ...(hint !== undefined && { hint }) });
    return;
  }
  const line = (text: string) => stderr.write(`${redact(printable(text))}\n`);
  line(`finch: ${message}`);
  if (hint !== undefined) line(`hint: ${hint}`);
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
