import type { AbortOptions, ContentReader } from '../content.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { isIndexType } from '../oci/media-types.ts';
import type { Repository } from '../registry/repository.ts';
import { copyGraph } from './copy-graph.ts';
import { watchSource } from './damaged-source.ts';
import type { CopyEvent } from './events.ts';

/**
 * Pushes `root` and everything below it, and gives it the tag, if there is one. The tag comes last, in
 * the same request as the root, so nobody can pull what is not whole. When the registry has the root
 * under that tag already, that one answer is all it takes, unless `verifyMembers`: then the members of
 * an index are asked for, and those that the registry lacks are sent.
 * @throws FinchError of the registry or the store; `CONTENT_MISMATCH` names the side that is damaged
 */
export async function pushImage(
  root: Descriptor,
  { from, to }: { readonly from: ContentReader; readonly to: Repository },
  options: AbortOptions & {
    tag: string | undefined;
    verifyMembers?: boolean;
    onEvent?: (event: CopyEvent) => void;
  },
): Promise<void> {
  const { tag, verifyMembers = false, signal, onEvent } = options;
  const current = await to.resolve(tag ?? root.digest, { signal });
  const isThere = current?.digest === root.digest;
  if (isThere && !(verifyMembers && isIndexType(root.mediaType))) {
    onEvent?.({ kind: 'found', descriptor: root });
    onEvent?.({ kind: 'exists', descriptor: root });
    return;
  }
  const source = watchSource(from);
  try {
    await copyGraph(
      root,
      { from: source, to },
      {
        signal,
        ...(onEvent && { onEvent }),
        ...(tag !== undefined &&
          !isThere && {
            finish: (document, bytes) => to.tag(tag, document, bytes, { signal }),
          }),
      },
    );
  } catch (error) {
    throw await source.explain(error, { signal });
  }
}
