import { createApp } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import type { HelperFailure } from '../credentials/helper-failure.ts';
import type { HelperAction } from '../credentials/serve-helper.ts';
import { FinchError } from '../errors.ts';
import { createProcessHost } from '../host/process-host.ts';
import { redactText } from '../http/redact.ts';
import { excerpt, printable } from '../text.ts';
import { openDebugLog } from './debug-log.ts';
import type { HelperProgram } from './helper-program.ts';

const PROGRAMS = {
  finch: async () => (await import('./finch-program.ts')).finchProgram,
  'ecr-login': async () => (await import('./ecr-login-program.ts')).ecrLoginProgram,
} as const;

/** What stands behind `docker-credential-` in a name by which finch can be called. */
export type HelperName = keyof typeof PROGRAMS;

/** Exit status after the user interrupted: 128 and SIGINT. */
const INTERRUPTED = 130;

/** Exit status of programs written in Go at a flag that they do not have. */
const UNKNOWN_FLAG = 2;

/** The flags of every helper. */
const FLAGS: readonly (string | undefined)[] = ['-v', '--version', '-h', '--help'];

/**
 * finch as a credential helper of docker and others, which is what it is when it is called by the name of
 * one. It keeps to the protocol of helpers: what went wrong is one line on stdout, with exit status 1.
 * Callers read stderr too, so what is said there, and when, is the program's to know.
 * https://github.com/docker/docker-credential-helpers/blob/v0.9.3/credentials/credentials.go
 * @param args what stands behind the name
 * @returns the exit status
 */
export async function runHelperProgram(
  name: HelperName,
  args: readonly string[],
  { signal }: AbortOptions,
): Promise<number> {
  const program = await PROGRAMS[name]();
  const host = createProcessHost();
  const reports: string[] = [];
  const say = (lines: readonly string[]) =>
    host.stderr.write(lines.map((line) => `${redactText(printable(line))}\n`).join(''));
  const report = (line: string) => {
    reports.push(line);
  };
  const [first] = args;
  if (first !== undefined && /^--?[^-]/.test(first) && !FLAGS.includes(first)) {
    const fault = program.flagFault?.(first);
    if (fault !== undefined) {
      say([fault, usageOf(name)]);
      return UNKNOWN_FLAG;
    }
  }
  try {
    const request = parseRequest(name, args, program);
    if (typeof request === 'object') {
      host.stdout.write(joined(request));
      return 0;
    }
    // Also what is traced is only shown when something fails: callers read stderr.
    const stderr = { write: (text: string) => report(text.trimEnd()) };
    const { trace } = openDebugLog([], { env: host.env, now: host.now, stderr });
    const silent = { update() {}, [Symbol.dispose]() {} };
    const talk = {
      ...{ print: report, note: report, trace, ask: askNobody },
      ...{ progress: () => silent, showAs() {}, tell() {} },
    };
    await using app = createApp(host, talk, { isHelper: true });
    const lines = await program.answer(request, {
      ...{ app, stdin: host.stdin.stream({ signal }), signal },
    });
    if (program.isHeard(request)) say(reports);
    host.stdout.write(joined(lines));
    return 0;
  } catch (error) {
    if (signal?.aborted) return INTERRUPTED;
    const { line, advice = [] } = failureOf(error, program, reports);
    say(advice);
    host.stdout.write(`${redactText(printable(line))}\n`);
    return 1;
  }
}

/** What the caller wants done, or the lines of an answer that takes no more than the words it asks with. */
function parseRequest(
  name: HelperName,
  [action, ...more]: readonly string[],
  { about }: HelperProgram,
): HelperAction | readonly string[] {
  const usage = usageOf(name);
  // Whatever else stands there.
  if (action === '-v') return about['-v'];
  if (action === undefined || more.length > 0) throw new FinchError('USAGE', usage);
  if (action === '--help' || action === '-h') return [usage];
  if (action === 'version' || action === '--version') return about.version;
  if (isAction(action)) return action;
  throw new FinchError('USAGE', `docker-credential-${name}: unknown action: ${excerpt(action)}`);
}

function usageOf(name: HelperName): string {
  return `Usage: docker-credential-${name} <store|get|erase|list|version>`;
}

function isAction(text: string): text is HelperAction {
  return text === 'get' || text === 'store' || text === 'erase' || text === 'list';
}

function failureOf(
  error: unknown,
  program: HelperProgram,
  reports: readonly string[],
): HelperFailure {
  if (error instanceof FinchError) return program.explain(error, reports);
  const why = error instanceof Error ? error.message : String(error);
  return { line: `internal error: ${why}`, advice: reports };
}

/** Helpers are asked by programs; what a person would have to answer cannot be had. */
async function askNobody(): Promise<string> {
  throw new FinchError('USAGE', 'there is nobody to ask', {
    hint: 'run a command of finch in a terminal',
  });
}

function joined(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
