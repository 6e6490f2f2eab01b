import type { App } from '../app.ts';
import { parseEcrHost } from '../aws/ecr-host.ts';
import type { AbortOptions } from '../content.ts';
import { type PasswordLogin, TOKEN_USER } from '../credentials/credential.ts';
import type { ServerName } from '../credentials/server-name.ts';
import { FinchError } from '../errors.ts';
import { hideSecret } from '../http/redact.ts';
import { readAll } from '../streams/bounded.ts';
import type { Invocation } from './command.ts';

/** The longest password that is read from stdin, in bytes. Tokens have a few thousand. */
const MAX_SECRET_BYTES = 64 * 1024;

/** What the command line and stdin say about who logs in. */
export interface GivenLogin {
  readonly username?: string;
  readonly secret?: string;
}

/**
 * What `--username`, `--password` and `--password-stdin` say.
 * @throws FinchError `USAGE` when they contradict each other, or a value can be none
 */
export async function givenLogin(
  app: App,
  invocation: Invocation,
  { registry }: ServerName,
): Promise<GivenLogin> {
  const username = invocation.text('username');
  const password = invocation.text('password');
  const fromStdin = invocation.on('password-stdin');
  if (password !== undefined && fromStdin) {
    throw new FinchError('USAGE', '--password and --password-stdin are mutually exclusive', {
      hint: 'use --password-stdin, which others cannot see',
    });
  }
  if (fromStdin && username === undefined) {
    throw new FinchError('USAGE', 'must provide --username with --password-stdin', {
      hint: 'name the user with: finch login --username NAME --password-stdin',
    });
  }
  if (username !== undefined) {
    checkUsername(username);
    checkUserOfEcr(username, { registry, isNamed: invocation.args[0] !== undefined });
  }
  if (password !== undefined) {
    app.talk.note('warning: --password can be seen by others; use --password-stdin');
  }
  const secret = fromStdin ? await readSecret(app, invocation) : password;
  if (secret !== undefined) checkSecret(secret, username);
  return { ...(username !== undefined && { username }), ...(secret !== undefined && { secret }) };
}

/**
 * Asks on the terminal for what is not given.
 * @param usual the user name that an empty answer means
 * @throws FinchError `USAGE` when there is no terminal or an answer can be none, `CANCELLED`
 */
export async function askForRest(
  app: App,
  given: GivenLogin,
  { usual = '', signal }: AbortOptions & { readonly usual?: string | undefined },
): Promise<PasswordLogin> {
  const username = given.username ?? ((await askForUsername(app, { signal })) || usual);
  checkUsername(username);
  const secret = given.secret ?? (await askForSecret(app, { signal }));
  checkSecret(secret, username);
  return { kind: 'password', username, secret };
}

async function askForUsername(app: App, { signal }: AbortOptions): Promise<string> {
  checkTerminal(app, 'user name');
  return (await app.talk.ask('Enter Username: ', { secret: false, signal })).trim();
}

function askForSecret(app: App, { signal }: AbortOptions): Promise<string> {
  checkTerminal(app, 'password');
  return app.talk.ask('Enter Password: ', { secret: true, signal });
}

/** Whoever writes to stdin means it to be read: to ask on the terminal beside it would pass it over. */
function checkTerminal({ host }: App, what: string): void {
  if (host.stdin.isTerminal) return;
  throw new FinchError('USAGE', `cannot ask for the ${what}: stdin is not a terminal`, {
    hint: 'name the user with --username, and write the password to stdin with --password-stdin',
  });
}

function checkUsername(username: string): void {
  if (username === '') {
    throw new FinchError('USAGE', 'username is required', {
      hint: 'type one when asked, or name it with --username',
    });
  }
  if (username.includes(':')) {
    throw new FinchError('USAGE', 'username cannot contain colons', {
      hint: 'give the name alone with --username, and the password with --password-stdin',
    });
  }
  if (/\p{Cc}/u.test(username)) {
    throw new FinchError('USAGE', 'username cannot contain control characters', {
      hint: 'type the name again; a copy of it may have brought a line break along',
    });
  }
  // Under this name credential helpers keep tokens of another kind.
  // https://github.com/docker/docker-credential-helpers/blob/v0.9.3/README.md
  if (username === TOKEN_USER) {
    throw new FinchError('USAGE', '"<token>" is no user name', {
      hint: 'log in with the name of your account, and the token as the password',
    });
  }
}

/** The password of Amazon ECR goes to Amazon ECR alone, and no other does. */
function checkUserOfEcr(
  username: string,
  { registry, isNamed }: { readonly registry: string; readonly isNamed: boolean },
): void {
  const line = 'finch login -u AWS --password-stdin';
  if (username === 'AWS' && !isNamed) {
    throw new FinchError('USAGE', 'AWS is the user of Amazon ECR: say which registry', {
      hint: `name it: ${line} public.ecr.aws, or the HOST of yours in its place`,
    });
  }
  if (username !== 'AWS' && parseEcrHost(registry) !== undefined) {
    throw new FinchError('USAGE', `the user name for ${registry} must be AWS`, {
      hint: `log in with AWS credentials: finch login ${registry}; or with a token: ${line} ${registry}`,
    });
  }
}

/** Checks a password, and remembers not to show it. */
function checkSecret(secret: string, user: string | undefined): void {
  hideSecret(secret, { user });
  if (secret === '') {
    throw new FinchError('USAGE', 'password is required', {
      hint: 'type one when asked, or write it to stdin with --password-stdin',
    });
  }
  // Inside it there may be some: keys of Google's service accounts have many lines.
  if (/^[\r\n]|[\r\n]$|[^\P{Cc}\t\r\n]/u.test(secret)) {
    throw new FinchError('USAGE', 'the password holds a line break or other control character', {
      hint: 'give the password alone, without an empty line before or behind it',
    });
  }
}

/** All of stdin, without one line end behind it. */
async function readSecret({ host }: App, { signal }: AbortOptions): Promise<string> {
  if (host.stdin.isTerminal) {
    throw new FinchError('USAGE', 'there is no password on stdin: it is a terminal', {
      hint: 'leave out --password-stdin to be asked for the password',
    });
  }
  const bytes = await readAll(host.stdin.stream({ signal }), {
    limit: MAX_SECRET_BYTES,
    tooLarge: () =>
      new FinchError('USAGE', 'what stdin holds is too long for a password', {
        hint: 'write nothing but the password or token to stdin',
      }),
  });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r?\n$/, '');
  } catch {
    throw new FinchError('USAGE', 'what stdin holds is not UTF-8 text', {
      hint: 'write nothing but the password or token to stdin',
    });
  }
}
