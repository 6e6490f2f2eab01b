import type { Content, ReadOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { digestParts, isDigest, toDigest } from '../oci/digest.ts';
import { isDocumentType } from '../oci/media-types.ts';
import { HostList, type Way } from './host-list.ts';
import type { Repository } from './repository.ts';

/** The ways to a repository, and who hears of those that did not lead on. */
export interface MirroredOptions {
  /** The mirrors in order, then the registry itself. */
  readonly ways: readonly Way[];
  /** One line for `--debug`. */
  readonly trace?: ((line: string) => void) | undefined;
}

/**
 * A repository to read from that can be reached in several ways: each question goes to the hosts that
 * may answer it, in order, until one does. What a tag names only hosts say that may resolve tags. The
 * bytes of a blob are compared with its digest; a host that gave others is not asked again, and neither
 * is one that cannot be reached or refuses our login. What is written goes to the registry itself.
 * @throws FinchError of the last host that was asked, which names what the others said
 */
export function mirrored(server: Repository, { ways, trace }: MirroredOptions): Repository {
  const hosts = new HostList(ways, trace);
  return {
    ...server,
    async has(descriptor, options) {
      const found = await hosts.first(['pull'], async ({ repository }) =>
        (await repository.has(descriptor, options)) ? true : undefined,
      );
      return found !== undefined;
    },
    async resolve(reference, options) {
      const isTag = !isDigest(reference);
      const found = await hosts.first(isTag ? ['pull', 'resolve'] : ['pull'], ({ repository }) =>
        repository.resolve(reference, options),
      );
      return found?.answer;
    },
    async tags(options) {
      const found = await hosts.first(['pull', 'resolve'], ({ repository }) =>
        repository.tags(options),
      );
      return found?.answer ?? [];
    },
    async open(descriptor, options) {
      const begun = await openAt(hosts, descriptor, options);
      return isDocumentType(descriptor.mediaType) ? begun.answer : blob(hosts, descriptor, begun);
    },
  };
}

/** Content, and the host it comes from. */
interface Begun {
  readonly way: Way;
  readonly answer: Content;
}

async function openAt(
  hosts: HostList,
  descriptor: Descriptor,
  options?: ReadOptions,
): Promise<Begun> {
  const begun = await hosts.first(['pull'], ({ repository }) =>
    repository.open(descriptor, options),
  );
  if (begun !== undefined) return begun;
  throw new FinchError('REMOTE_NOT_FOUND', `no host has ${descriptor.digest}`);
}

/** A blob that goes on at the next host where one breaks off. */
function blob(hosts: HostList, descriptor: Descriptor, first: Begun): Content {
  const { digest, size } = descriptor;
  let begun: Begun | undefined = first;
  let isReplaceable = false;
  return {
    size,
    isReplaceable: () => isReplaceable,
    async *stream({ start = 0, signal }: ReadOptions = {}) {
      const { algorithm } = digestParts(digest);
      const hasher = start === 0 ? new Bun.CryptoHasher(algorithm) : undefined;
      const givers: Way[] = [];
      for (let at = start; at < size; ) {
        const { way, answer } = begun ?? (await openAt(hosts, descriptor, { start: at, signal }));
        begun = undefined;
        try {
          for await (const piece of answer.stream({ start: at, signal })) {
            hasher?.update(piece);
            at += piece.length;
            yield piece;
          }
        } catch (error) {
          // The last host is asked however often it fails, but not for ever.
          if (givers.includes(way) || !hosts.leave(way, error)) throw error;
        }
        givers.push(way);
      }
      if (hasher !== undefined && toDigest(algorithm, hasher.digest('hex')) !== digest) {
        const error = wrongBytes(descriptor, givers);
        // Of several the last may be innocent.
        const suspects = givers.length > 1 ? givers.slice(0, -1) : givers;
        for (const way of suspects) hosts.leave(way, error);
        isReplaceable = hosts.hasOther(undefined, ['pull']);
        throw error;
      }
    },
  };
}

function wrongBytes({ digest }: Descriptor, givers: readonly Way[]): FinchError {
  const names = givers.map(({ site }) => site.name).join(' and ');
  return new FinchError('CONTENT_MISMATCH', `${names} sent other bytes than those of ${digest}`, {
    hint: 'nothing was kept of them; ask who runs it',
  });
}
