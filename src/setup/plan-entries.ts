import { finchYamlPath } from '../config/finch-yaml.ts';
import type { FileChange } from './change-files.ts';
import { type ConfigFormat, jsonFormat, yamlFormat } from './config-files.ts';
import type { SetupEntry, SetupFile } from './setup-record.ts';
import { undoneAll, undoOf } from './text-undo.ts';

/** The text of a way back that holds no secret, whatever stands around it. */
const HARMLESS = /^[\s{}]*(?:null\s*)?$/;

/** A file that entries are written into. */
interface Text {
  readonly path: string;
  readonly before: string | undefined;
  /** Without what goes for good. */
  readonly cleaned: string;
}

/**
 * What has to change so that a file says what is wanted, and what is to be remembered of it. Nothing is written.
 * @throws FinchError `CONFIG_INVALID` when there is no room for it
 */
export function planEntries(
  { path, before, cleaned }: Text,
  wanted: readonly SetupEntry[],
  format: ConfigFormat,
): { readonly change: FileChange; readonly done: SetupFile } {
  const entries = wanted
    .map((one) => ({ ...one, before: format.valueAt(cleaned, one) }))
    .filter((one) => one.before !== one.value);
  const after = entries.reduce(
    (text, one) => format.withValue(text, one, { to: one.value, path }),
    cleaned,
  );
  const undo = undoOf(cleaned, after);
  const isKept = entries.length > 0 && (format === yamlFormat || HARMLESS.test(undo.text));
  return {
    change: { path, before, after: entries.length > 0 || cleaned !== before ? after : before },
    done: { path, created: before === undefined, entries, undo: isKept ? [undo] : [] },
  };
}

/** What takes back what was written into files. */
export interface TakenBack {
  readonly changes: readonly FileChange[];
  /** What the user has changed since, as sentences: it stays as it is. */
  readonly left: readonly string[];
}

/** Options of {@link planTakingBack}. */
interface TakingBackOptions {
  readonly home: string;
  readonly isTaken: (entry: SetupEntry) => boolean;
  /** Whether all is taken back. */
  readonly isWhole: boolean;
}

/**
 * What has to change so that nothing is left in a file of the entries that are taken back. Nothing is written.
 * @throws FinchError `CONFIG_INVALID`, `IO`
 */
export async function planTakingBack(
  { path, created, entries, undo }: SetupFile,
  { home, isTaken, isWhole }: TakingBackOptions,
): Promise<TakenBack> {
  const format = path === finchYamlPath(home) ? yamlFormat : jsonFormat;
  const before = await format.read(path);
  if (before === undefined) return { changes: [], left: [] };
  // To the byte, as long as nobody but finch has changed the file; else value by value.
  const whole = isWhole ? undoneAll(before, undo) : undefined;
  let text = whole ?? before;
  const left: string[] = [];
  for (const entry of whole === undefined ? entries.filter(isTaken) : []) {
    const now = format.valueAt(text, entry);
    if (now === entry.value) {
      text = format.withValue(text, entry, { to: entry.before, path });
    } else if (now !== undefined && now !== entry.before) {
      left.push(`${path}: ${entry.path.join('.')} has been changed since, and stays`);
    }
  }
  const after = created && format.isEmpty(text) ? undefined : text;
  return { changes: after === before ? [] : [{ path, before, after }], left };
}
