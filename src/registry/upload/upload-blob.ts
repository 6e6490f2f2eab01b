import type { Content } from '../../content.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { RepositoryApi } from '../api.ts';
import { wrongSize } from './damage.ts';
import { Upload } from './upload.ts';
import type { UploadOptions } from './upload-options.ts';

/**
 * Sends a blob to a repository that does not have it.
 *
 * ```text
 *   left by a dead process ──────────────────────────► ask
 *   mount ── 201 ──► stored
 *     └──── 202 ──► send        open ── 202 ──► send
 *
 *   send  PUT of all, or of what is left; or PATCH of a chunk, the last one in the PUT (`ways.ts`)
 *     ├── taken ───────────────────► send the next, or stored
 *     ├── broken, silent, 5xx, 429 ─► wait; if all went out: is it there? ──► stored
 *     │                                 else ask
 *     ├── 401, and there is a new token ─► ask (once without progress)
 *     ├── 413, 416 ─► ask, then less at once; the second 416 there ─► open
 *     ├── other bytes than the digest's ─► read ours again: damaged ─► fail; else open, once
 *     ├── unknown session (404, 410, 400) ─► is it there, after a PUT that went unanswered? else open
 *     └── refused ─► fail; a PUT with the last chunk ─► PATCH and an empty PUT
 *
 *   ask   GET of the last Location
 *     ├── Range ─► send from there; short of what went out: that goes again
 *     ├── more than was sent, nothing, unknown session ─► open
 *     └── no such question (405, 501) ─► open, or from the last chunk that was taken
 * ```
 *
 * What the registry confirms counts, never what went out; the digest in the request that closes is the
 * proof. After eight failures in a row without a byte more than ever before it is given up. Only one request
 * at a time goes to a session, and only one process has it. What is known of the way of the registry's host is
 * in `host-traits.ts`; what it shows is remembered.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs
 * @throws FinchError `CONTENT_DAMAGED` or `CONTENT_MISMATCH` when the content is not what the descriptor
 * names, or of the last failure
 */
export async function uploadBlob(
  api: RepositoryApi,
  { descriptor, content }: { readonly descriptor: Descriptor; readonly content: Content },
  options: UploadOptions,
): Promise<void> {
  if (content.size !== descriptor.size) throw wrongSize(descriptor.digest);
  const upload = new Upload(api, { descriptor, content }, options);
  try {
    await upload.run();
  } catch (error) {
    await upload.giveUp();
    throw error;
  }
}
