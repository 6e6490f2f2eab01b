import type { AbortOptions } from '../../content.ts';
import { FinchError, hasCode } from '../../errors.ts';
import { discardBody } from '../../http/body.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { isGood, type RepositoryApi, repositoryUrl } from '../api.ts';
import type { RegistryMemory } from '../memory/registry-memory.ts';
import { withParameters } from './location.ts';
import { openedAt } from './open-upload.ts';
import type { Standing } from './outcome.ts';

/** Statuses of a registry that knows no mounts, from wherever. */
const NO_MOUNTS = [405, 415, 501];

/** Options of {@link mountBlob}. */
export interface MountOptions extends AbortOptions {
  readonly memory: RegistryMemory;
  /** Repositories that have given nothing to this one: they are not asked again by this process. */
  readonly unwilling: Set<string>;
}

/**
 * Has the registry take a blob from another of its repositories that had it. It may open an upload in
 * place of that, which then is as good as any. A repository that does not give it is forgotten, and a
 * registry that knows no mounts is not asked again.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#mounting-a-blob-from-another-repository
 * @returns undefined when the blob has to be uploaded as any other
 */
export async function mountBlob(
  api: RepositoryApi,
  { digest }: Descriptor,
  { memory, unwilling, signal }: MountOptions,
): Promise<Standing | undefined> {
  for (const from of memory.placesOf(api.registry, digest, api.name)) {
    if (unwilling.has(from)) continue;
    const status = await askToMount(api, { from, digest, signal });
    if (typeof status !== 'number') {
      if (status.kind !== 'mounted') memory.forgetPlace(api.registry, from, digest);
      return status;
    }
    if (NO_MOUNTS.includes(status)) {
      memory.learn(api.endpoint.host, { noMount: true });
      return undefined;
    }
    // Who is busy says nothing about the place.
    if (status === NO_ANSWER || status === 429 || status === 503) return undefined;
    // 404 may be the repository's or the blob's.
    unwilling.add(from);
    memory.forgetPlace(api.registry, from, digest);
  }
  return undefined;
}

const NO_ANSWER = 0;

async function askToMount(
  api: RepositoryApi,
  { from, digest, signal }: AbortOptions & { readonly from: string; readonly digest: string },
): Promise<Standing | number> {
  const url = withParameters(repositoryUrl(api, 'blobs/uploads/'), `mount=${digest}&from=${from}`);
  try {
    const response = await api.send({ method: 'POST', url, idempotent: false, signal });
    await discardBody(response);
    if (isGood(response, [201])) return { kind: 'mounted', from };
    return isGood(response, [202]) ? openedAt(api, response) : response.status;
  } catch (error) {
    if (!(error instanceof FinchError) || hasCode(error, 'CANCELLED')) throw error;
    // What is really wrong shows with the upload. A token for both repositories may not be had.
    return hasCode(error, 'UNAUTHENTICATED', 'DENIED') ? 401 : NO_ANSWER;
  }
}
