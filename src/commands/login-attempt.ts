import type { App } from '../app.ts';
import type { Credential } from '../credentials/credential.ts';
import type { Logins } from '../credentials/logins.ts';
import type { ServerName } from '../credentials/server-name.ts';
import { unencrypted } from '../credentials/unencrypted.ts';
import { FinchError } from '../errors.ts';
import type { CheckedLogin } from '../registry/ping.ts';
import type { Invocation } from './command.ts';
import { hostsDirs } from './registry-flags.ts';

/** Who tries to log in where. */
export interface Attempt {
  readonly app: App;
  readonly server: ServerName;
  readonly invocation: Invocation;
  readonly logins: Logins;
  /** Hosts of token servers that the user trusts. */
  readonly trustRealms: readonly string[];
}

/**
 * Asks the registry whether it accepts a credential.
 * @throws FinchError of {@link App.checkLogin}
 */
export function check({ app, server, invocation, trustRealms }: Attempt, credential: Credential) {
  return app.checkLogin(server, credential, {
    insecure: invocation.on('insecure-registry'),
    hostsDir: hostsDirs(invocation),
    trustRealms,
    signal: invocation.signal,
  });
}

/**
 * Keeps a login, and remembers whom the user trusts with it: first, because a login that goes to whom the
 * user named is of no use where that is not known. Where nobody was named it is no reason to keep none.
 */
export async function settle(
  attempt: Attempt,
  checked: CheckedLogin,
  save: () => Promise<void> = async () => {},
): Promise<void> {
  const { app, server } = attempt;
  const { registry } = server;
  const trust = await app.trustedRealms();
  const before = await trust.remember(registry, checked.realms).catch((error: unknown) => {
    if (checked.trusted.length > 0 || !(error instanceof FinchError)) throw error;
    app.talk.note(`warning: ${error.message}`);
    return undefined;
  });
  try {
    await save();
  } catch (error) {
    if (before !== undefined) await trust.remember(registry, before).catch(() => {});
    throw error;
  }
  explain(attempt, checked);
}

/** Says what is worth knowing of a login that is kept. */
function explain(attempt: Attempt, { trusted, accepted, isAsked }: CheckedLogin): void {
  const { app, server, trustRealms } = attempt;
  const { registry } = server;
  const { note } = app.talk;
  for (const realm of trusted) note(`from now on ${realm} is trusted with logins for ${registry}`);
  const unused = trustRealms.filter((host) => !accepted.includes(host));
  for (const host of unused) note(`${registry} did not ask for the login to be sent to ${host}`);
  if (!isAsked) note(`${registry} asks for no login; the user name and password were not checked`);
}

/** Keeps a login that was accepted, and says so where that is not a safe place. */
export function keep(attempt: Attempt, checked: CheckedLogin): Promise<void> {
  return settle(attempt, checked, () => save(attempt, checked.credential));
}

async function save(attempt: Attempt, accepted: Credential): Promise<void> {
  const { app, server, invocation, logins } = attempt;
  const { note, trace } = app.talk;
  const { signal } = invocation;
  const { kind, place } = await logins.save(server, accepted, { signal });
  if (kind === 'helper') trace(`the login for ${server.registry} is kept by ${place}`);
  else if (kind === 'managed') {
    note(`credentials for ${server.registry} are managed by ${place}; not stored`);
  } else note(unencrypted(accepted, place));
}
