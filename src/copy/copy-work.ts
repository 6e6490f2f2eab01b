import type { AbortOptions } from '../content.ts';
import { Slots } from './slots.ts';
import { FIRST, UploadSlots } from './upload-slots.ts';

/** Questions "is it there?" that are asked at once: they cost a round trip and no bandwidth. */
const CHECKS = 16;

/** Manifests that are in memory at once. */
const DOCUMENTS = 12;

/** Blobs that go at once where nothing says how many are good. */
const TRANSFERS = 4;

/**
 * The tasks of one copy: so many of each kind at once, and none after the first failure, which all
 * others are stopped by.
 */
export class CopyWork {
  /** Fires when something failed, or the caller gave up. */
  readonly signal: AbortSignal;
  readonly uploads: UploadSlots;
  readonly #caller: AbortSignal | undefined;
  readonly #stop = new AbortController();
  readonly #checks = new Slots(CHECKS);
  readonly #documents = new Slots(DOCUMENTS);

  constructor({ signal, uploads }: AbortOptions & { uploads?: UploadSlots | undefined } = {}) {
    this.#caller = signal;
    this.signal = signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal;
    this.uploads = uploads ?? new UploadSlots({ max: TRANSFERS });
  }

  /** Stops everything, and throws `error`. */
  readonly fail = (error: unknown): never => {
    this.#stop.abort(error);
    throw error;
  };

  /** What ended the copy: what ends first need not be what failed first, for a sibling may be quicker to say that it was stopped. */
  reason(error: unknown): unknown {
    return this.#caller?.aborted ? error : this.#stop.signal.reason;
  }

  /** Asks whether something of `size` bytes is there. */
  check<T>(question: () => Promise<T>, { size }: { readonly size: number }): Promise<T> {
    return this.#checks.run(this.#guarded(question), { weight: size });
  }

  /** Sends something of `size` bytes. */
  transfer<T>(task: () => Promise<T>, { size }: { readonly size: number }): Promise<T> {
    return this.uploads.run(this.#guarded(task), { size });
  }

  /** Sends a document, before all blobs that wait. */
  publish<T>(task: () => Promise<T>): Promise<T> {
    return this.transfer(task, { size: FIRST });
  }

  /** Reads a document and works with it. */
  read<T>(task: () => Promise<T>): Promise<T> {
    return this.#documents.run(this.#guarded(task));
  }

  /** The slot is freed after the stop, so that nothing starts in it any more. */
  #guarded<T>(task: () => Promise<T>): () => Promise<T> {
    const unlessStopped = async () => {
      this.signal.throwIfAborted();
      return await task();
    };
    return () => unlessStopped().catch(this.fail);
  }
}
