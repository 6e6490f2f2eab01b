import type { AbortOptions, ContentReader } from '../content.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { childrenOf } from '../oci/document.ts';
import { isDocumentType, isNonDistributable } from '../oci/media-types.ts';
import type { Repository, WritePlan } from '../registry/repository.ts';
import { pushImages } from './push-images.ts';
import type { PushOutcome, PushTarget } from './push-target.ts';
import { isUnreadable, readDocument } from './read-document.ts';

/** Some blobs and documents. */
export interface Amount {
  readonly count: number;
  readonly bytes: number;
}

/** What a push to one repository would do. */
interface PushPlan {
  readonly to: Repository;
  /** What is there already. */
  readonly exists: Amount;
  /** What the registry would take from another of its repositories, if that still has it: nobody asks. */
  readonly mount: Amount;
  /** What would be sent. */
  readonly send: Amount;
  /** Requests of the whole push, when nothing goes wrong and the registry is as it was the last time. */
  readonly requests: number;
}

/** What {@link planPush} found. */
interface PushPlans {
  /** A plan for each repository of which nothing failed, in the order in which the targets name them. */
  readonly plans: readonly PushPlan[];
  /** How each target would end, as far as one can see, in their order. */
  readonly outcomes: readonly PushOutcome[];
}

/**
 * What {@link pushImages} would do: the same walk, which asks the same questions and writes nothing.
 * @throws FinchError of the store
 */
export async function planPush(
  targets: readonly PushTarget[],
  { from }: { readonly from: ContentReader },
  { signal, verifyMembers = false }: AbortOptions & { verifyMembers?: boolean } = {},
): Promise<PushPlans> {
  const dryRuns = new Map<string, DryRun>();
  const placesOf = new Map<string, Map<Digest, string>>();
  const dry = targets.map((target) => {
    const { registry, name } = target.to;
    const places = placesOf.get(registry) ?? new Map();
    placesOf.set(registry, places);
    const key = `${registry}/${name}`;
    const dryRun = dryRuns.get(key) ?? new DryRun(target.to, places);
    dryRuns.set(key, dryRun);
    return { target: { ...target, to: dryRun.repository }, dryRun };
  });
  const byRepository = new Map(dry.map(({ target, dryRun }) => [target.to, dryRun]));
  const outcomes = await pushImages(
    dry.map(({ target }) => target),
    { from },
    {
      signal,
      verifyMembers,
      onEvent: ({ kind, descriptor }, to) => {
        if (kind === 'exists') byRepository.get(to)?.exists.add(descriptor);
      },
    },
  );
  const failed = new Set(dry.flatMap((one, i) => (outcomes[i]?.error ? [one.dryRun] : [])));
  for (const { target, dryRun } of dry) {
    if (failed.has(dryRun)) continue;
    for (const document of dryRun.exists.documents()) {
      await dryRun.exists.addBelow(document, target.from ?? from, { signal });
    }
  }
  const whole = [...dryRuns.values()].filter((dryRun) => !failed.has(dryRun));
  return { plans: whole.map((dryRun) => dryRun.plan()), outcomes };
}

/** Content that is counted once each. */
class Counted {
  readonly #seen = new Map<Digest, Descriptor>();

  add(descriptor: Descriptor): void {
    this.#seen.set(descriptor.digest, descriptor);
  }

  documents(): readonly Descriptor[] {
    return [...this.#seen.values()].filter(({ mediaType }) => isDocumentType(mediaType));
  }

  /** Adds what a document names, and all below that, as far as it is here. */
  async addBelow(document: Descriptor, from: ContentReader, options: AbortOptions): Promise<void> {
    const stored = await readDocument(from, document, options).catch((error: unknown) => {
      if (isUnreadable(error)) return undefined;
      throw error;
    });
    for (const child of stored ? childrenOf(stored.document) : []) {
      if (this.#seen.has(child.digest) || isNonDistributable(child.mediaType)) continue;
      this.add(child);
      if (isDocumentType(child.mediaType)) await this.addBelow(child, from, options);
    }
  }

  amount(): Amount {
    const all = [...this.#seen.values()];
    return { count: all.length, bytes: all.reduce((sum, { size }) => sum + size, 0) };
  }
}

/** A repository that is asked, and to which nothing is written. */
class DryRun {
  readonly exists = new Counted();
  readonly repository: Repository;
  readonly #to: Repository;
  readonly #mount = new Counted();
  readonly #send = new Counted();
  #requests = 0;

  /** @param places where the blobs of the registry are, or will be by then */
  constructor(to: Repository, places: Map<Digest, string>) {
    this.#to = to;
    this.repository = {
      ...to,
      has: async (descriptor, options) => {
        this.#requests += 1;
        const isThere = await to.has(descriptor, options);
        if (isThere) places.set(descriptor.digest, to.name);
        return isThere;
      },
      resolve: (reference, options) => {
        this.#requests += 1;
        return to.resolve(reference, options);
      },
      tag: async (tags, document) => this.#plan(document, await to.wouldWrite(document, { tags })),
      write: async (descriptor) => {
        const source = places.get(descriptor.digest);
        this.#plan(descriptor, await to.wouldWrite(descriptor, { source }));
        places.set(descriptor.digest, to.name);
      },
    };
  }

  #plan(descriptor: Descriptor, { from, requests }: WritePlan): void {
    this.#requests += requests;
    (from === undefined ? this.#send : this.#mount).add(descriptor);
  }

  plan(): PushPlan {
    return {
      to: this.#to,
      exists: this.exists.amount(),
      mount: this.#mount.amount(),
      send: this.#send.amount(),
      requests: this.#requests,
    };
  }
}
