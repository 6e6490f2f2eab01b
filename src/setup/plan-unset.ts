import { finchYamlPath } from '../config/finch-yaml.ts';
import { jsonFormat, yamlFormat } from './config-files.ts';
import type { SetupPlan } from './plan-setup.ts';
import type { SetupEntry, SetupFile, SetupRecord } from './setup-record.ts';
import { undoneAll } from './text-undo.ts';

/** What takes back what setup wrote. */
export interface UnsetPlan extends SetupPlan {
  /** What the user has changed since, as sentences: it stays as it is. */
  readonly left: readonly string[];
}

/**
 * What has to change so that nothing is left of what setup wrote, as its record says. Nothing is written.
 * @param hosts the registries for which it is taken back; none for all
 * @throws FinchError `CONFIG_INVALID`, `IO`
 */
export async function planUnset(
  hosts: readonly string[],
  { home }: { readonly home: string },
  record: SetupRecord,
): Promise<UnsetPlan> {
  const { files, helper } = record;
  const remains = files
    .flatMap(({ entries }) => entries)
    .some(({ host }) => host !== undefined && hosts.length > 0 && !hosts.includes(host));
  const isTaken = ({ host }: SetupEntry) =>
    !remains || (host !== undefined && hosts.includes(host));
  const plans = await Promise.all(
    files.map((file) =>
      planFile(file, { home, isTaken: (one) => isTaken(one), isWhole: !remains }),
    ),
  );
  return {
    changes: plans.flatMap(({ changes }) => changes),
    left: plans.flatMap(({ left }) => left),
    record: {
      ...record,
      files: files.map((file) => ({
        ...file,
        entries: file.entries.filter((one) => !isTaken(one)),
        undo: file.entries.some(isTaken) ? [] : file.undo,
      })),
      helper: remains ? helper : undefined,
    },
  };
}

interface FileOptions {
  readonly home: string;
  readonly isTaken: (entry: SetupEntry) => boolean;
  /** Whether all is taken back. */
  readonly isWhole: boolean;
}

async function planFile(
  { path, created, entries, undo }: SetupFile,
  { home, isTaken, isWhole }: FileOptions,
): Promise<Pick<UnsetPlan, 'changes' | 'left'>> {
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
