import type { App } from '../app.ts';
import type { Credential } from '../credentials/credential.ts';
import type { Logins } from '../credentials/logins.ts';
import { parseServer, type ServerName } from '../credentials/server-name.ts';
import { unencrypted } from '../credentials/unencrypted.ts';
import { FinchError, hasCode } from '../errors.ts';
import type { CheckedLogin } from '../registry/ping.ts';
import { parseRealmHost } from '../registry/realm.ts';
import type { Command, Invocation } from './command.ts';
import { askForRest, givenLogin } from './login-answers.ts';
import { checkListFlags, listLogins } from './login-list.ts';
import { hostsDirFlag, hostsDirs, insecureFlag } from './registry-flags.ts';

/** `finch login`. */
export const command: Command = {
  usage: '[SERVER]',
  arity: { min: 0, max: 1 },
  about:
    'Asks the registry whether it accepts a user name and password, and keeps them if so. Without SERVER it is Docker Hub. Without a user name it tries the login that there is, and else asks for one.',
  flags: [
    { name: 'username', short: 'u', value: 'NAME', summary: 'user name' },
    {
      name: 'password',
      short: 'p',
      value: 'TEXT',
      summary: 'password; others can see it, better use --password-stdin',
    },
    { name: 'password-stdin', summary: 'read the password from stdin' },
    {
      name: 'trust-realm',
      value: 'HOST',
      summary: 'trust this token server, which the registry names, with the login; may be repeated',
    },
    insecureFlag,
    hostsDirFlag,
    { name: 'list', summary: 'show the logins that there are, without asking any registry' },
    { name: 'format', value: 'FORMAT', summary: 'with --list: json, table, or a Go template' },
  ],
  examples: [
    { line: 'finch login', what: 'log in to Docker Hub, and be asked' },
    {
      line: 'cat token | finch login --username me --password-stdin ghcr.io',
      what: 'log in from a script',
    },
    { line: 'finch login --list', what: 'show where logins are kept' },
  ],
  async run(app, invocation) {
    checkListFlags(invocation);
    if (invocation.on('list')) return listLogins(app, invocation);
    const { args, signal } = invocation;
    const server = parseServer(args[0] ?? '');
    const trustRealms = invocation.list('trust-realm').map(parseRealmHost);
    const given = await givenLogin(app, invocation);
    const logins = await app.logins();
    const attempt: Attempt = { app, server, invocation, logins, trustRealms };
    const isAnybody = given.username === undefined && given.secret === undefined;
    const existing = isAnybody ? await tryExisting(attempt) : undefined;
    if (existing?.isAccepted !== true) {
      const usual = existing?.username;
      const login = await askForRest(app, given, { usual, signal });
      await keep(attempt, await check(attempt, login));
    }
    return { kind: 'lines', lines: ['Login Succeeded'] };
  },
};

/** Who tries to log in where. */
interface Attempt {
  readonly app: App;
  readonly server: ServerName;
  readonly invocation: Invocation;
  readonly logins: Logins;
  /** Hosts of token servers that the user trusts. */
  readonly trustRealms: readonly string[];
}

/** Asks the registry whether it accepts a credential. */
function check({ app, server, invocation, trustRealms }: Attempt, credential: Credential) {
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
async function settle(
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

/** Tries the login that there is; undefined when there is none. */
async function tryExisting(
  attempt: Attempt,
): Promise<{ isAccepted: boolean; username: string | undefined } | undefined> {
  const { app, server, logins } = attempt;
  const { signal } = attempt.invocation;
  const { note } = app.talk;
  const { registry } = server;
  const found = await logins.find(server, { signal });
  if (found === undefined) return undefined;
  const { credential, place, isOwn } = found;
  const username = credential.kind === 'registry-token' ? undefined : credential.username;
  const who = username === undefined ? '' : ` [Username: ${username}]`;
  note(`Authenticating with existing credentials...${who}`);
  const logout = isOwn ? `finch logout ${registry}, or ` : '';
  note(
    `they are in ${place}; for another account: ${logout}finch login --username NAME ${registry}`,
  );
  try {
    const accepted = await check(attempt, credential);
    // Where it is already kept it stays, unless the token server gave another in its place.
    if (accepted.credential === credential) await settle(attempt, accepted);
    else await keep(attempt, accepted);
    return { isAccepted: true, username };
  } catch (error) {
    if (!hasCode(error, 'UNAUTHENTICATED', 'DENIED')) throw error;
    note(error.message);
    if (username !== undefined) note(`press enter without a name to log in as ${username}`);
    return { isAccepted: false, username };
  }
}

/** Keeps a login that was accepted, and says so where that is not a safe place. */
function keep(attempt: Attempt, checked: CheckedLogin): Promise<void> {
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
