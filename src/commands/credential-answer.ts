import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import { ecrSource } from '../credentials/ecr-source.ts';
import { type HelperAction, serveHelper } from '../credentials/serve-helper.ts';
import { servedLogins } from '../credentials/served-logins.ts';
import { FinchError } from '../errors.ts';
import type { Result } from './command.ts';

/** What a person may have wanted who called a command that reads stdin and wrote nothing to it. */
const HINTS: Readonly<Record<HelperAction, string>> = {
  get: 'name the server with: echo SERVER | finch credential get',
  store: 'log in with: finch login SERVER',
  erase: 'log out with: finch logout SERVER',
  list: 'see the logins with: finch login --list',
};

/**
 * Answers one request of another program, which writes it to stdin.
 * @throws FinchError `USAGE` when stdin is a terminal, and all that {@link serveHelper} throws
 */
export async function answerCredential(
  action: HelperAction,
  app: App,
  { signal }: AbortOptions,
): Promise<Result> {
  const { host, talk } = app;
  if (action !== 'list' && host.stdin.isTerminal) {
    throw new FinchError('USAGE', `finch credential ${action} reads stdin, which is a terminal`, {
      hint: HINTS[action],
    });
  }
  const { env, home } = host;
  const { note: report, trace } = talk;
  const source = ecrSource(app.aws, { report });
  const lines = await serveHelper(action, {
    logins: servedLogins({ env, home, report, trace, source }),
    stdin: host.stdin.stream({ signal }),
    signal,
  });
  return { kind: 'lines', lines };
}
