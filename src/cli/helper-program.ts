import type { AbortOptions } from '../content.ts';
import { NOT_FOUND } from '../credentials/helper-protocol.ts';
import { type HelperAction, serveHelper } from '../credentials/serve-helper.ts';
import { servedLogins } from '../credentials/served-logins.ts';
import { FinchError, hasCode } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { createProcessHost } from '../host/process-host.ts';
import { redactText } from '../http/redact.ts';
import { excerpt, printable } from '../text.ts';
import { version } from '../version.ts';
import { openDebugLog } from './debug-log.ts';

const NAME = 'docker-credential-finch';

const USAGE = `Usage: ${NAME} <store|get|erase|list|version>`;

/** Exit status after the user interrupted: 128 and SIGINT. */
const INTERRUPTED = 130;

/**
 * finch as the credential helper of docker and others, which is what it is when it is called by the name
 * `docker-credential-finch`. It keeps to the protocol of helpers: what went wrong is one line on stdout,
 * with exit status 1. On stderr there is nothing when all went well, because callers read it too, but
 * where a login is kept unencrypted; else there is the hint, and what could not be asked.
 * https://github.com/docker/docker-credential-helpers/blob/v0.9.3/credentials/credentials.go
 * @param args what stands behind the name
 * @returns the exit status
 */
export async function runHelperProgram(
  args: readonly string[],
  { signal }: AbortOptions,
): Promise<number> {
  const host = createProcessHost();
  const reports: string[] = [];
  const say = (lines: readonly string[]) =>
    host.stderr.write(lines.map((line) => `${redactText(printable(line))}\n`).join(''));
  try {
    const lines = await answer(args, { host, signal, report: (line) => reports.push(line) });
    if (args[0] === 'store') say(reports);
    host.stdout.write(lines.map((line) => `${line}\n`).join(''));
    return 0;
  } catch (error) {
    if (signal?.aborted) return INTERRUPTED;
    const { line, hint } = explain(error);
    say([...reports, ...(hint === undefined ? [] : [`hint: ${hint}`])]);
    host.stdout.write(`${redactText(printable(line))}\n`);
    return 1;
  }
}

async function answer(
  args: readonly string[],
  { host, signal, report }: AbortOptions & { host: Host; report: (line: string) => void },
): Promise<readonly string[]> {
  const [action, ...more] = args;
  if (action === undefined || more.length > 0) throw new FinchError('USAGE', USAGE);
  if (action === '--help' || action === '-h') return [USAGE];
  if (action === 'version' || action === '--version' || action === '-v') {
    return [`${NAME} (finch) v${version}`];
  }
  if (!isAction(action))
    throw new FinchError('USAGE', `${NAME}: unknown action: ${excerpt(action)}`);
  const { env, home, now } = host;
  // Also what is traced is only shown when something fails: callers read stderr.
  const stderr = { write: (text: string) => report(text.trimEnd()) };
  const { trace } = openDebugLog([], { env, now, stderr });
  const logins = servedLogins({ env, home, report, trace });
  return serveHelper(action, { logins, stdin: host.stdin.stream({ signal }), signal });
}

function isAction(text: string): text is HelperAction {
  return text === 'get' || text === 'store' || text === 'erase' || text === 'list';
}

/** An error in the words of the protocol, by which callers tell that there is no login. */
function explain(error: unknown): { line: string; hint?: string | undefined } {
  if (hasCode(error, 'LOGIN_NOT_FOUND')) return { line: NOT_FOUND };
  if (error instanceof FinchError) return { line: error.message, hint: error.hint };
  return { line: `internal error: ${error instanceof Error ? error.message : String(error)}` };
}
