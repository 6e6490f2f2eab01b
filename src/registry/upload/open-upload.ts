import type { AbortOptions } from '../../content.ts';
import type { FinchError } from '../../errors.ts';
import { discardBody } from '../../http/body.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { digestParts } from '../../oci/digest.ts';
import { isGood, type RepositoryApi, refusalOf, repositoryUrl } from '../api.ts';
import { hasBlob } from '../blobs.ts';
import { type Refusal, refusalError } from '../errors.ts';
import { uploadLocation, withParameters } from './location.ts';
import { outcomeOf, outcomeOfError, type Standing } from './outcome.ts';
import { minChunkOf } from './session.ts';

/** Options of {@link openUpload}. */
export interface OpenOptions extends AbortOptions {
  /** Whether the registry has answered before. */
  readonly isKnown: boolean;
}

/**
 * Opens an upload. A digest of another algorithm than SHA-256 is announced. A registry may answer that it
 * has the blob already, and is asked then whether that is so.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#post-then-put
 * @throws FinchError when the registry refuses for good
 */
export async function openUpload(
  api: RepositoryApi,
  descriptor: Descriptor,
  { isKnown, signal }: OpenOptions,
): Promise<Standing> {
  const request = { ...openRequest(api, descriptor), signal };
  const response = await api.send(request).catch((error: unknown) => ({ error }));
  if (!(response instanceof Response)) return outcomeOfError(response.error, isKnown);
  if (!isGood(response, [201, 202])) {
    const refusal = await refusalOf(api, request, response);
    const outcome = outcomeOf(response, { refusal, api });
    if (outcome.kind === 'unsure') return outcome;
    throw openError(api, refusal);
  }
  await discardBody(response);
  if (response.status === 201 && (await hasBlob(api, descriptor, { signal }))) {
    return { kind: 'stored' };
  }
  return openedAt(api, response);
}

/**
 * Opens an upload and closes it without a blob. A registry that cannot close one drops it later.
 * @throws FinchError of whatever would refuse a push
 */
export async function tryUpload(api: RepositoryApi, { signal }: AbortOptions = {}): Promise<void> {
  const request = { ...openRequest(api), idempotent: true, signal };
  const response = await api.send(request);
  if (!isGood(response, [202])) throw openError(api, await refusalOf(api, request, response));
  await discardBody(response);
  await cancelUpload(api, uploadLocation(api, response), { signal });
}

/**
 * Tells the registry that nobody goes on with an upload.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#canceling-a-blob-upload
 * @returns whether it took that; else it drops the upload some day
 * @throws FinchError when there is no answer
 */
export async function cancelUpload(
  api: RepositoryApi,
  url: URL,
  { signal }: AbortOptions = {},
): Promise<boolean> {
  const response = await api.send({ method: 'DELETE', url, idempotent: false, signal });
  await discardBody(response);
  return response.ok;
}

/** The upload that an answer has opened. */
export function openedAt(api: RepositoryApi, response: Response): Standing {
  const location = uploadLocation(api, response);
  return { kind: 'at', session: { location, offset: 0, minChunkBytes: minChunkOf(response) } };
}

function openRequest(api: RepositoryApi, descriptor?: Descriptor) {
  const url = repositoryUrl(api, 'blobs/uploads/');
  const algorithm = descriptor ? digestParts(descriptor.digest).algorithm : 'sha256';
  return {
    method: 'POST',
    url: algorithm === 'sha256' ? url : withParameters(url, `digest-algorithm=${algorithm}`),
    idempotent: false,
  } as const;
}

function openError(api: RepositoryApi, refusal: Refusal): FinchError {
  const hint = `create the repository ${api.name} at ${api.registry} first, or check its name`;
  return refusalError(refusal, api, refusal.status === 404 ? { hint } : {});
}
