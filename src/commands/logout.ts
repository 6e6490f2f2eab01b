import type { RemainingLogin } from '../credentials/logins.ts';
import { parseServer } from '../credentials/server-name.ts';
import { type Command, silence } from './command.ts';

/** `finch logout`. */
export const command: Command = {
  usage: '[SERVER]',
  arity: { min: 0, max: 1 },
  about:
    'Forgets the user name and password for a registry, wherever finch keeps them. Without SERVER it is Docker Hub.',
  flags: [],
  examples: [{ line: 'finch logout ghcr.io', what: 'log out from a registry' }],
  async run(app, { args, signal }) {
    const server = parseServer(args[0] ?? '');
    const { registry } = server;
    const logins = await app.logins();
    const { removed, remaining } = await logins.forget(server, { signal });
    for (const { key, place } of removed) {
      app.talk.note(`removed the login for ${key} from ${place}`);
    }
    if (removed.length === 0 && remaining.length === 0) {
      app.talk.note(`there was no login for ${registry}`);
    }
    for (const login of remaining) app.talk.note(remains(registry, login, app.credentialFile));
    return silence;
  },
};

/** Why there still is a login, and what removes it. */
function remains(registry: string, { place, file }: RemainingLogin, own: string): string {
  if (file === own) return `${place} makes credentials for ${registry} itself, and still does`;
  const program = file.endsWith('config.json') ? 'docker' : 'podman';
  return `a login for ${registry} remains in ${place}; remove it with: ${program} logout ${registry}`;
}
