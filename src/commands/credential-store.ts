import type { Command } from './command.ts';
import { answerCredential } from './credential-answer.ts';

/** `finch credential store`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about:
    'Reads {"ServerURL", "Username", "Secret"} from stdin and keeps that login, without asking the registry about it. finch login does ask.',
  flags: [],
  examples: [
    { line: 'cat login.json | finch credential store', what: 'keep a login as docker does' },
  ],
  run: (app, { signal }) => answerCredential('store', app, { signal }),
};
