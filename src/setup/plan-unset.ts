import { planTakingBack, type TakenBack } from './plan-entries.ts';
import type { SetupPlan } from './plan-setup.ts';
import type { SetupEntry, SetupRecord } from './setup-record.ts';

/** What takes back what setup wrote. */
export interface UnsetPlan extends SetupPlan, TakenBack {}

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
      planTakingBack(file, { home, isTaken: (one) => isTaken(one), isWhole: !remains }),
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
