import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import type { PasswordLogin } from '../credentials/credential.ts';
import { storeCredential } from '../credentials/file-keychain.ts';
import { parseServer } from '../credentials/server-name.ts';
import { FinchError } from '../errors.ts';
import { checkLogin } from '../registry/ping.ts';
import { readAll } from '../streams/bounded.ts';
import type { Command, Invocation } from './command.ts';
import { insecureFlag } from './registry-flags.ts';

/** The longest password that is read from stdin, in bytes. Tokens have a few thousand. */
const MAX_SECRET_BYTES = 64 * 1024;

/** `finch login`. */
export const command: Command = {
  usage: '[SERVER]',
  arity: { min: 0, max: 1 },
  about:
    'Asks the registry whether it accepts a user name and password, and keeps them if so. Without SERVER it is Docker Hub.',
  flags: [
    { name: 'username', short: 'u', value: 'NAME', summary: 'user name' },
    {
      name: 'password',
      short: 'p',
      value: 'TEXT',
      summary: 'password; others can see it, better use --password-stdin',
    },
    { name: 'password-stdin', summary: 'read the password from stdin' },
    insecureFlag,
  ],
  examples: [
    { line: 'finch login', what: 'log in to Docker Hub, and be asked' },
    {
      line: 'cat token | finch login --username me --password-stdin ghcr.io',
      what: 'log in from a script',
    },
  ],
  async run(app, invocation) {
    const server = parseServer(invocation.args[0] ?? '');
    const credential = await readCredential(app, invocation);
    await checkLogin(server.registry, {
      transport: app.transport,
      credential,
      insecure: invocation.on('insecure-registry'),
      userAgent: app.userAgent,
      signal: invocation.signal,
    });
    await storeCredential(app.credentialFile, server, credential);
    app.talk.note(
      `warning: the password is kept unencrypted in ${app.credentialFile}; a credential helper keeps it safe, see https://runfinch.com/docs/container-images/authentication/`,
    );
    return { kind: 'lines', lines: ['Login Succeeded'] };
  },
};

async function readCredential(app: App, invocation: Invocation): Promise<PasswordLogin> {
  const { signal } = invocation;
  const given = invocation.text('username');
  const password = invocation.text('password');
  const fromStdin = invocation.on('password-stdin');
  if (given?.includes(':')) {
    throw new FinchError('USAGE', 'username cannot contain colons', {
      hint: 'give the name alone with --username, and the password with --password-stdin',
    });
  }
  if (password !== undefined && fromStdin) {
    throw new FinchError('USAGE', '--password and --password-stdin are mutually exclusive', {
      hint: 'use --password-stdin, which others cannot see',
    });
  }
  if (fromStdin && given === undefined) {
    throw new FinchError('USAGE', 'must provide --username with --password-stdin', {
      hint: 'name the user with: finch login --username NAME --password-stdin',
    });
  }
  if (password !== undefined) {
    app.talk.note('warning: --password can be seen by others; use --password-stdin');
  }
  const username = given ?? (await app.talk.ask('Enter Username: ', { secret: false, signal }));
  if (username === '') {
    throw new FinchError('USAGE', 'username is required', {
      hint: 'type one when asked, or name it with --username',
    });
  }
  const secret = fromStdin
    ? await readSecret(app, { signal })
    : (password ?? (await app.talk.ask('Enter Password: ', { secret: true, signal })));
  if (secret === '') {
    throw new FinchError('USAGE', 'password is required', {
      hint: 'type one when asked, or write it to stdin with --password-stdin',
    });
  }
  return { kind: 'password', username, secret };
}

/** All of stdin, without one line end behind it. */
async function readSecret({ host }: App, { signal }: AbortOptions): Promise<string> {
  const bytes = await readAll(host.stdin.stream({ signal }), {
    limit: MAX_SECRET_BYTES,
    tooLarge: () =>
      new FinchError('USAGE', 'what stdin holds is too long for a password', {
        hint: 'write nothing but the password or token to stdin',
      }),
  });
  return new TextDecoder().decode(bytes).replace(/\r?\n$/, '');
}
