import type { App } from '../app.ts';
import type { CopyEvent } from '../copy/events.ts';
import { CopyLedger } from '../copy/ledger.ts';
import { type ReceiptFault, type ReceiptReference, receiptOf } from '../copy/receipt.ts';
import { FinchError, hasCode } from '../errors.ts';
import { writeOutput } from '../host/write-output.ts';
import { redactText } from '../http/redact.ts';
import { isDocumentType } from '../oci/media-types.ts';
import type { Repository } from '../registry/repository.ts';
import { printable } from '../text.ts';
import { version } from '../version.ts';
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
    const references = items.map(({ name, target: { root } }) => {
      const { digest, size, mediaType } = root;
      return { name, digest, size, mediaType };
    });
    this.#app.talk.tell({ event: 'start', command: 'push', references });
  }

  /** Takes in one event, and gives where its content goes. */
  update(event: CopyEvent, { registry, name }: Repository): string {
    const place = `${registry}/${name}`;
    this.#ledger.update(event, { at: this.#app.host.now().getTime(), place });
    return place;
  }

  /** How each name ended; `verified` when what is pushed was checked at the registry. */
  end(outcomes: readonly ItemOutcome[], { verified }: { readonly verified: boolean }): void {
    this.#references = outcomes.map(({ item: { name, target }, error }) =>
      error === undefined
        ? { name, root: target.root, status: 'pushed', verified }
        : { name, root: target.root, status: 'failed', verified: false, fault: faultIn(error) },
    );
  }

  /** It ended before all was done. */
  stop(items: readonly PushItem[], error: unknown): void {
    const isOver = (item: PushItem) =>
      this.#ledger
        .all()
        .some(
          ({ place, descriptor, state }) =>
            place === `${item.target.to.registry}/${item.target.to.name}` &&
            descriptor.digest === item.target.root.digest &&
            (state === 'done' || state === 'exists'),
        );
    this.#references = items.map((item) => ({
      ...{ name: item.name, root: item.target.root, verified: false },
      // The root goes last, with its tags.
      status: isOver(item) ? 'pushed' : hasCode(error, 'CANCELLED') ? 'interrupted' : 'failed',
    }));
    this.#fault = faultIn(error);
  }

  /** It could not even begin. */
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

/** What a file may say of an error. */
function faultIn(error: unknown): ReceiptFault {
  const clean = (text: string) => redactText(printable(text));
  if (!(error instanceof FinchError)) return { code: 'INTERNAL', message: 'internal error' };
  const { code, message, hint } = error;
  return { code, message: clean(message), ...(hint !== undefined && { hint: clean(hint) }) };
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
