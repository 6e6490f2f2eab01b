import type { App } from '../app.ts';
import { type EcrRegistry, parseEcrHost } from '../aws/ecr-host.ts';
import { isRepeated } from '../aws/tokens/repeated.ts';
import { goJson, NOT_FOUND } from '../credentials/helper-protocol.ts';
import { parseAsked, parseGiven, readRequest } from '../credentials/helper-request.ts';
import { FinchError } from '../errors.ts';
import { excerpt } from '../text.ts';
import { commit, version } from '../version.ts';
import type { HelperContext, HelperProgram } from './helper-program.ts';

const NAME = 'docker-credential-ecr-login';

/**
 * `docker-credential-ecr-login`: passwords for Amazon ECR, in place of the official helper of that name.
 * Some of its callers take every byte on stderr for a mistake in the answer, so that there is none when all
 * went well; else there is one line with what to do, and not again for what has just failed the same way:
 * nerdctl asks six times.
 * https://github.com/awslabs/amazon-ecr-credential-helper/tree/v0.12.0
 */
export const ecrLoginProgram: HelperProgram = {
  about: {
    version: [`${NAME} (finch) v${version}`],
    // Scripts look for these three lines.
    '-v': [
      'amazon-ecr-credential-helper',
      `Version:    ${version} (finch)`,
      `Git commit: ${commit}`,
    ],
  },
  flagFault: (flag) => `flag provided but not defined: ${excerpt(flag.replace(/^--?/, '-'))}`,
  async answer(action, { app, stdin, signal }) {
    if (action === 'list') return [await list(app)];
    const text = await readRequest(stdin, { signal });
    switch (action) {
      case 'get':
        return [await get(text, { app, signal })];
      case 'store':
        return keep(parseGiven(text).url, app);
      case 'erase':
        return keep(text, app);
      default:
        return action satisfies never;
    }
  },
  explain({ code, message, cause }, reports) {
    const line = code === 'LOGIN_NOT_FOUND' ? NOT_FOUND : message;
    if (!(cause instanceof FinchError)) return { line };
    const advice = `${NAME}: ${[cause.message, cause.hint ?? []].flat().join('; ')}`;
    const traced = reports.filter((report) => report.startsWith('debug: '));
    return { line, advice: isRepeated(cause) ? traced : [...traced, advice] };
  },
  isHeard: () => false,
};

/** @throws FinchError `LOGIN_NOT_FOUND`, whose cause is for people; `USAGE` when the text is empty */
async function get(text: string, { app, signal }: Omit<HelperContext, 'stdin'>): Promise<string> {
  const registry = registryOf(text);
  if (registry === undefined) {
    throw new FinchError('LOGIN_NOT_FOUND', 'that is no registry of Amazon ECR');
  }
  try {
    const { username, secret } = await (await app.aws()).token(registry, { signal });
    return goJson({ ServerURL: text, Username: username, Secret: secret });
  } catch (cause) {
    if (!(cause instanceof FinchError)) throw cause;
    throw new FinchError('LOGIN_NOT_FOUND', `there is no password for ${registry.host}`, { cause });
  }
}

/** The registries that can be asked for without asking AWS. */
async function list(app: App): Promise<string> {
  const registries = await (await app.aws()).remembered();
  return goJson(Object.fromEntries(registries.toSorted().map((url) => [url, 'AWS'])));
}

/**
 * What becomes of a login that a caller wants kept or removed: nothing. For Amazon ECR that is success,
 * since the next `get` has one in any case; who logs in to another registry must learn that it is not kept.
 * @throws FinchError `CREDENTIAL_STORE` in the words of the official helper, whose cause is for people
 */
function keep(url: string, { host: { env } }: App): readonly [] {
  const setting = env['AWS_ECR_IGNORE_CREDS_STORAGE'];
  if (registryOf(url) === undefined ? setting === 'true' : setting !== 'false') return [];
  const cause = new FinchError(
    'CREDENTIAL_STORE',
    'it makes passwords for Amazon ECR and keeps none',
    {
      hint: 'name another helper for other registries in credHelpers of config.json',
    },
  );
  throw new FinchError('CREDENTIAL_STORE', 'not implemented', { cause });
}

/** The registry of Amazon ECR that a caller means, with whatever scheme, port and path. */
function registryOf(text: string): EcrRegistry | undefined {
  // Most callers write the host alone, and who asks for a password waits.
  const registry = parseEcrHost(text);
  if (registry !== undefined) return registry;
  const asked = parseAsked(text)?.server.registry.replace(/[:/].*$/, '');
  return asked === undefined ? undefined : parseEcrHost(asked);
}
