import { resolve } from 'node:path';
import type { App } from '../app.ts';
import type { CopyEvent } from '../copy/events.ts';
import { CopyLedger } from '../copy/ledger.ts';
import { type ReceiptFault, type ReceiptReference, receiptOf } from '../copy/receipt.ts';
import { FinchError, hasCode } from '../errors.ts';
import { checkOutput, writeOutput } from '../host/write-output.ts';
import { redactText } from '../http/redact.ts';
import { isDocumentType } from '../oci/media-types.ts';
import type { Repository } from '../registry/repository.ts';
import { printable } from '../text.ts';
import { version } from '../version.ts';
import type { PushSettings } from './push-flags.ts';
import type { PushItem } from './push-items.ts';
import type { ItemOutcome } from './push-outcomes.ts';

/** What happens in one push, for its receipt and for whoever follows its events. */
export class PushRecord {
  readonly #app: App;
  readonly #startedAt: Date;
  readonly #ledger = new CopyLedger();
  #references: readonly ReceiptReference[] = [];
  #fault: ReceiptFault | undefined;

  constructor(app: App) {
    this.#app = app;
    this.#startedAt = app.host.now();
  }

  /** Bytes of blobs that are on their way: a registry keeps them for a while. */
  get unfinishedBytes(): number {
    const open = this.#ledger
      .all()
      .filter(
        ({ state, descriptor }) => state === 'active' && !isDocumentType(descriptor.mediaType),
      );
    return open.reduce((sum, { position }) => sum + position, 0);
  }

  /** From here on it is known what is pushed. */
  start(items: readonly PushItem[]): void {
    const references = items.map(({ name, target: { root, to } }) => {
      const { digest, size, mediaType } = root;
      return { name, repository: placeOf(to), digest, size, mediaType };
    });
    this.#app.talk.tell({ event: 'start', command: 'push', references });
  }

  /** Takes in one event, and gives where its content goes. */
  update(event: CopyEvent, to: Repository): string {
    const place = placeOf(to);
    this.#ledger.update(event, { at: this.#app.host.now().getTime(), place });
    return place;
  }

  /** How each name ended; `interrupt` when the user ended it before all had their end. */
  end(outcomes: readonly ItemOutcome[], interrupt: unknown): void {
    if (interrupt !== undefined) this.#fault = faultIn(interrupt);
    this.#references = outcomes.map(({ item: { name, target }, verified, error }) => {
      const reference = { name, repository: placeOf(target.to), root: target.root, verified };
      if (error === undefined) return { ...reference, status: 'pushed' };
      if (hasCode(error, 'CANCELLED')) return { ...reference, status: 'interrupted' };
      return { ...reference, status: 'failed', fault: faultIn(error) };
    });
  }

  /** It could not even begin, or broke in a way that no name has to do with. */
  fail(error: unknown): void {
    this.#fault = faultIn(error);
  }

  /** The receipt, as text. */
  receipt(): string {
    const parts = { startedAt: this.#startedAt, endedAt: this.#app.host.now() };
    const receipt = receiptOf(this.#ledger, {
      ...parts,
      program: `finch ${version}`,
      references: this.#references,
      fault: this.#fault,
    });
    return JSON.stringify(receipt, undefined, 2);
  }
}

/** A repository as events and receipts call it. */
export function placeOf({ registry, name }: Repository): string {
  return `${registry}/${name}`;
}

/** What a file may say of an error. */
function faultIn(error: unknown): ReceiptFault {
  const clean = (text: string) => redactText(printable(text));
  if (!(error instanceof FinchError)) return { code: 'INTERNAL', message: 'internal error' };
  const { code, message, hint } = error;
  return { code, message: clean(message), ...(hint !== undefined && { hint: clean(hint) }) };
}

/**
 * Looks whether the files that the user wants can be written, before anything is sent.
 * @throws FinchError `IO`; `USAGE` when they are one
 */
export async function checkFiles({ digestFile, receipt }: PushSettings): Promise<void> {
  const files = [digestFile, receipt].flatMap((path) => (path === '-' ? [] : (path ?? [])));
  if (files.length > 1 && new Set(files.map((path) => resolve(path))).size === 1) {
    throw new FinchError('USAGE', '--digest-file and --receipt name the same file', {
      hint: 'name two files',
    });
  }
  for (const path of files) await checkOutput(path);
}

/**
 * Writes a text to the file that the user named for it: all of it or nothing.
 * @throws FinchError `IO`
 */
export async function writeText(path: string, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  const pieces = async function* () {
    yield bytes;
  };
  // What happened is written down also when the user interrupts.
  await writeOutput(path, pieces(), {});
}
