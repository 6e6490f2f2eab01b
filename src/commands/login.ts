import { parseServer } from '../credentials/server-name.ts';
import { parseRealmHost } from '../registry/realm.ts';
import type { Command } from './command.ts';
import { askForRest, givenLogin } from './login-answers.ts';
import { type Attempt, check, keep } from './login-attempt.ts';
import { tryExisting } from './login-existing.ts';
import { checkListFlags, listLogins } from './login-list.ts';
import { hostsDirFlag, insecureFlag } from './registry-flags.ts';

/** `finch login`. */
export const command: Command = {
  usage: '[SERVER]',
  arity: { min: 0, max: 1 },
  about:
    'Asks the registry whether it accepts a user name and password, and keeps them if so. Without SERVER it is Docker Hub. Without a user name it tries the login that there is, and else asks for one; for Amazon ECR it uses the AWS credentials that there are.',
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
    { line: 'finch login public.ecr.aws', what: 'log in to Amazon ECR with AWS credentials' },
    { line: 'finch login --list', what: 'show where logins are kept' },
  ],
  async run(app, invocation) {
    checkListFlags(invocation);
    if (invocation.on('list')) return listLogins(app, invocation);
    const { args, signal } = invocation;
    const server = parseServer(args[0] ?? '');
    const trustRealms = invocation.list('trust-realm').map(parseRealmHost);
    const given = await givenLogin(app, invocation, server);
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
