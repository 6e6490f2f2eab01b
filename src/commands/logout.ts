import type { AbortOptions } from '../content.ts';
import type { ForgottenLogin, Logins, RemainingLogin } from '../credentials/logins.ts';
import { isKeyOf, isPart, parseServer, partName } from '../credentials/server-name.ts';
import { type Command, silence } from './command.ts';

/** `finch logout`. */
export const command: Command = {
  usage: '[SERVER]',
  arity: { min: 0, max: 1 },
  about:
    'Forgets the user name and password for a registry, wherever finch keeps them, and where they were sent. Without SERVER it is Docker Hub. HOST/PATH means what is kept for that alone, if anything is.',
  flags: [],
  examples: [{ line: 'finch logout ghcr.io', what: 'log out from a registry' }],
  async run(app, { args, signal }) {
    const [text = ''] = args;
    const logins = await app.logins();
    const { note } = app.talk;
    const { registry, removed, remaining, failures, made } = await forget(logins, text, { signal });
    for (const { key, place } of removed) note(`removed the login for ${key} from ${place}`);
    if (removed.length === 0 && remaining.length === 0 && failures.length === 0) {
      note(`there was no login for ${registry}`);
    }
    for (const login of remaining) note(remains(login, { registry, own: app.credentialFile }));
    if (made !== undefined) note(`${made} are still used for ${registry}, where there are some`);
    for (const host of await (await app.trustedRealms()).forget(registry)) {
      note(`forgot that logins for ${registry} go to ${host}`);
    }
    const [failure, ...others] = failures;
    for (const { message } of others) note(`warning: ${message}`);
    if (failure !== undefined) throw failure;
    return silence;
  },
};

/** What is kept for just what the user names, and where there is nothing, what is for its registry. */
async function forget(
  logins: Logins,
  text: string,
  options: AbortOptions,
): Promise<ForgottenLogin & { readonly registry: string }> {
  const whole = parseServer(text);
  if (isPart(text)) {
    const part = partName(text);
    const forgotten = await logins.forget(part, options);
    const { removed, remaining, failures } = forgotten;
    const isKept = [...removed, ...remaining].some(({ key }) => isKeyOf(part, key));
    if (isKept || failures.length > 0) return { registry: part.registry, ...forgotten };
  }
  return { registry: whole.registry, ...(await logins.forget(whole, options)) };
}

/** Why there still is a login, and what removes it. */
function remains(
  { key, place, file }: RemainingLogin,
  { registry, own }: { readonly registry: string; readonly own: string },
): string {
  if (file === own && place !== own && key === registry) {
    return `${place} makes credentials for ${key} itself, and still does`;
  }
  const foreign = file.endsWith('config.json') ? 'docker' : 'podman';
  const program = file === own ? 'finch' : foreign;
  return `a login for ${key} remains in ${place}; remove it with: ${program} logout ${key}`;
}
