import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { Document } from '../oci/document.ts';
import { isIndexType } from '../oci/media-types.ts';
import { isTag, parseReference } from '../oci/reference.ts';
import type { ImageRecord, ImageStore } from '../store/image-store.ts';
import type { Claims } from './claims.ts';
import { documentsBelow, findDocument } from './find-document.ts';
import type { NamedRepository, Naming } from './naming.ts';
import { RegistryError } from './registry-error.ts';

/**
 * The repositories of this registry: a view of the store's names.
 *
 * A tag is a name `<repository>:<tag>`. A document that was pushed by its digest alone is kept by the
 * name `<repository>@<digest>` until a tag of the repository reaches it, so a pushed image of several
 * platforms ends as one name. When a tag is moved or deleted, what it named before is kept the same way
 * where {@link Naming.keepsMoved} says so, if nothing else in the repository reaches it. A document is visible in the repositories whose names
 * reach it. One that is deleted by its digest takes with it the members and the referrers that nothing else
 * keeps.
 */
export class RepositoryNames {
  readonly #store: ImageStore;
  readonly #claims: Claims;
  readonly #naming: Naming;
  readonly #turns = new Map<string, Promise<unknown>>();

  /** @param claims whose lease keeps no document from being deleted */
  constructor(
    store: ImageStore,
    { claims, naming }: { readonly claims: Claims; readonly naming: Naming },
  ) {
    this.#store = store;
    this.#claims = claims;
    this.#naming = naming;
  }

  /**
   * The repository of a request.
   * @throws RegistryError 400 `NAME_INVALID`
   */
  find(path: string, upstream: string | undefined): NamedRepository {
    const found = this.#naming.find(path, upstream);
    if (found !== undefined) return found;
    const message = 'this is not a valid repository name';
    throw new RegistryError(400, 'NAME_INVALID', { message });
  }

  /** What a tag names; undefined when the repository has no such tag. */
  tagged(key: string, tag: string): Descriptor | undefined {
    return this.#store.name(`${key}:${tag}`)?.target;
  }

  /** Whether the repository shows a document. */
  sees(key: string, digest: Digest): boolean {
    return this.#store.reaches(`${key}:`, digest) || this.#store.reaches(`${key}@`, digest);
  }

  /** The tags of a repository in no order; undefined when there is no such repository. */
  tags(key: string): readonly string[] | undefined {
    const records = this.#records(key);
    if (records.length === 0) return undefined;
    const prefix = `${key}:`;
    return records
      .filter(({ name }) => name.startsWith(prefix))
      .map(({ name }) => name.slice(prefix.length))
      .filter(isTag);
  }

  /** The paths of all repositories that a path of this registry can name, in no order. */
  repositories(): readonly string[] {
    const paths = new Set<string>();
    for (const { name } of this.#store.names()) {
      const { registry, repository } = parseReference(name);
      const path = this.#naming.pathOf({ registry, repository });
      const found = this.#naming.find(path, undefined);
      if (found?.key === `${registry}/${repository}`) paths.add(path);
    }
    return [...paths];
  }

  /**
   * Gives a stored document the tags, or keeps it by its digest when there are none.
   * @returns whether something may be left that no name reaches
   */
  put(
    key: string,
    target: Descriptor,
    { document, tags }: { readonly document: Document; readonly tags: readonly string[] },
  ): Promise<boolean> {
    return this.#inTurn(key, async () => {
      if (tags.length === 0) {
        if (!this.sees(key, target.digest)) {
          await this.#store.changeNames({ set: [keptByDigest(key, target)] });
        }
        return false;
      }
      const reached = new Set(await documentsBelow(this.#store, document)).add(target.digest);
      const names = new Set(tags.map((tag) => `${key}:${tag}`));
      const covered = this.#records(key)
        .filter((record) => record.name.startsWith(`${key}@`) && reached.has(record.target.digest))
        .map(({ name }) => name);
      const left = this.#leftBy(key, names).filter(({ digest }) => !reached.has(digest));
      await this.#change(key, left, {
        set: [...names].map((name) => ({ name, target })),
        remove: covered,
      });
      return left.length > 0 && !this.#naming.keepsMoved;
    });
  }

  /** Takes a tag away. Whether it was there. */
  deleteTag(key: string, tag: string): Promise<boolean> {
    return this.#inTurn(key, async () => {
      const name = `${key}:${tag}`;
      if (this.#store.name(name) === undefined) return false;
      await this.#change(key, this.#leftBy(key, new Set([name])), { set: [], remove: [name] });
      return true;
    });
  }

  /**
   * Takes a document out of the repository, and with it the members that nothing else reaches. Whether
   * it was there.
   * @throws RegistryError 405 when something that stays, or another process, needs it
   */
  deleteDocument(key: string, digest: Digest): Promise<boolean> {
    return this.#inTurn(key, async () => {
      if (!this.sees(key, digest)) return false;
      const records = this.#records(key);
      await this.#refuseMember(digest, records);
      const remove = records.filter(({ target }) => target.digest === digest);
      await this.#store.changeNames({ remove: remove.map(({ name }) => name) });
      // A document that is still seen is here for its subject's sake: only freeing it takes it away.
      if (!this.sees(key, digest)) return true;
      const all = this.#store.names();
      await this.#refuseMember(digest, all);
      const named = all.find(({ target }) => target.digest === digest);
      if (named !== undefined) throw inUse(digest, named);
      if (await this.#store.remove(digest, { except: this.#claims.lease })) return true;
      if (this.#store.stat(digest) === undefined) return false;
      const message = `${digest} is in use; try again later`;
      throw new RegistryError(405, 'UNSUPPORTED', { message });
    });
  }

  async #refuseMember(digest: Digest, records: readonly ImageRecord[]): Promise<void> {
    for (const record of records) {
      if (record.target.digest === digest || !isIndexType(record.target.mediaType)) continue;
      const index = await findDocument(this.#store, record.target);
      const members = index && (await documentsBelow(this.#store, index));
      if (members?.has(digest)) throw inUse(digest, record);
    }
  }

  #records(key: string): readonly ImageRecord[] {
    return this.#store
      .names()
      .filter(({ name }) => name.startsWith(`${key}:`) || name.startsWith(`${key}@`));
  }

  /** What the names `leaving` name now and no other name of the repository names. */
  #leftBy(key: string, leaving: ReadonlySet<string>): readonly Descriptor[] {
    const records = this.#records(key);
    const staying = new Set(
      records.filter(({ name }) => !leaving.has(name)).map(({ target }) => target.digest),
    );
    const left = records.filter(({ name }) => leaving.has(name)).map(({ target }) => target);
    const unnamed = left.filter(({ digest }) => !staying.has(digest));
    return [...new Map(unnamed.map((target) => [target.digest, target])).values()];
  }

  /** Changes names; where they are to stay, keeps the documents `left` behind by their digests, those that no tag reaches. */
  async #change(
    key: string,
    left: readonly Descriptor[],
    changes: {
      readonly set: readonly { readonly name: string; readonly target: Descriptor }[];
      readonly remove: readonly string[];
    },
  ): Promise<void> {
    const kept = this.#naming.keepsMoved ? left.map((target) => keptByDigest(key, target)) : [];
    await this.#store.changeNames({ ...changes, set: [...changes.set, ...kept] });
    // To name content is to put it under the lease, too, which lasts as long as the server.
    for (const { digest } of left) this.#claims.release(digest);
    const spare = this.#records(key)
      .filter(({ name }) => name.startsWith(`${key}@`))
      .filter(({ target }) => this.#store.reaches(`${key}:`, target.digest))
      .map(({ name }) => name);
    if (spare.length > 0) await this.#store.changeNames({ remove: spare });
  }

  /** Runs one change of a repository's names after the other. */
  async #inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(key);
    const turn = (before ?? Promise.resolve()).then(work, work);
    this.#turns.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
    }
  }
}

function inUse(digest: Digest, { name }: ImageRecord): RegistryError {
  const message = `${digest} belongs to ${name}, which must be deleted first`;
  return new RegistryError(405, 'UNSUPPORTED', { message });
}

function keptByDigest(key: string, target: Descriptor) {
  return { name: `${key}@${target.digest}`, target };
}
