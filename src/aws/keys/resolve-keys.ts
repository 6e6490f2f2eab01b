import { FinchError } from '../../errors.ts';
import { orAborted } from '../../host/single-flight.ts';
import type { AwsKeys } from '../identity.ts';
import type { KeyContext } from './key-context.ts';
import type { KeySource, RoleSource } from './key-source.ts';
import { mfaCode } from './mfa-code.ts';
import { nameOfSource } from './source-name.ts';

/** How long all who are asked for keys may take together. */
const LIMIT_MS = 10_000;

/** What gives keys without other keys. */
type FirstSource = Exclude<KeySource, RoleSource>;

/** What the first role of a chain is assumed with; what is no role, itself. */
export function firstOf(source: KeySource): FirstSource {
  return source.kind === 'role' ? firstOf(source.source) : source;
}

/** The same chain of roles, beginning with keys that {@link firstOf} it has given. */
export function withFirstKeys(source: KeySource, keys: AwsKeys): KeySource {
  if (source.kind === 'role') return { ...source, source: withFirstKeys(source.source, keys) };
  return { kind: 'static', from: nameOfSource(source), keys };
}

/** What somebody else is asked in. */
type Work = (context: KeyContext) => Promise<AwsKeys>;

/** A role, and the code that it wants. */
interface Link {
  readonly role: RoleSource;
  readonly code: string | undefined;
}

/**
 * The credential provider chain, once it is known which provider answers: gets the keys, and then those of one role after
 * the other. The user, who may have to type codes, and a program have time of their own; all others have 10 seconds
 * together. Code is loaded when it is needed.
 * @throws FinchError `AWS_IDENTITY`, `AWS`, `NETWORK`, `CANCELLED`
 */
export async function resolveKeys(
  source: KeySource,
  context: KeyContext,
  { limitMs = LIMIT_MS }: { readonly limitMs?: number } = {},
): Promise<AwsKeys> {
  const links: Link[] = [];
  let first = source;
  // The code of the last role comes first, as with the AWS CLI.
  for (; first.kind === 'role'; first = first.source) {
    links.unshift({ role: first, code: await mfaCode(first, context) });
  }
  const begin = await starter(first, context);
  return within({ ...context, limitMs, name: nameOfSource(source) }, async (limited) => {
    let keys = await begin(limited);
    for (const { role, code } of links) {
      const { roleKeys } = await import('./role-keys.ts');
      keys = await roleKeys(role, { keys, from: nameOfSource(role.source) }, { ...limited, code });
    }
    return keys;
  });
}

/** What gets the first keys. A program has run by then. */
async function starter(source: FirstSource, context: KeyContext): Promise<Work> {
  const { surroundings, signal } = context;
  switch (source.kind) {
    case 'static':
      return async () => source.keys;
    case 'process': {
      const { processKeys } = await import('./process-keys.ts');
      const keys = await processKeys(source, { env: surroundings.env, signal });
      return async () => keys;
    }
    case 'container': {
      const { containerKeys } = await import('./container-keys.ts');
      return containerKeys;
    }
    case 'metadata': {
      const { metadataKeys } = await import('./metadata-keys.ts');
      return (limited) => metadataKeys(source, limited);
    }
    case 'web-identity': {
      const { webIdentityKeys } = await import('./role-keys.ts');
      return (limited) => webIdentityKeys(source, limited);
    }
    case 'sso': {
      const { ssoKeys } = await import('./sdk-keys.ts');
      return (limited) => ssoKeys(source, limited);
    }
    case 'login': {
      const { loginKeys } = await import('./sdk-keys.ts');
      return (limited) => loginKeys(source, limited);
    }
  }
}

/** Does the work until the time is over. */
async function within(
  { limitMs, name, ...context }: KeyContext & { readonly limitMs: number; readonly name: string },
  work: Work,
): Promise<AwsKeys> {
  const { signal } = context;
  const over = new AbortController();
  const error = new FinchError('NETWORK', `${name} gave no AWS keys within ${limitMs / 1000} s`, {
    hint: 'check the network connection and HTTPS_PROXY; --debug shows who was asked',
  });
  const timer = setTimeout(() => over.abort(error), limitMs);
  const stop = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
  try {
    return await orAborted(work({ ...context, signal: stop }), stop);
  } catch (cause) {
    throw over.signal.aborted && !signal?.aborted ? error : cause;
  } finally {
    clearTimeout(timer);
  }
}
