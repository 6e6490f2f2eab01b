import { ConfigFault, fields, flag, list, number, required, text } from '../config/config-value.ts';
import { FinchError } from '../errors.ts';

/** One thing that setup has written into a file. */
export interface SetupEntry {
  /** The keys that lead to it. */
  readonly path: readonly string[];
  readonly value: string;
  /** Whether the path leads to a list, and the value is one of its items. */
  readonly isItem: boolean;
  /** What was there before. */
  readonly before: string | undefined;
  /** The registry that it is for; undefined when it is for all. */
  readonly host: string | undefined;
}

/** A way back to the very bytes of before, as long as nobody else has changed the file. */
export interface SetupUndo {
  /** Of the file that it is for, in hexadecimal digits. */
  readonly sha256: string;
  /** How many characters, from where on, give way to which. */
  readonly at: number;
  readonly length: number;
  readonly text: string;
}

/** What setup has done to one file. */
export interface SetupFile {
  readonly path: string;
  /** Whether there was none. */
  readonly created: boolean;
  readonly entries: readonly SetupEntry[];
  /** The last comes first. */
  readonly undo: readonly SetupUndo[];
}

/** The program that was put into finch's `cred-helpers`, and what tells it from another of its name. */
export interface SetupHelper {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** What is left to do at the virtual machine. */
interface PendingRestart {
  /** Whether it may run with the files of before. */
  readonly isDue: boolean;
  /** Whether finch has stopped it, and not started it again. */
  readonly isStopped: boolean;
}

/** What finch has done because the user's own `finch.yaml` names a helper. */
export interface ReconciledHelpers {
  /** Of `config.json`. */
  readonly file: SetupFile | undefined;
  readonly helper: SetupHelper | undefined;
}

/** All that finch has done for Amazon ECR, by which it takes it back. It holds no secret. */
export interface SetupRecord {
  /** By `finch ecr setup`, for `finch ecr unset`. */
  readonly files: readonly SetupFile[];
  readonly helper: SetupHelper | undefined;
  /** Undefined when the virtual machine needs nothing. */
  readonly restartPending: PendingRestart | undefined;
  /** By the start of a machine, for the start that finds the helper named no more. */
  readonly reconciled: ReconciledHelpers | undefined;
}

const must = { text: required(text), number: required(number), flag: required(flag) };

const file = fields<SetupFile>({
  path: must.text,
  created: must.flag,
  entries: required(
    list(
      fields<SetupEntry>({
        ...{ path: required(list(text)), value: must.text, isItem: must.flag },
        ...{ before: text, host: text },
      }),
    ),
  ),
  undo: required(
    list(
      fields<SetupUndo>({
        ...{ sha256: must.text, at: must.number, length: must.number, text: must.text },
      }),
    ),
  ),
});

const helper = fields<SetupHelper>({ path: must.text, size: must.number, mtimeMs: must.number });

const record = fields<SetupRecord>({
  files: required(list(file)),
  helper,
  restartPending: fields<PendingRestart>({ isDue: must.flag, isStopped: must.flag }),
  reconciled: fields<ReconciledHelpers>({ file, helper }),
});

/** Nothing was set up. */
const EMPTY: SetupRecord = {
  files: [],
  helper: undefined,
  restartPending: undefined,
  reconciled: undefined,
};

/**
 * What a record says, given its text; of no text, that nothing was set up.
 * @throws FinchError `CONFIG_INVALID` when it is none
 */
export function parseRecord(source: string | undefined, path: string): SetupRecord {
  if (!source) return EMPTY;
  try {
    return record(JSON.parse(source), []) ?? EMPTY;
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof ConfigFault)) throw cause;
    throw new FinchError('CONFIG_INVALID', `${path} is not what finch wrote`, {
      hint: 'remove it, and take ecr-login out of finch.yaml and config.json in an editor',
      cause,
    });
  }
}

/** The text of a record; undefined when nothing is set up any more. */
export function writeRecord({ files, ...others }: SetupRecord): string | undefined {
  const kept = files.filter(({ entries }) => entries.length > 0);
  const isEmpty = kept.length === 0 && Object.values(others).every((one) => one === undefined);
  return isEmpty ? undefined : `${JSON.stringify({ files: kept, ...others }, undefined, 2)}\n`;
}

/** The part of a record about what was done for the user's own `finch.yaml`, with a part of that changed. */
export function withReconciled(
  { reconciled }: SetupRecord,
  part: Partial<ReconciledHelpers>,
): Pick<SetupRecord, 'reconciled'> {
  const next = { file: undefined, helper: undefined, ...reconciled, ...part };
  const isEmpty = next.file === undefined && next.helper === undefined;
  return { reconciled: isEmpty ? undefined : next };
}
