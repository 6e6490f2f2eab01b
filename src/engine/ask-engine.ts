import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import type { ProgramRun } from '../host/run-program.ts';
import { redactText } from '../http/redact.ts';
import { type JsonObject, parseJsonObject } from '../oci/json.ts';
import { excerpt, printable } from '../text.ts';
import type { CaptureOptions, Engine } from './engine.ts';

/** What nerdctl answered. */
export interface EngineAnswer {
  readonly value: JsonObject;
  /** What it also had to say, a line each, safe to show. */
  readonly remarks: readonly string[];
}

/**
 * Asks nerdctl for one JSON object.
 * @param args end with what makes it write JSON
 * @throws FinchError `VM` when it fails, or writes something else; the signal's reason
 */
export async function askEngine(
  engine: Engine,
  args: readonly string[],
  { signal }: AbortOptions,
): Promise<EngineAnswer> {
  const { stdout, stderr } = await runEngine(engine, args, { signal });
  const remarks = linesOf(stderr);
  const asked = nameOf(args);
  try {
    return { value: parseJsonObject(stdout, `the answer of ${asked}`), remarks };
  } catch (cause) {
    if (!(cause instanceof FinchError)) throw cause;
    throw new FinchError('VM', cause.message, {
      ...{ hint: 'see whether it is a nerdctl of version 2 or newer', cause },
    });
  }
}

/**
 * What nerdctl writes to stdout, a line each, safe to show; the spaces and tabs in them stay.
 * @throws FinchError `VM` when it fails; the signal's reason
 */
export async function engineLines(
  engine: Engine,
  args: readonly string[],
  { signal }: AbortOptions,
): Promise<readonly string[]> {
  const { stdout } = await runEngine(engine, args, { signal });
  const text = redactText(new TextDecoder().decode(stdout)).trimEnd();
  return text.split('\n').map((line) => line.replace(/[^\t\P{Cc}]/gu, ''));
}

/**
 * Runs nerdctl to its end, which has to be a good one.
 * @throws FinchError `VM` with the last thing that it said; the signal's reason
 */
export async function runEngine(
  engine: Engine,
  args: readonly string[],
  options: CaptureOptions,
): Promise<ProgramRun> {
  const run = await engine.capture(args, options);
  const { status, fault, stderr } = run;
  if (status === 0) return run;
  const why = said(linesOf(stderr).at(-1)) ?? fault ?? `it ended with exit status ${status}`;
  throw new FinchError('VM', `${nameOf(args)} failed: ${excerpt(why)}`, {
    hint: 'see whether the machine is well with: finch vm status',
  });
}

/** The message in a line of nerdctl's log, or the line where it is none. */
function said(line: string | undefined): string | undefined {
  const logged = /^time=".*?" level=\w+ msg=("(?:[^"\\]|\\.)*")/.exec(line ?? '')?.[1];
  if (logged === undefined) return line;
  try {
    return printable(`${JSON.parse(logged)}`);
  } catch {
    return line;
  }
}

function nameOf([word = '']: readonly string[]): string {
  return `nerdctl ${word}`;
}

/** Lines of a program, without empty ones and secrets, each safe to show. */
function linesOf(bytes: Uint8Array): readonly string[] {
  const lines = new TextDecoder().decode(bytes).split('\n');
  return lines.map((line) => redactText(printable(line))).filter((line) => line !== '');
}
