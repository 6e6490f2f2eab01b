import type { RegistryMemory } from '../memory/registry-memory.ts';
import { hasState, LARGE_BYTES } from './brittle.ts';
import { type HostTraits, hostTraits, SMALL_CHUNK_BYTES } from './host-traits.ts';
import { type NextRequest, nextRequest } from './next-request.ts';
import type { Span } from './progress.ts';
import type { Session } from './session.ts';

/** Who takes no body of this length takes no blobs: 64 KiB. */
const SHORTEST_BODY = 64 * 1024;

/** No shorter limit of a body is remembered for other blobs: 1 MiB. */
const SHORTEST_LEARNED = 1024 * 1024;

/** So often a host that has never told the status of this blob must not understand the question. */
const SILENCES = 2;

/** The way that a blob goes to a registry: what is known of it, and what its refusals teach. */
export class Ways {
  readonly #host: string;
  readonly #memory: RegistryMemory;
  #traits: HostTraits;
  #closesEmpty = false;
  #isWorthLearning = false;
  /** Whether the limit of a body is that of the last time, which may be over. */
  readonly #mayBeMore: boolean;
  #isShortened = false;
  #takesNoFile = false;
  #isProbed = false;
  #hasTold = false;
  #silences = 0;
  /** No shorter chunk is taken in the session. */
  #leastBytes = 0;
  /** Where a body was not expected, how often, and how long it was. */
  #outOfRange = { offset: -1, count: 0, length: 0 };

  constructor(host: string, memory: RegistryMemory) {
    this.#host = host;
    this.#memory = memory;
    const learned = memory.traits(host);
    this.#traits = hostTraits(host, learned);
    this.#mayBeMore = learned.maxBodyBytes !== undefined;
  }

  get traits(): HostTraits {
    return this.#traits;
  }

  /** What to send next of a blob of `size` bytes. */
  next(session: Session, size: number): NextRequest {
    this.#leastBytes = Math.max(session.minChunkBytes, this.#traits.minChunkBytes);
    const traits = this.isCarried(size)
      ? { ...this.#traits, way: 'chunks' as const }
      : this.#traits;
    return nextRequest(session, { size, traits, closesEmpty: this.#closesEmpty });
  }

  /** Whether a blob of `size` bytes goes there in chunks whose answers must be heard, whatever becomes of this process. */
  isCarried(size: number): boolean {
    return this.#traits.isBrittle === true && this.#traits.takesChunks && size > LARGE_BYTES;
  }

  /** Whether it is worth to find out, for a blob of `size` bytes, if the registry is brittle. */
  isUnknown(session: Session, size: number): boolean {
    const isOpen = this.#traits.isBrittle === undefined && !this.#isProbed;
    return isOpen && size > LARGE_BYTES && hasState(session);
  }

  /** A body was too long (413): half as much next time, also for later blobs if that helps. False when nothing helps. */
  shorten({ start, end }: Span): boolean {
    const length = end - start;
    if (!this.#traits.takesChunks || length <= SHORTEST_BODY) return false;
    this.#traits = { ...this.#traits, maxBodyBytes: Math.floor(length / 2) };
    this.#isShortened = true;
    return true;
  }

  /** It was tried whether the registry is brittle: that is enough for this blob, also when nothing was found out. */
  probed(isBrittle: boolean | undefined): void {
    this.#isProbed = true;
    if (isBrittle === undefined) return;
    this.#traits = { ...this.#traits, isBrittle };
    this.#memory.learn(this.#host, { brittle: isBrittle });
  }

  /** Bytes were not expected where they were sent (416). False when that was so too often. */
  outOfRange({ start, end }: Span): boolean {
    const { offset, count } = this.#outOfRange;
    const length = end - start;
    this.#outOfRange = { offset: start, count: offset === start ? count + 1 : 1, length };
    return this.#outOfRange.count === 1 || (this.#outOfRange.count === 2 && this.#mayBeTooLong());
  }

  /** The registry says where the upload is. If a body was refused twice just there, it may have been its length. */
  at(offset: number): void {
    const refused = this.#outOfRange;
    if (refused.offset !== offset || refused.count < 2 || !this.#mayBeTooLong()) return;
    const maxRangeBytes = SMALL_CHUNK_BYTES;
    this.#traits = { ...this.#traits, way: 'chunks', chunkBytes: maxRangeBytes, maxRangeBytes };
    this.#isWorthLearning = true;
  }

  /**
   * Of `bytes` that went out nothing was kept when the connection broke: chunks lose less. A host that has
   * shown it by a session that is still there is remembered for it, if chunks do better.
   */
  lose(bytes: number, { hasShown }: { readonly hasShown: boolean }): void {
    const { takesChunks, chunkBytes, way } = this.#traits;
    if (!takesChunks || way === 'chunks' || bytes <= chunkBytes) return;
    this.#traits = { ...this.#traits, way: 'chunks' };
    this.#isWorthLearning = hasShown;
  }

  /** The request that closes was refused: it may be for the bytes that it brought. False when it was not. */
  closeEmpty({ closes, hasRange }: NextRequest): boolean {
    if (!closes || !hasRange || this.#closesEmpty) return false;
    this.#closesEmpty = true;
    return true;
  }

  /** The registry has told the status of an upload. */
  hasTold(): void {
    this.#hasTold = true;
  }

  /** The registry did not understand the question for the status of an upload. */
  isSilent(): void {
    this.#silences += 1;
    if (this.#hasTold || this.#silences < SILENCES) return;
    this.#traits = { ...this.#traits, hasStatus: false };
    this.#memory.learn(this.#host, { noStatus: true });
  }

  /** A file did not get there as one in time. */
  isSlow(): void {
    this.#takesNoFile = true;
  }

  /** The blob is there: what led to it is worth remembering. */
  worked(size: number): void {
    const { way, chunkBytes } = this.#traits;
    if (this.#isWorthLearning) this.#memory.learn(this.#host, { way, chunkBytes });
    if (this.#takesNoFile) this.#memory.learn(this.#host, { noFile: true });
    const maxBodyBytes = this.#bodyLimit(size);
    if (maxBodyBytes !== undefined) this.#memory.learn(this.#host, { maxBodyBytes });
  }

  /** What is learned of the limit of a body; a limit of the last time that held up is doubled. */
  #bodyLimit(size: number): number | undefined {
    const { maxBodyBytes } = this.#traits;
    if (this.#isShortened) return Math.max(maxBodyBytes, SHORTEST_LEARNED);
    return this.#mayBeMore && size > maxBodyBytes ? 2 * maxBodyBytes : undefined;
  }

  #mayBeTooLong(): boolean {
    const mayBeShorter = this.#traits.takesChunks && SMALL_CHUNK_BYTES >= this.#leastBytes;
    return mayBeShorter && this.#outOfRange.length > SMALL_CHUNK_BYTES;
  }
}
