import { createApp } from './app.ts';
import { reportError } from './cli/report-error.ts';
import { runCommandLine } from './cli/run.ts';
import { createTalk } from './cli/talk.ts';
import { FinchError } from './errors.ts';
import { createProcessHost } from './host/process-host.ts';
import { redactText } from './http/redact.ts';

const argv = process.argv.slice(2);
const host = createProcessHost();
const debug = argv.includes('--debug') || Boolean(host.env['FINCH_DEBUG']);
const interrupt = new AbortController();
const { signal } = interrupt;

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(name, () => {
    if (signal.aborted) process.exit(130);
    interrupt.abort(new FinchError('CANCELLED', 'interrupted'));
  });
}

process.exit(await main());

async function main(): Promise<number> {
  try {
    await using app = createApp(host, createTalk(host));
    host.stdout.write(await runCommandLine(argv, { app, signal }));
    return 0;
  } catch (error) {
    const { stderr } = host;
    return reportError(error, { stderr, redact: redactText, debug, interrupted: signal.aborted });
  }
}
