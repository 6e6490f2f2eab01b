import type { Descriptor } from '../oci/descriptor.ts';
import { type CopyLedger, contentKind, type LedgerEntry, resultOf } from './ledger.ts';

/** The version of the form: it counts up when a field that is there changes its meaning or goes. */
const RECEIPT_VERSION = 1;

/** What went wrong, without secrets. */
export interface ReceiptFault {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** One name of a push, and how it ended. */
export interface ReceiptReference {
  readonly name: string;
  /** Where it goes, as the blobs of the receipt say it. */
  readonly repository: string;
  readonly root: Descriptor;
  readonly status: 'pushed' | 'failed' | 'interrupted';
  /** Whether every digest was checked at the registry afterwards. */
  readonly verified: boolean;
  readonly fault?: ReceiptFault | undefined;
}

/** What {@link receiptOf} puts together. */
interface ReceiptParts {
  readonly program: string;
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly references: readonly ReceiptReference[];
  /** What ended it before all references had their end. */
  readonly fault?: ReceiptFault | undefined;
}

/** What became of a push, as `--receipt` writes it: by the events that its bars show. */
export function receiptOf(ledger: CopyLedger, parts: ReceiptParts): object {
  const { program, startedAt, endedAt, references, fault } = parts;
  const isFailed = fault !== undefined || references.some(({ status }) => status === 'failed');
  const ended = isFailed ? 'failed' : 'pushed';
  return {
    version: RECEIPT_VERSION,
    program,
    status: fault?.code === 'CANCELLED' ? 'interrupted' : ended,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt.toISOString(),
    ms: endedAt.getTime() - startedAt.getTime(),
    references: references.map(({ name, repository, root, fault: its, ...rest }) => ({
      ...{ name, repository },
      ...{ digest: root.digest, size: root.size, mediaType: root.mediaType },
      ...rest,
      ...(its && { error: its }),
    })),
    blobs: ledger.all().map(blobOf),
    totals: ledger.totals(),
    ...(fault && { error: fault }),
  };
}

function blobOf(entry: LedgerEntry): object {
  const { place, descriptor, sentBytes, resumedBytes, mountedFrom, startedAt, endedAt } = entry;
  const { digest, size, mediaType } = descriptor;
  return {
    ...{ repository: place, kind: contentKind(descriptor), digest, size, mediaType },
    result: resultOf(entry),
    bytesSent: sentBytes,
    bytesResumed: resumedBytes,
    ...(mountedFrom !== undefined && { mountedFrom }),
    ...(startedAt !== undefined && endedAt !== undefined && { ms: endedAt - startedAt }),
  };
}
