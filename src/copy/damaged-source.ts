import type { AbortOptions, ContentReader } from '../content.ts';
import { FinchError, hasCode } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { digestParts } from '../oci/digest.ts';
import { digestAll } from '../streams/digest-stream.ts';

/** A {@link ContentReader} that remembers what was read, so that it can be asked whose fault a refusal is. */
export interface WatchedSource extends ContentReader {
  /**
   * The error to show in place of `error`. When that says that bytes do not have their digest, what was
   * opened here is read again: if it is damaged on this side, no registry is to blame.
   */
  explain(error: unknown, options?: AbortOptions): Promise<unknown>;
}

/** Watches what is read from the local side of a push. */
export function watchSource(from: ContentReader): WatchedSource {
  const opened: Descriptor[] = [];
  return {
    has: (descriptor, options) => from.has(descriptor, options),
    open(descriptor, options) {
      opened.push(descriptor);
      return from.open(descriptor, options);
    },
    async explain(error, options = {}) {
      if (!hasCode(error, 'CONTENT_MISMATCH')) return error;
      for (const descriptor of opened) {
        if (!(await isIntact(from, descriptor, options))) return damaged(descriptor, error);
      }
      return error;
    },
  };
}

async function isIntact(
  from: ContentReader,
  descriptor: Descriptor,
  { signal }: AbortOptions,
): Promise<boolean> {
  try {
    const content = await from.open(descriptor, { signal });
    const { algorithm } = digestParts(descriptor.digest);
    const { digest } = await digestAll(content.stream({ signal }), algorithm);
    return digest === descriptor.digest;
  } catch (error) {
    signal?.throwIfAborted();
    return !(error instanceof FinchError);
  }
}

function damaged({ digest }: Descriptor, cause: unknown): FinchError {
  return new FinchError('CONTENT_MISMATCH', `the local copy of ${digest} is damaged`, {
    hint: 'run: finch store repair, then pull or load the image again',
    cause,
  });
}
