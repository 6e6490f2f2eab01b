import type { Content, ContentReader, ContentStore, WriteStep } from '../content.ts';
import { hasCode } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { CopyEvent } from './events.ts';

/** Where a blob goes, and who hears of it. */
export interface CopyBlobOptions {
  readonly from: ContentReader;
  readonly to: ContentStore;
  readonly signal: AbortSignal;
  readonly onEvent: (event: CopyEvent) => void;
}

/**
 * Copies one blob, and tells what happens to it. Bytes that turn out to be wrong and may come from another
 * place are opened once more.
 * @throws FinchError of either side
 */
export async function copyBlob(descriptor: Descriptor, options: CopyBlobOptions): Promise<void> {
  const { from, signal, onEvent } = options;
  onEvent({ kind: 'started', descriptor });
  let content: Content;
  do content = await from.open(descriptor, { signal });
  while (!(await isWritten(descriptor, content, options)));
  onEvent({ kind: 'done', descriptor });
}

/** Writes a blob; false when its bytes are wrong, and may be right when it is opened once more. */
async function isWritten(
  descriptor: Descriptor,
  content: Content,
  { to, signal, onEvent }: CopyBlobOptions,
): Promise<boolean> {
  let [sent, resumed] = [0, 0];
  const onBytes = (bytes: number) => {
    sent += bytes;
    onEvent({ kind: 'progress', descriptor, bytes });
  };
  const onStep = (step: WriteStep) => {
    if (step.kind === 'resumed') resumed += step.bytes;
    onEvent({ ...step, descriptor });
  };
  try {
    await to.write(descriptor, content, { signal, onBytes, onStep });
    return true;
  } catch (error) {
    if (!hasCode(error, 'CONTENT_MISMATCH') || !content.isReplaceable?.()) throw error;
    if (resumed !== 0) onEvent({ kind: 'resumed', descriptor, bytes: -resumed });
    onEvent({ kind: 'progress', descriptor, bytes: -sent });
    return false;
  }
}
