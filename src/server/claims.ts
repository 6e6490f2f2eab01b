import type { Digest } from '../oci/digest.ts';
import type { Lease } from '../store/image-store.ts';

/** How many claims are known at once, one of each repository on each digest; the oldest go first. */
const MAX_CLAIMS = 100_000;
/** The claims of requests that are at work: no repository has this name. */
const AT_WORK = '';

/** Content as a client knows it. */
export interface Place {
  /** The repository, as the store names it. */
  readonly key: string;
  readonly digest: Digest;
}

interface Claim {
  readonly digest: Digest;
  /** 0 once the repository gave it up. */
  count: number;
  /** Uploads that the client has not asked about yet. */
  unasked: number;
  /** Whether anyone made one of them since they last expired. */
  isNew: boolean;
}

/**
 * What clients were told is here, and what they rely on until they send the manifest that names it. Each
 * such answer is a *claim* of its repository, and one manifest takes one claim of what it names. The lease,
 * which protects for the store all that the server touches, lets go only of what nobody claims, so that
 * no client's push or delete takes away what another one was promised.
 */
export class Claims {
  /** The server's own. None in a server that is read-only: nobody can push there what it would protect. */
  readonly lease: Lease | undefined;
  /** By repository and digest, the ones that were claimed last at the end. */
  readonly #claims = new Map<string, Claim>();
  /** How many repositories claim a digest. */
  readonly #claimants = new Map<Digest, number>();

  constructor(lease: Lease | undefined) {
    this.lease = lease;
  }

  /**
   * Claims content, if `look` finds it: before it looks, as the content could go while it does.
   * @param uploaded whether the client sent the content, or had it mounted. Container engines ask after each
   *   upload whether it arrived: that question does not claim it once more. Default: false
   */
  async tell(
    place: Place,
    look: () => Promise<boolean>,
    { uploaded = false }: { readonly uploaded?: boolean } = {},
  ): Promise<boolean> {
    if (this.lease === undefined) return look();
    const claim = this.#claims.get(nameOf(place));
    if (!uploaded && claim !== undefined && claim.unasked > 0) {
      claim.unasked -= 1;
      claim.isNew = true;
      return look();
    }
    this.#add(place, { uploaded });
    let isHere = false;
    try {
      isHere = await look();
      return isHere;
    } finally {
      if (!isHere) this.#take(place);
    }
  }

  /**
   * Does the work after which a name keeps the document `root`, which names `parts`. It takes one claim of
   * each, and holds all of them meanwhile.
   */
  async settle(
    { key, digest: root }: Place,
    parts: readonly Digest[],
    work: () => Promise<void>,
  ): Promise<void> {
    const digests = new Set([root, ...parts]);
    for (const digest of digests) this.#add({ key: AT_WORK, digest });
    try {
      await work();
      for (const digest of digests) this.#take({ key, digest });
    } finally {
      for (const digest of digests) this.#take({ key: AT_WORK, digest });
    }
    this.release(root);
  }

  /** Lets go of what a document reaches and nobody claims, now that it was touched and need not be kept. */
  release(root: Digest): void {
    this.lease?.release(root, { except: (digest) => this.has(digest) });
  }

  /** Whether anyone claims the content. */
  has(digest: Digest): boolean {
    return this.#claimants.has(digest);
  }

  /** Whether the repository claims the content. */
  isClaimed(place: Place): boolean {
    return (this.#claims.get(nameOf(place))?.count ?? 0) > 0;
  }

  /** Ends all claims of one repository on content, which does not show it from then on. */
  giveUp(place: Place): void {
    const name = nameOf(place);
    this.#forget(name);
    this.#claims.set(name, { digest: place.digest, count: 0, unasked: 0, isNew: true });
    this.#dropOldest();
    this.release(place.digest);
  }

  /** Whether the repository gave the content up, and has neither claimed nor named it since. */
  isGivenUp(place: Place): boolean {
    return this.#claims.get(nameOf(place))?.count === 0;
  }

  /** Forgets the claims, and what was given up, that are older than the call before this one, and lets go of what else the lease holds for as long. */
  expire(): void {
    for (const [name, claim] of this.#claims) {
      if (!claim.isNew) this.#forget(name);
      claim.isNew = false;
    }
    this.lease?.expire();
  }

  #add(place: Place, { uploaded = false }: { readonly uploaded?: boolean } = {}): void {
    const name = nameOf(place);
    const { digest } = place;
    const claim = this.#claims.get(name) ?? { digest, count: 0, unasked: 0, isNew: true };
    if (claim.count === 0) this.#claimants.set(digest, (this.#claimants.get(digest) ?? 0) + 1);
    claim.count += 1;
    if (uploaded) claim.unasked += 1;
    claim.isNew = true;
    this.#claims.delete(name);
    this.#claims.set(name, claim);
    this.#dropOldest();
  }

  #dropOldest(): void {
    const [oldest] = this.#claims.size > MAX_CLAIMS ? this.#claims.keys() : [];
    if (oldest !== undefined) this.#forget(oldest);
  }

  #take(place: Place): void {
    const name = nameOf(place);
    const claim = this.#claims.get(name);
    if (claim === undefined) return;
    claim.unasked = Math.min(claim.unasked, claim.count - 1);
    if (claim.count > 1) claim.count -= 1;
    else this.#forget(name);
  }

  #forget(name: string): void {
    const { digest, count } = this.#claims.get(name) ?? { count: 0 };
    this.#claims.delete(name);
    if (digest === undefined || count === 0) return;
    const others = (this.#claimants.get(digest) ?? 1) - 1;
    if (others > 0) this.#claimants.set(digest, others);
    else this.#claimants.delete(digest);
  }
}

function nameOf({ key, digest }: Place): string {
  return `${key} ${digest}`;
}
