import type { Host } from '../host/host.ts';
import { redactText } from '../http/redact.ts';
import { printable } from '../text.ts';
import type { ProgressOutput } from './progress-display.ts';

/** The version of the events: it counts up when one that is there changes its meaning or goes. */
const EVENTS_VERSION = 1;

/** Who writes to stderr: text, or from some moment on one JSON object a line. */
export interface Speaker extends ProgressOutput {
  readonly isJson: boolean;
  /** From now on every line is one event, also text: a `note`. */
  speakJson(): void;
  /** Writes one event; nothing while text is written. No secret of it is shown. */
  tell(event: Readonly<Record<string, unknown>>): void;
}

/** A {@link Speaker} over the host's stderr. */
export function createSpeaker({ stderr, now }: Pick<Host, 'stderr' | 'now'>): Speaker {
  const output: ProgressOutput = stderr;
  let isJson = false;
  const tell: Speaker['tell'] = (event) => {
    if (!isJson) return;
    const { event: name, ...fields } = event;
    const time = now().toISOString();
    const stamped = { version: EVENTS_VERSION, event: name, time, ...fields };
    output.write(`${JSON.stringify(stamped, clean)}\n`);
  };
  return {
    get isJson() {
      return isJson;
    },
    get isTerminal() {
      return output.isTerminal;
    },
    get columns() {
      return output.columns;
    },
    get rows() {
      return output.rows ?? 24;
    },
    speakJson() {
      isJson = true;
    },
    tell,
    write(text) {
      if (!isJson) return output.write(text);
      for (const line of text.split('\n')) if (line !== '') tell({ event: 'note', text: line });
    },
  };
}

function clean(_: string, value: unknown): unknown {
  return typeof value === 'string' ? redactText(printable(value)) : value;
}
