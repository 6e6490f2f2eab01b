import type { AbortOptions, Content, WriteOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { discardBody } from '../http/body.ts';
import { isPassing } from '../http/failure.ts';
import { Pauses } from '../http/pauses.ts';
import { pause, type RetryOptions, waitAfter } from '../http/retry.ts';
import { type HttpBody, takesFiles } from '../http/transport.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { isGood, type RepositoryApi, refusalOf, repositoryUrl } from './api.ts';
import { hasBlob } from './blobs.ts';
import { type Refusal, refusalError } from './errors.ts';
import { Meter } from './meter.ts';
import { uploadLocation, withDigest } from './upload-location.ts';

/** Times that a blob is sent before its failure is final. */
const ATTEMPTS = 5;

/** Statuses of a registry that has stored a blob. */
const KEPT: readonly number[] = [200, 201, 202, 204];

/** Codes of an upload session that the registry has lost: a new one may work. */
const LOST_SESSION = ['BLOB_UPLOAD_UNKNOWN', 'BLOB_UPLOAD_INVALID', 'RANGE_INVALID'];

/** Options of {@link uploadBlob}. */
export interface UploadOptions extends WriteOptions {
  readonly retry?: RetryOptions;
}

/** How one attempt ended. `wait` is missing when another cannot help; else milliseconds. */
type Outcome =
  | { readonly done: true }
  | { readonly done: false; readonly error: unknown; readonly wait: number | undefined };

/**
 * Sends a blob in one request and in a session of its own. When that fails midway, the repository is
 * asked whether the blob arrived all the same, and if not it is sent again from its first byte, after
 * pauses of two minutes in all.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#post-then-put
 * @throws FinchError `CONTENT_MISMATCH` when the registry finds another digest, or of the last attempt
 */
export async function uploadBlob(
  api: RepositoryApi,
  { descriptor, content }: { readonly descriptor: Descriptor; readonly content: Content },
  { signal, onBytes, retry = {} }: UploadOptions = {},
): Promise<void> {
  if (content.size !== descriptor.size) throw mismatch(api, descriptor, 'the size');
  const meter = new Meter(descriptor, onBytes);
  const attempts = retry.attempts ?? ATTEMPTS;
  const pauses = new Pauses();
  for (let attempt = 1; ; attempt += 1) {
    const location = await startUpload(api, { signal, pauses });
    const body = () => bodyFor(content, { location, meter, signal });
    const outcome = await finishUpload(
      api,
      { descriptor, location, body, attempt },
      { signal, retry },
    );
    if (outcome.done) return meter.complete();
    if (outcome.wait === undefined || attempt >= attempts || !pauses.take(outcome.wait)) {
      throw outcome.error;
    }
    await pause(outcome.wait, { ...retry, signal });
    if (await hasBlob(api, descriptor, { signal, pauses })) return meter.complete();
  }
}

/**
 * Opens an upload session and closes it without a blob. A registry that cannot close one drops it later.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#canceling-a-blob-upload
 * @throws FinchError of {@link uploadBlob}
 */
export async function tryUpload(api: RepositoryApi, { signal }: AbortOptions = {}): Promise<void> {
  const url = await startUpload(api, { signal, pauses: new Pauses() });
  await discardBody(await api.send({ method: 'DELETE', url, signal }));
}

/** Opens an upload session and says where to send the blob. */
async function startUpload(
  api: RepositoryApi,
  { signal, pauses }: AbortOptions & { pauses: Pauses },
): Promise<URL> {
  const url = repositoryUrl(api, 'blobs/uploads/');
  const request = { method: 'POST', url, idempotent: true, signal, pauses } as const;
  const response = await api.send(request);
  if (!isGood(response, [202])) {
    const refusal = await refusalOf(api, request, response);
    const hint = `create the repository ${api.name} at ${api.registry} first, or check its name`;
    throw refusalError(refusal, api, refusal.status === 404 ? { hint } : {});
  }
  await discardBody(response);
  return uploadLocation(api, response);
}

async function finishUpload(
  api: RepositoryApi,
  upload: {
    readonly descriptor: Descriptor;
    readonly location: URL;
    readonly body: () => HttpBody;
    readonly attempt: number;
  },
  { signal, retry = {} }: UploadOptions,
): Promise<Outcome> {
  const { descriptor, location, body, attempt } = upload;
  const url = withDigest(location, descriptor.digest);
  const headers = { 'content-type': 'application/octet-stream' };
  const request = { method: 'PUT', url, headers, body, signal } as const;
  try {
    const response = await api.send(request);
    if (isGood(response, KEPT)) {
      await discardBody(response);
      checkDigest(api, descriptor, response);
      return { done: true };
    }
    const refusal = await refusalOf(api, request, response);
    if (refusal.codes.includes('DIGEST_INVALID')) throw mismatch(api, descriptor, 'the digest');
    const wait = waitAfter(response, attempt, retry) ?? (isLostSession(refusal) ? 0 : undefined);
    return { done: false, error: refusalError(refusal, api), wait };
  } catch (error) {
    if (!isPassing(error)) throw error;
    return { done: false, error, wait: waitAfter({ error }, attempt, retry) };
  }
}

function isLostSession({ status, codes }: Refusal): boolean {
  return status === 404 || status === 410 || codes.some((code) => LOST_SESSION.includes(code));
}

/** A file where it can go out as one, which tells no progress; else a stream. */
function bodyFor(
  content: Content,
  { location, meter, signal }: { location: URL; meter: Meter } & WriteOptions,
): HttpBody {
  meter.restart();
  if (content.file !== undefined && takesFiles(location)) {
    const { path, offset } = content.file;
    return { file: { path, start: offset, end: offset + content.size } };
  }
  return { stream: meter.through(content.stream({ signal })), length: content.size };
}

function checkDigest(api: RepositoryApi, descriptor: Descriptor, { headers }: Response): void {
  const digest = headers.get('docker-content-digest');
  if (digest !== null && digest !== descriptor.digest)
    throw mismatch(api, descriptor, 'the digest');
}

function mismatch({ registry }: RepositoryApi, { digest }: Descriptor, what: string): FinchError {
  return new FinchError(
    'CONTENT_MISMATCH',
    `the bytes for registry ${registry} do not have ${what} of ${digest}`,
    { hint: 'the local copy may be damaged; load or pull the image again' },
  );
}
