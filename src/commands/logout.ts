import { eraseCredential } from '../credentials/file-keychain.ts';
import { parseServer } from '../credentials/server-name.ts';
import { type Command, silence } from './command.ts';

/** `finch logout`. */
export const command: Command = {
  usage: '[SERVER]',
  arity: { min: 0, max: 1 },
  about: 'Forgets the user name and password for a registry. Without SERVER it is Docker Hub.',
  flags: [],
  examples: [{ line: 'finch logout ghcr.io', what: 'log out from a registry' }],
  async run(app, { args }) {
    const server = parseServer(args[0] ?? '');
    const removed = await eraseCredential(app.credentialFile, server);
    app.talk.note(
      removed.length > 0
        ? `removed the login for ${server.registry}`
        : `there was no login for ${server.registry}`,
    );
    return silence;
  },
};
