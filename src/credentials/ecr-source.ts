import type { Aws } from '../aws/aws.ts';
import { type EcrRegistry, parseEcrHost } from '../aws/ecr-host.ts';
import { isOfNobody } from '../aws/identity-errors.ts';
import { isRepeated } from '../aws/tokens/repeated.ts';
import { FinchError } from '../errors.ts';
import { hideSecret } from '../http/redact.ts';
import type { KeychainOptions } from './keychain.ts';
import type { LoginSource, MadeLogin } from './login-source.ts';

/** Who hears of what does not stop anything. */
interface EcrSourceOptions {
  /** Takes a line for the user. */
  readonly report: (line: string) => void;
}

/**
 * Logins for the registries of Amazon ECR, made from the AWS credentials of this user. Whoever pulls from ECR
 * Public needs none: where AWS refuses them the user is told once, and goes on as nobody.
 * @param aws what is asked when a login is made, and not before
 */
export function ecrSource(aws: () => Promise<Aws>, { report }: EcrSourceOptions): LoginSource {
  const told = new Set<string>();
  const tellOnce = (line: string) => {
    if (!told.has(line)) report(`warning: ${line}`);
    told.add(line);
  };
  const make = async (
    registry: EcrRegistry,
    { afresh, refused, signal }: KeychainOptions,
  ): Promise<MadeLogin> => {
    const opened = await aws();
    const secretRefused = refused?.kind === 'password' ? refused.secret : undefined;
    const token = await opened.token(registry, { afresh, refused: secretRefused, signal });
    const { username, secret, expires } = token;
    hideSecret(secret, { user: username });
    const { source } = await opened.identity({ registry });
    const credential = { kind: 'password', username, secret, expires } as const;
    return { credential, from: `AWS credentials (${source})` };
  };
  return {
    name: 'AWS credentials',
    helper: 'ecr-login',
    serves: ({ registry }) => parseEcrHost(registry) !== undefined,
    async make({ registry: host }, options) {
      const registry = parseEcrHost(host);
      if (registry === undefined) return undefined;
      try {
        return await make(registry, options);
      } catch (error) {
        const { afresh = false, needed = true, signal } = options;
        if (!(error instanceof FinchError) || error.code === 'CANCELLED' || signal?.aborted)
          throw error;
        const what = [error.message, error.hint ?? []].flat().join('; ');
        if (afresh) tellOnce(`the login for ${host} was refused, and there is no other: ${what}`);
        else if (needed || registry.kind === 'private') throw error;
        else if (!isOfNobody(error) && !isRepeated(error))
          tellOnce(`${error.message}; pulling anonymously instead`);
        return undefined;
      }
    },
  };
}
