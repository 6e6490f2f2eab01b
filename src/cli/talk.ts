import type { ProgressMode, Talk } from '../app.ts';
import type { Host } from '../host/host.ts';
import { redactText } from '../http/redact.ts';
import { printable } from '../text.ts';
import { createProgress, type ProgressView } from './progress.ts';
import { createSpeaker, type Speaker } from './speaker.ts';

/** Parts of {@link createTalk} that somebody else may have too. */
interface TalkParts extends Partial<Pick<Talk, 'trace'>> {
  /** Who writes to stderr. Default: nobody else does. */
  readonly speaker?: Speaker;
}

/** Talks to the user through the host's streams; `trace` gets what `--debug` shows. Default: nobody. */
export function createTalk(
  host: Host,
  { trace = () => {}, speaker = createSpeaker(host) }: TalkParts = {},
): Talk {
  let mode: ProgressMode = 'auto';
  // Its cursor cannot be moved.
  const isDumb = host.env['TERM'] === 'dumb';
  let view: ProgressView | undefined;
  return {
    trace,
    print: (line) => host.stdout.write(`${line}\n`),
    note(line) {
      const write = () => speaker.write(`${redactText(printable(line))}\n`);
      if (view === undefined) write();
      else view.above(write);
    },
    tell: (event) => speaker.tell(event),
    showAs(wanted) {
      mode = wanted;
      if (mode === 'json') speaker.speakJson();
    },
    progress(verb) {
      view = createProgress(speaker, {
        ...{ verb, mode: mode === 'auto' && isDumb ? 'plain' : mode, now: host.now },
        color: !host.env['NO_COLOR'],
        tell: (event) => speaker.tell(event),
      });
      return view;
    },
    async ask(question, options) {
      const { promptLine } = await import('../host/terminal.ts');
      return promptLine(question, options);
    },
  };
}
