import { delimiter, dirname } from 'node:path';
import type { AbortOptions } from '../../content.ts';
import { FinchError } from '../../errors.ts';
import { plainEnvironment } from '../../host/plain-environment.ts';
import { type ProgramRun, runProgram } from '../../host/run-program.ts';
import type { Lima } from './find-limactl.ts';
import { lastError, logTail } from './lima-log.ts';

/** Options of {@link runLimactl}. */
export interface RunLimactlOptions extends AbortOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: half a minute. */
  readonly timeoutMs?: number | undefined;
  /** Takes each line of its log as it comes. */
  readonly onLine?: (line: string) => void;
  /** Takes the number of its process. */
  readonly onStart?: (pid: number) => void;
}

const ASK_MS = 30_000;

/** Lima tells of every piece that it downloads. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Runs `limactl` to its end, without a terminal and without the user's keys.
 * @throws the signal's reason
 */
export function runLimactl(
  lima: Lima,
  args: readonly string[],
  { env, timeoutMs = ASK_MS, onLine, onStart, signal }: RunLimactlOptions,
): Promise<ProgramRun> {
  return runProgram(lima.program, args, {
    ...{ timeoutMs, signal, onStart, maxBytes: MAX_BYTES },
    ...(onLine !== undefined && { onErrorLine: onLine }),
    env: limaEnvironment(lima, env),
    stdin: new Uint8Array(),
  });
}

/**
 * The variables that a `limactl` gets. The processes of a machine outlive the command
 * that started them, and have no use for the user's keys.
 */
export function limaEnvironment(
  { program, home }: Lima,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  const path = [dirname(program), env['PATH']].filter(Boolean).join(delimiter);
  return { ...plainEnvironment(env), PATH: path, LIMA_HOME: home };
}

/** What is told of a `limactl` that failed. */
export interface LimaFailure {
  /** What could not be done: `start the virtual machine`. */
  readonly what: string;
  readonly hint: string;
  /** The log of the host agent, where that may say more than `limactl` does. */
  readonly log?: string;
}

/**
 * What a `limactl` wrote to stdout that must succeed.
 * @throws FinchError `VM` with what Lima said; the signal's reason
 */
export async function askLimactl(
  lima: Lima,
  args: readonly string[],
  options: RunLimactlOptions & LimaFailure,
): Promise<string> {
  const run = await runLimactl(lima, args, options);
  if (run.status !== 0) throw limaError(lima, run, options);
  return new TextDecoder().decode(run.stdout);
}

/** The error for a `limactl` that failed, with the last thing that it called an error. */
export function limaError(
  { program }: Lima,
  { status, fault, stderr }: ProgramRun,
  { what, hint, log = '' }: LimaFailure,
): FinchError {
  const text = new TextDecoder().decode(stderr);
  const own = lastError(text) ?? logTail(text).at(-1);
  const said = own === undefined || ELSEWHERE.test(own) ? (lastError(log) ?? own) : own;
  const end = fault ?? `ended with exit status ${status}`;
  const why = fault === undefined && said !== undefined ? said : `${program} ${end}`;
  return new FinchError('VM', `cannot ${what}: ${why}`, {
    hint: refusesRoot(text) ? ROOT_HINT : hint,
  });
}

/** How `limactl` begins to say that something went wrong of which only the host agent knows more. */
const ELSEWHERE = /^(?:exiting|degraded|did not receive|host agent process has exited)/;

/** Whether Lima says that it does nothing for root. */
export function refusesRoot(said: string): boolean {
  return /must not run as the root user/.test(said);
}

/** What root is to do instead. */
export const ROOT_HINT =
  'run finch as another user than root, or without a virtual machine by vmType: native in finch.yaml';
