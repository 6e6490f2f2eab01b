import { createApp } from '../app.ts';
import { createProcessHost } from '../host/process-host.ts';
import { redactText } from '../http/redact.ts';
import { openDebugLog } from './debug-log.ts';
import { reportError } from './report-error.ts';
import { routePassthrough } from './route-passthrough.ts';
import { runCommandLine } from './run.ts';
import { createSpeaker } from './speaker.ts';
import { createTalk } from './talk.ts';

/** Runs one command line to its end, and gives the exit status of the program. */
export async function runProgram(
  argv: readonly string[],
  { signal }: { readonly signal: AbortSignal },
): Promise<number> {
  const host = createProcessHost();
  const passed = routePassthrough(argv);
  const speaker = createSpeaker(host);
  // Before the command is known: what is wrong with its words is an event too.
  if (passed === undefined && wantsEvents(argv)) speaker.speakJson();
  const { env, now } = host;
  const { trace, explain } = openDebugLog(passed?.before ?? argv, { env, now, stderr: speaker });
  try {
    await using app = createApp(host, createTalk(host, { trace, speaker }));
    if (passed !== undefined) {
      const { passThrough } = await import('../commands/passthrough.ts');
      return await passThrough(app, passed.words, { command: passed.command, signal });
    }
    host.stdout.write(await runCommandLine(argv, { app, signal }));
    return 0;
  } catch (error) {
    return reportError(error, {
      stderr: speaker,
      ...(speaker.isJson && { tell: (event) => speaker.tell(event) }),
      redact: redactText,
      explain,
      interrupted: signal.aborted,
    });
  }
}

function wantsEvents(argv: readonly string[]): boolean {
  return argv.some(
    (word, i) => word === '--progress=json' || (word === 'json' && argv[i - 1] === '--progress'),
  );
}
