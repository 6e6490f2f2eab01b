import type { Command } from './command.ts';
import { answerCredential } from './credential-answer.ts';

/** `finch credential erase`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about: 'Reads the server from stdin and forgets its login. finch logout does it for people.',
  flags: [],
  examples: [
    { line: 'echo ghcr.io | finch credential erase', what: 'forget a login as docker does' },
  ],
  run: (app, { signal }) => answerCredential('erase', app, { signal }),
};
