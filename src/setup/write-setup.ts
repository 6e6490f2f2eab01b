import { join } from 'node:path';
import { finchYamlLock, finchYamlPath } from '../config/finch-yaml.ts';
import { readTextFile } from '../config/text-file.ts';
import { configFileLock } from '../credentials/config-file.ts';
import { FinchError } from '../errors.ts';
import { changeFiles, type FileChange } from './change-files.ts';
import type { SetupPlaces, SetupPlan } from './plan-setup.ts';
import { parseRecord, type SetupRecord, writeRecord } from './setup-record.ts';

/** How often a change is planned again because somebody else was faster. */
const MAX_TRIES = 10;

/**
 * Writes what is planned by the record, and the record with it; planned again when a file has changed meanwhile.
 * @throws FinchError `CONFIG_INVALID`, `IO`, with all files as before
 */
export async function writeSetup(
  plan: (record: SetupRecord) => Promise<SetupPlan>,
  { home, configFile }: SetupPlaces,
): Promise<readonly FileChange[]> {
  const locks = [finchYamlLock(home), await configFileLock(configFile)];
  for (let tries = 1; tries <= MAX_TRIES; tries++) {
    const { path, source, record } = await readSetupRecord(home);
    const { changes, record: next } = await plan(record);
    // The record comes first: what it names and is not there does no harm.
    const remembered = { path, before: source, after: writeRecord(next) };
    const all = [remembered, ...changes].filter(({ before, after }) => before !== after);
    if (all.length === 0 || (await changeFiles(all, { locks, read: readTextFile }))) {
      return changes;
    }
  }
  throw new FinchError(
    'IO',
    `another program keeps changing ${finchYamlPath(home)} or ${configFile}`,
    {
      hint: 'wait until it is done, and try again',
    },
  );
}

/** Changes what is remembered, and nothing else. See {@link writeSetup}. */
export async function editRecord(
  edit: (old: SetupRecord) => Partial<Omit<SetupRecord, 'files'>>,
  places: SetupPlaces,
): Promise<void> {
  await writeSetup(async (old) => ({ changes: [], record: { ...old, ...edit(old) } }), places);
}

/**
 * What setup remembers of itself.
 * @throws FinchError `CONFIG_INVALID`, `IO`
 */
export async function readSetupRecord(home: string): Promise<{
  readonly path: string;
  readonly source: string | undefined;
  readonly record: SetupRecord;
}> {
  const path = join(home, 'ecr-setup.json');
  const source = await readTextFile(path);
  return { path, source, record: parseRecord(source, path) };
}
