import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { childrenOf } from '../oci/document.ts';
import { isDocumentType, isNonDistributable } from '../oci/media-types.ts';
import { nextLevel } from '../oci/nesting.ts';
import type { Repository } from '../registry/repository.ts';
import { CopyWork } from './copy-work.ts';
import { readDocument } from './read-document.ts';

/**
 * Asks a registry whether it has all of an image. Each tag must name the root; every manifest below it is
 * fetched and its bytes compared with its digest; for every blob the registry must say that it has one of
 * that digest and size. Blobs are not fetched.
 * @throws FinchError `CONTENT_MISMATCH` or `REMOTE_NOT_FOUND` with the first that is not as it should be
 */
export async function verifyPush(
  { root, to, tags }: { root: Descriptor; to: Repository; tags: readonly string[] },
  options: AbortOptions = {},
): Promise<void> {
  const work = new CopyWork(options);
  const { signal } = work;
  const seen = new Map<string, Promise<void>>();
  const place = `${to.registry}/${to.name}`;

  const verifyTag = (tag: string) =>
    work.check(async () => {
      const current = await to.resolve(tag, { signal });
      if (current?.digest === root.digest) return;
      const is = current?.digest ?? 'not there';
      throw new FinchError('CONTENT_MISMATCH', `${place}:${tag} is ${is}, not ${root.digest}`, {
        hint: 'somebody else may have pushed it meanwhile; push it again',
      });
    }, root);

  const verifyOnce = (descriptor: Descriptor, level: number): Promise<void> => {
    const verifying = seen.get(descriptor.digest) ?? verify(descriptor, level).catch(work.fail);
    seen.set(descriptor.digest, verifying);
    return verifying;
  };

  const verify = async (descriptor: Descriptor, level: number): Promise<void> => {
    if (!isDocumentType(descriptor.mediaType)) {
      if (await work.check(() => to.has(descriptor, { signal }), descriptor)) return;
      throw new FinchError('REMOTE_NOT_FOUND', `${place} does not have ${descriptor.digest}`, {
        hint: 'the registry has lost it, or keeps it from you: ask who runs it',
      });
    }
    const { document } = await work.read(() => readDocument(to, descriptor, { signal }));
    const below = document.kind === 'index' ? nextLevel(level, descriptor) : level;
    const parts = childrenOf(document).filter(({ mediaType }) => !isNonDistributable(mediaType));
    await Promise.all(parts.map((part) => verifyOnce(part, below)));
  };

  const all = [...tags.map((tag) => verifyTag(tag)), verifyOnce(root, 0)];
  const failure = (await Promise.allSettled(all)).find(({ status }) => status === 'rejected');
  if (failure?.status === 'rejected') throw work.reason(failure.reason);
}
