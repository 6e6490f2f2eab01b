import type { App } from '../app.ts';
import type { EcrRegistry } from '../aws/ecr-host.ts';
import type { AbortOptions } from '../content.ts';
import type { Credential } from '../credentials/credential.ts';
import { ecrSource } from '../credentials/ecr-source.ts';
import { expiryOf } from '../credentials/expiry.ts';
import type { LoginStoresOptions } from '../credentials/login-stores.ts';
import type { FoundLogin } from '../credentials/logins.ts';
import { openLogins } from '../credentials/open-logins.ts';
import { type ServerName, serverName } from '../credentials/server-name.ts';
import { FinchError, hasCode } from '../errors.ts';

/** What there is to say about the login for a registry that is kept somewhere. */
export interface KeptLogin {
  readonly what: string;
  /** One that the registry accepts: finch uses it before AWS credentials. */
  readonly credential?: Credential;
}

/** For what a login is looked for. */
interface KeptLoginOptions extends AbortOptions {
  /** The repository, for which another login may be kept than for the rest of the registry. */
  readonly repository: string | undefined;
}

/**
 * Looks for the login for a registry that finch would use before AWS credentials, and shows it to the registry. None is
 * made, and nothing changes.
 * @throws FinchError of `App.checkLogin` when the registry does not accept it, `CREDENTIAL_STORE` when a helper that
 * finch's own file names fails, `CONFIG_INVALID`, `IO`
 */
export async function keptLogin(
  app: App,
  registry: EcrRegistry,
  { repository, signal }: KeptLoginOptions,
): Promise<KeptLogin> {
  const server = serverName(registry.host);
  const login = await find(app, server, { repository, signal });
  if (login === undefined) return { what: 'none is kept, so finch looks for AWS credentials' };
  const { place, credential, isOwn } = login;
  const ended = endOf(app, login);
  if (ended !== undefined) {
    const when = ended.toISOString();
    return { what: `that in ${place} ended at ${when}, so finch looks for AWS credentials` };
  }
  try {
    await app.checkLogin(server, credential, { insecure: false, signal });
  } catch (error) {
    if (!hasCode(error, 'UNAUTHENTICATED', 'DENIED')) throw error;
    const { host } = registry;
    const what = `finch uses the login in ${place} before AWS credentials: ${error.message}`;
    const remove = isOwn ? `remove it with: finch logout ${host}` : `remove it from ${place}`;
    throw new FinchError(error.code, what, {
      hint: `${remove}, or replace it with: finch login ${host}`,
      cause: error,
    });
  }
  const what = `${registry.host} accepts the login in ${place}, which finch uses before AWS credentials`;
  return { what, credential };
}

/** When a login ended; undefined when it has not. */
function endOf({ host }: App, { credential }: FoundLogin): Date | undefined {
  const ends = expiryOf(credential);
  return ends !== undefined && ends.getTime() <= host.now().getTime() ? ends : undefined;
}

/**
 * The login that is kept, and one that has ended only where there is no other; its own places first, so that
 * what fails there is told from what fails elsewhere.
 */
async function find(
  app: App,
  server: ServerName,
  asking: KeptLoginOptions,
): Promise<FoundLogin | undefined> {
  const { talk, host, credentialFile } = app;
  const problems: string[] = [];
  const report = (line: string) => problems.push(line.replace(/^warning: /, ''));
  const trace = (line: string) => talk.trace(line);
  const source = ecrSource(() => app.aws(), { report: trace });
  const around: LoginStoresOptions = {
    ...{ env: host.env, home: host.home, report: trace, trace },
    // It makes none, but its helper is not run.
    source: { ...source, serves: () => false },
    now: () => host.now().getTime(),
    waiting: (line) => talk.note(line),
  };
  const own = await openLogins({ ...around, report, others: [] }).find(server, asking);
  const [problem] = problems;
  if (own === undefined && problem !== undefined) {
    throw new FinchError('CREDENTIAL_STORE', problem, {
      hint: `take it out of ${credentialFile}: for Amazon ECR finch needs no helper`,
    });
  }
  const first = own ?? (await openLogins(around).find(server, asking));
  if (first === undefined || endOf(app, first) === undefined) return first;
  // What something could be made in place of is passed over.
  const passing = { ...around, source: { ...source, make: async () => undefined } };
  return (await openLogins(passing).find(server, asking)) ?? first;
}
