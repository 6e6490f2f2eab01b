import type { AbortOptions, Content } from '../../content.ts';
import { FinchError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { type Digest, digestParts } from '../../oci/digest.ts';
import { digestAll } from '../../streams/digest-stream.ts';

/**
 * Reads content again, as the registry found other bytes in it.
 * @throws FinchError `CONTENT_DAMAGED` when a file of this machine does not have its digest,
 * `CONTENT_MISMATCH` when other content does not
 */
export async function assertIntact(
  content: Content,
  { digest }: Descriptor,
  { signal }: AbortOptions,
): Promise<void> {
  const found = await digestAll(content.stream({ signal }), digestParts(digest).algorithm);
  if (found.digest === digest) return;
  const code = content.file === undefined ? 'CONTENT_MISMATCH' : 'CONTENT_DAMAGED';
  throw new FinchError(code, `the local copy of ${digest} is damaged`, {
    hint: 'run: finch store repair, then pull or load the image again',
  });
}

/** The error for a registry that has other bytes than those that it was sent, which are right. */
export function wrongDigest(
  { registry }: { readonly registry: string },
  digest: Digest,
  cause?: unknown,
): FinchError {
  const message = `registry ${registry} did not get the bytes of ${digest} as they were sent`;
  return new FinchError('CONTENT_MISMATCH', message, {
    hint: 'try again; a proxy in between may change what passes',
    cause,
  });
}

/** The error for content that is not as long as its descriptor says. */
export function wrongSize(digest: Digest): FinchError {
  return new FinchError('CONTENT_MISMATCH', `the local copy of ${digest} does not have its size`, {
    hint: 'run: finch store repair, then pull or load the image again',
  });
}
