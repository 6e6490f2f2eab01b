import type { Content } from '../../content.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { RepositoryApi } from '../api.ts';
import { hasBlob } from '../blobs.ts';
import { goesAsFile } from './body.ts';
import { PROBE_BYTES, probe } from './brittle.ts';
import { Budget } from './budget.ts';
import { carrierOf } from './carriage.ts';
import { assertIntact, wrongDigest } from './damage.ts';
import { endSession } from './end-session.ts';
import { Journal, WORTH_KEEPING } from './journal.ts';
import { mountBlob } from './mount.ts';
import type { NextRequest } from './next-request.ts';
import { openUpload } from './open-upload.ts';
import { atOnce, isSilence, type Outcome, type Standing } from './outcome.ts';
import { Progress } from './progress.ts';
import { send } from './send.ts';
import type { Session } from './session.ts';
import { Settling } from './settling.ts';
import { askStatus } from './status.ts';
import type { UploadOptions } from './upload-options.ts';
import { Ways } from './ways.ts';

/** The states of `uploadBlob`: which session, whether it is known where it is, and what was sent last. */
export class Upload {
  readonly #api: RepositoryApi;
  readonly #descriptor: Descriptor;
  readonly #content: Content;
  readonly #options: UploadOptions;
  readonly #progress: Progress;
  readonly #budget: Budget;
  readonly #ways: Ways;
  readonly #journal: Journal | undefined;
  /** Whether another process has begun the session. */
  #isClaimed = false;
  /** Of a session that is kept. */
  #settling: Settling | undefined;
  /** Where the session was before a request after which it may have moved on, by what is on its way. */
  #missed: number | undefined;
  #session: Session | undefined;
  /** Whether only the registry knows how much it has. */
  #isUnsure = false;
  /** Whether the registry may have all of the blob although it did not say so. */
  #mayBeStored = false;
  /** More than this did not go to this session. */
  #sentTo = 0;
  /** Of the last request so much went out, as far as is known, and no answer came. */
  #inVain = 0;
  #asStream = false;
  /** Why a whole blob was refused, as long as no part of it was taken. */
  #tooLong: unknown;
  /** Whether the registry has answered. */
  #isKnown = false;
  /** Whether our bytes were read again and have the digest. */
  #isIntact = false;
  #mayMount: boolean;

  constructor(
    api: RepositoryApi,
    { descriptor, content }: { readonly descriptor: Descriptor; readonly content: Content },
    options: UploadOptions,
  ) {
    const { memory, resume } = options;
    const { registry, name: repository } = api;
    const { digest, size } = descriptor;
    this.#budget = new Budget(size, options);
    this.#api = { ...api, send: (one) => api.send({ ...one, pauses: this.#budget.pauses }) };
    this.#descriptor = descriptor;
    this.#content = content;
    this.#options = options;
    this.#progress = new Progress(descriptor, options);
    this.#ways = new Ways(api.endpoint.host, memory);
    this.#mayMount = this.#ways.traits.mounts;
    this.#asStream = !this.#ways.traits.takesFile;
    if (resume && size > WORTH_KEEPING && this.#ways.traits.hasStatus) {
      this.#journal = new Journal(api, { registry, repository, digest }, memory);
    }
  }

  /** Goes on until the blob is there. */
  async run(): Promise<void> {
    for (;;) {
      const outcome = await this.#step();
      if (outcome.kind === 'mounted') return this.#options.onStep?.(outcome);
      if (outcome.kind === 'stored') {
        this.#progress.moveTo(this.#descriptor.size);
        this.#journal?.forget();
        this.#ways.worked(this.#descriptor.size);
        return;
      }
      await this.#take(outcome);
    }
  }

  /** Tells the registry if nobody can go on: one that does not hear it drops the upload later. */
  async giveUp(): Promise<void> {
    const session = this.#session;
    if (session === undefined || this.#journal?.keeps(session)) return;
    const { size } = this.#descriptor;
    await endSession(this.#api, session, { size, retry: this.#options.retry });
  }

  async #step(): Promise<Standing> {
    if (this.#mayBeStored && (await this.#isThere())) return { kind: 'stored' };
    if (this.#session === undefined) return this.#open();
    return this.#isUnsure ? this.#ask(this.#session) : this.#send(this.#session);
  }

  async #isThere(): Promise<boolean> {
    const { signal } = this.#options;
    return hasBlob(this.#api, this.#descriptor, { signal }).catch((error: unknown) => {
      if (signal?.aborted) throw error;
      return false;
    });
  }

  async #open(): Promise<Standing> {
    const { memory, unwilling, signal } = this.#options;
    const wasCarried = await this.#journal?.whileCarried({ signal });
    const kept = this.#journal?.claim();
    this.#isClaimed = kept !== undefined;
    if (kept !== undefined) return { kind: 'at', session: kept };
    if (wasCarried && (await this.#isThere())) return { kind: 'stored' };
    if (this.#mayMount) {
      this.#mayMount = false;
      const mounted = await mountBlob(this.#api, this.#descriptor, { memory, unwilling, signal });
      if (mounted !== undefined) return mounted;
    }
    const isKnown = this.#isKnown;
    const opened = await openUpload(this.#api, this.#descriptor, { isKnown, signal });
    const { size } = this.#descriptor;
    const isUnknown = opened.kind === 'at' && this.#ways.isUnknown(opened.session, size);
    return isUnknown && this.#journal ? this.#probe(opened.session) : opened;
  }

  async #probe(session: Session): Promise<Standing> {
    const { signal } = this.#options;
    const what = { descriptor: this.#descriptor, content: this.#content, progress: this.#progress };
    const { standing, isBrittle } = await probe(this.#api, session, { ...what, signal });
    this.#sentTo = PROBE_BYTES;
    if (standing.kind === 'at' || standing.kind === 'lost') this.#ways.probed(isBrittle);
    return standing;
  }

  async #ask(session: Session): Promise<Standing> {
    const { hasStaleRange, hasStatus } = this.#ways.traits;
    const hasOther = session.isKept || this.#missed !== undefined;
    const sentTo = hasOther ? this.#descriptor.size : this.#sentTo;
    const { signal } = this.#options;
    const status = hasStatus
      ? await askStatus(this.#api, session, { sentTo, hasStaleRange, signal })
      : undefined;
    if (status?.kind === 'at') return this.#found(status.session, session);
    if (status !== undefined && status.kind !== 'silent') return status;
    if (status !== undefined) this.#ways.isSilent();
    // A chunk that was taken is there, and the next one says where it belongs.
    return session.offset > 0 && !session.isKept ? { kind: 'at', session } : { kind: 'lost' };
  }

  /** Where the registry says that the session ends, if that stays so. */
  async #found(session: Session, before: Session): Promise<Standing> {
    this.#ways.hasTold();
    const { offset } = session;
    const missed = this.#missed;
    this.#missed = undefined;
    const hasMoved = missed !== undefined && offset > missed;
    if (!before.isKept && !hasMoved) return { kind: 'at', session };
    const { gain } = this.#budget;
    this.#settling ??= new Settling({ ...this.#options, gain, movedFrom: missed });
    const found = await this.#settling.look(offset);
    this.#mayBeStored ||= this.#settling.hasMoved;
    if (found === 'moving') return { kind: 'at', session: { ...session, isKept: true } };
    this.#settling = undefined;
    return found === 'still' ? { kind: 'at', session } : { kind: 'lost' };
  }

  async #send(session: Session): Promise<Standing> {
    const { size } = this.#descriptor;
    const asStream = this.#asStream;
    const next = this.#ways.next(session, size);
    const isCarried = this.#ways.isCarried(size) && this.#content.file !== undefined;
    const courier = isCarried ? this.#options.courier : undefined;
    const what = { content: this.#content, progress: this.#progress, asStream };
    const carrier = await carrierOf(session, next, { ...what, courier, journal: this.#journal });
    const outcome = await send(this.#api, session, {
      ...{ ...what, descriptor: this.#descriptor, next, carrier, signal: this.#options.signal },
      hasStaleRange: this.#ways.traits.hasStaleRange,
    });
    const isFile =
      carrier !== undefined || goesAsFile(this.#content, { url: session.location, asStream });
    const end = isFile ? next.end : this.#progress.reached;
    this.#sentTo = Math.max(this.#sentTo, end);
    if (outcome.kind === 'unsure' || outcome.kind === 'lost') {
      const hasAll = next.closes && end === size;
      this.#mayBeStored = outcome.kind === 'unsure' && (outcome.isClaimed ?? hasAll);
      this.#inVain = isFile ? 0 : end - next.start;
      this.#asStream = true;
      // A file tells no progress: whether the registry is silent or slow, a stream shows.
      if (isFile && carrier === undefined && isSilence(outcome)) {
        this.#ways.isSlow();
        this.#missed = next.start;
        return { kind: 'unsure' };
      }
    }
    return this.#judge(outcome, next);
  }

  /** Where a request leaves us that another one, or another session, may make good. */
  async #judge(outcome: Outcome, next: NextRequest): Promise<Standing> {
    switch (outcome.kind) {
      case 'tooLong':
        this.#tooLong ??= outcome.failure.error;
        if (!this.#ways.shorten(next)) throw this.#tooLong;
        return { kind: 'unsure' };
      case 'outOfRange':
        this.#missed = next.start;
        this.#mayBeStored = next.closes;
        return { kind: this.#ways.outOfRange(next) ? 'unsure' : 'lost', failure: outcome.failure };
      case 'refused':
        if (!this.#ways.closeEmpty(next)) throw this.#tooLong ?? outcome.failure.error;
        return { kind: 'unsure' };
      case 'mismatch':
        if (this.#isIntact) {
          throw wrongDigest(this.#api, this.#descriptor.digest, outcome.failure.error);
        }
        await this.#assertIntact();
        return { kind: 'lost', failure: outcome.failure };
      case 'unsure':
        // What was sent to a brittle registry is lost, and the link works.
        return this.#ways.traits.isBrittle && this.#inVain > 0 ? atOnce(outcome) : outcome;
      case 'lost':
        // Some registries say only this when the digest is not that of the bytes.
        if (next.closes && !this.#isIntact) await this.#assertIntact();
        return outcome;
      default:
        return outcome;
    }
  }

  async #assertIntact(): Promise<void> {
    await assertIntact(this.#content, this.#descriptor, this.#options);
    this.#isIntact = true;
  }

  async #take(standing: Exclude<Standing, { kind: 'stored' | 'mounted' }>): Promise<void> {
    switch (standing.kind) {
      case 'at':
        return this.#goOn(standing.session);
      case 'renewed':
        this.#budget.renew(standing.failure);
        this.#isUnsure = true;
        return;
      case 'unsure':
        this.#isUnsure = true;
        break;
      case 'lost':
        this.#begin();
        break;
    }
    if (standing.failure) await this.#budget.spend(standing.failure);
  }

  #goOn(session: Session): void {
    const before = this.#session;
    const { offset, isKept = false } = session;
    this.#session = session;
    this.#isUnsure = isKept;
    if (isKept) return;
    this.#isKnown = true;
    this.#mayBeStored = false;
    if (before?.isKept && this.#isClaimed) {
      this.#progress.resume(offset);
      this.#budget.startAt(offset);
      // The process may have ended before it sent anything.
      if (offset === 0) this.#ways.lose(this.#descriptor.size, { hasShown: false });
    } else {
      this.#progress.moveTo(offset);
      this.#budget.progress(offset);
      if (before?.offset === offset) this.#ways.lose(this.#inVain, { hasShown: true });
    }
    this.#sentTo = Math.max(this.#sentTo, offset);
    this.#inVain = 0;
    if (offset > 0) this.#tooLong = undefined;
    this.#ways.at(offset);
    this.#journal?.keep(session);
  }

  /** The next request opens another session. */
  #begin(): void {
    this.#ways.lose(this.#inVain, { hasShown: false });
    this.#inVain = 0;
    this.#session = undefined;
    this.#isUnsure = false;
    this.#sentTo = 0;
    this.#missed = undefined;
    this.#settling = undefined;
    this.#progress.moveTo(0);
    this.#journal?.forget();
  }
}
