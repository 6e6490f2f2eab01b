import { createApp } from '../app.ts';
import { createProcessHost } from '../host/process-host.ts';
import { redactText } from '../http/redact.ts';
import { openDebugLog } from './debug-log.ts';
import { reportError } from './report-error.ts';
import { routePassthrough } from './route-passthrough.ts';
import { runCommandLine } from './run.ts';
import { createTalk } from './talk.ts';

/** Runs one command line to its end, and gives the exit status of the program. */
export async function runProgram(
  argv: readonly string[],
  { signal }: { readonly signal: AbortSignal },
): Promise<number> {
  const host = createProcessHost();
  const passed = routePassthrough(argv);
  const { trace, explain } = openDebugLog(passed?.before ?? argv, host);
  try {
    await using app = createApp(host, createTalk(host, { trace }));
    if (passed !== undefined) {
      const { passThrough } = await import('../commands/passthrough.ts');
      return await passThrough(app, passed.words, { command: passed.command, signal });
    }
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
