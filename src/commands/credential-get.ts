import type { Command } from './command.ts';
import { answerCredential } from './credential-answer.ts';

/** `finch credential get`. */
export const command: Command = {
  usage: '',
  arity: { min: 0, max: 0 },
  about:
    'Reads a server from stdin and writes {"ServerURL", "Username", "Secret"}, as credential helpers of docker do; the user name <token> comes with an identity token. Errors are the usual ones of finch, on stderr. Called by the name docker-credential-finch, finch keeps to the whole protocol and serves docker, crane and skopeo.',
  flags: [],
  examples: [
    {
      line: 'echo ghcr.io | finch credential get',
      what: 'what docker gets to know when it asks finch',
    },
  ],
  run: (app, { signal }) => answerCredential('get', app, { signal }),
};
