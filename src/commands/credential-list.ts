import type { Command } from './command.ts';
import { answerCredential } from './credential-answer.ts';

/** `finch credential list`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about:
    'Writes {"SERVER": "USERNAME", …} as one line of JSON. finch login --list shows more, to people.',
  flags: [],
  examples: [
    { line: 'finch credential list', what: 'what docker gets to know when it asks for all' },
  ],
  run: (app, { signal }) => answerCredential('list', app, { signal }),
};
