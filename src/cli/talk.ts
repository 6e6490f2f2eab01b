import type { Talk } from '../app.ts';
import type { Host } from '../host/host.ts';
import { redactText } from '../http/redact.ts';
import { printable } from '../text.ts';
import { createProgress } from './progress.ts';

/** Talks to the user through the host's streams; `trace` gets what `--debug` shows. Default: nobody. */
export function createTalk(
  host: Host,
  { trace = () => {} }: Partial<Pick<Talk, 'trace'>> = {},
): Talk {
  return {
    trace,
    print: (line) => host.stdout.write(`${line}\n`),
    note: (line) => host.stderr.write(`${redactText(printable(line))}\n`),
    progress: (verb, { quiet }) =>
      createProgress(host.stderr, {
        ...{ verb, quiet, now: host.now },
        color: !host.env['NO_COLOR'],
      }),
    async ask(question, options) {
      const { promptLine } = await import('../host/terminal.ts');
      return promptLine(question, options);
    },
  };
}
