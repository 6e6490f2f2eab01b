import type { Talk } from '../app.ts';
import type { Host } from '../host/host.ts';
import { promptLine } from '../host/terminal.ts';
import { printable } from './printable.ts';
import { createProgress } from './progress.ts';

/** Talks to the user through the host's streams. */
export function createTalk(host: Host): Talk {
  return {
    print: (line) => host.stdout.write(`${line}\n`),
    note: (line) => host.stderr.write(`${printable(line)}\n`),
    progress: (verb, { quiet }) =>
      createProgress(host.stderr, {
        ...{ verb, quiet, now: host.now },
        color: !host.env['NO_COLOR'],
      }),
    ask: promptLine,
  };
}
