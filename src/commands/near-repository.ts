import type { App } from '../app.ts';
import { parseEcrHost } from '../aws/ecr-host.ts';
import type { AbortOptions } from '../content.ts';
import { FinchError, hasCode } from '../errors.ts';
import type { Reference } from '../oci/reference.ts';
import { nearest } from '../text.ts';

/** How long the list of repositories may take, in milliseconds: it only makes a hint better. */
const PATIENCE_MS = 2000;

/** No more parts of the list are asked for, of 1000 names each. */
const MAX_PAGES = 3;

/** What {@link suggestingNear} is about. */
interface SuggestOptions extends AbortOptions {
  readonly reference: Reference;
  /** What to do when it is not the name that was meant. */
  readonly otherwise?: string;
}

/**
 * What `copy` gives. When a repository of Amazon ECR turns out to be missing, the error's hint names one of the same
 * registry that is called almost the same, as far as the user may see the list of them.
 * @throws what `copy` throws
 */
export async function suggestingNear<T>(
  copy: () => Promise<T>,
  app: App,
  { reference, otherwise, signal }: SuggestOptions,
): Promise<T> {
  try {
    return await copy();
  } catch (error) {
    if (!hasCode(error, 'REMOTE_NOT_FOUND') || signal?.aborted) throw error;
    const near = await nearRepository(app, reference, { signal }).catch(() => undefined);
    if (near === undefined) throw error;
    const hint = [`did you mean ${near}?`, otherwise ?? []].flat().join(' If not, ');
    throw new FinchError(error.code, error.message, { hint, cause: error });
  }
}

async function nearRepository(
  app: App,
  { registry: host, repository }: Reference,
  { signal }: AbortOptions,
): Promise<string | undefined> {
  const registry = parseEcrHost(host);
  if (registry?.kind !== 'private') return undefined;
  const patience = AbortSignal.any([AbortSignal.timeout(PATIENCE_MS), ...(signal ? [signal] : [])]);
  const { listRepositories } = await import('../aws/ecr/repositories.ts');
  const { surroundings, identity: identify } = await app.aws();
  const identity = await identify({ registry });
  const names: string[] = [];
  let next: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const options = { surroundings, next, signal: patience };
    const part = await listRepositories(registry, identity, options);
    if (!part.ok) break;
    names.push(...part.value.names);
    next = part.value.next;
    if (next === undefined) break;
  }
  // What is missing then is the image in it.
  if (names.includes(repository)) return undefined;
  const near = nearest(repository, names);
  return near && `${registry.host}/${near}`;
}
