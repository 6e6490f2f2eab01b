import { createApp } from '../app.ts';
import { createProcessHost } from '../host/process-host.ts';
import { redactText } from '../http/redact.ts';
import { openDebugLog } from './debug-log.ts';
import { reportError } from './report-error.ts';
import { runCommandLine } from './run.ts';
import { createTalk } from './talk.ts';

/** Runs one command line to its end, and gives the exit status of the program. */
export async function runProgram(
  argv: readonly string[],
  { signal }: { readonly signal: AbortSignal },
): Promise<number> {
  const host = createProcessHost();
  const { trace, explain } = openDebugLog(argv, host);
  try {
    await using app = createApp(host, createTalk(host, { trace }));
    host.stdout.write(await runCommandLine(argv, { app, signal }));
    return 0;
  } catch (error) {
    return reportError(error, {
      stderr: host.stderr,
      redact: redactText,
      explain,
      interrupted: signal.aborted,
    });
  }
}
