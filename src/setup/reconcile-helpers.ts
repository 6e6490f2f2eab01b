import { join } from 'node:path';
import { finchYamlPath, readFinchYaml } from '../config/finch-yaml.ts';
import { findHelper } from '../credentials/find-helper.ts';
import { isHelperName } from '../credentials/helper-protocol.ts';
import { hasCode } from '../errors.ts';
import { quote } from '../text.ts';
import { jsonFormat } from './config-files.ts';
import {
  type HelperPlace,
  helperOf,
  helperPath,
  helperState,
  installHelper,
  removeHelper,
} from './install-helper.ts';
import { planCredsStore } from './plan-creds-store.ts';
import { HELPER, type SetupPlaces } from './plan-setup.ts';
import { type SetupRecord, withReconciled } from './setup-record.ts';
import { editRecord, readSetupRecord, writeSetup } from './write-setup.ts';

/** What {@link reconcileHelpers} goes to work with. */
export interface ReconcileOptions extends HelperPlace {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes a line about what was done, and what was not. */
  readonly report: (line: string) => void;
}

/**
 * Does what the `creds_helpers` of `finch.yaml` ask for. Where they name `ecr-login`, finch is installed as that
 * helper, and the `config.json` in finch's own folder, whatever `DOCKER_CONFIG` says, names it as its `credsStore`,
 * unless that would take something from the user; where they name it no more, just that is taken back. What is so
 * already is left alone, without a word. Other helpers are the user's own: only that one is missing is said.
 * @throws FinchError `CONFIG_INVALID`, `IO`, with all files as before
 */
export async function reconcileHelpers(options: ReconcileOptions): Promise<void> {
  const { home, report } = options;
  const places = placesOf(options);
  const { creds_helpers: names = [] } = await readFinchYaml(finchYamlPath(home));
  await jsonFormat.read(places.configFile);
  warnOfMissing(new Set(names), options);
  const isNamed = names.includes(HELPER);
  const record = await remembered(options);
  if (record === undefined) return;
  if (isNamed) await install(record, options);
  let remarks: readonly string[] = [];
  const changes = await writeSetup(async (old) => {
    const plan = await planCredsStore({ isNamed }, places, old);
    remarks = plan.remarks;
    return plan;
  }, places);
  for (const { path, after } of changes) {
    const verb = after === undefined ? 'removed' : 'wrote';
    const why = isNamed ? 'name' : 'no longer name';
    report(`${verb} ${path}, as creds_helpers in finch.yaml ${why} ${HELPER}`);
  }
  for (const line of remarks) report(line);
  if (!isNamed) await uninstall(record, options);
}

/** What is done without being asked for touches files of finch's own only. */
function placesOf({ home }: ReconcileOptions): SetupPlaces {
  return { home, configFile: join(home, 'config.json') };
}

/**
 * What was set up; undefined, and said, when that cannot be known. A machine can be started without it.
 * @throws FinchError `IO`
 */
async function remembered({ home, report }: ReconcileOptions): Promise<SetupRecord | undefined> {
  try {
    return (await readSetupRecord(home)).record;
  } catch (error) {
    if (!hasCode(error, 'CONFIG_INVALID')) throw error;
    report(`creds_helpers in finch.yaml change nothing: ${error.message}`);
    return undefined;
  }
}

function warnOfMissing(
  names: ReadonlySet<string>,
  { env, home, report }: Pick<ReconcileOptions, 'env' | 'home' | 'report'>,
): void {
  for (const name of names) {
    if (name === HELPER) continue;
    if (!isHelperName(name)) {
      report(`creds_helpers in finch.yaml: ${quote(name)} is no name of a credential helper`);
    } else if (findHelper(name, { env, home }) === undefined) {
      report(
        `creds_helpers in finch.yaml: docker-credential-${name} is neither on PATH nor in ${home}/cred-helpers`,
      );
    }
  }
}

async function install(record: SetupRecord, options: ReconcileOptions): Promise<void> {
  const { home, program, report } = options;
  const known = record.helper ?? record.reconciled?.helper;
  if (program === undefined || (await helperState(options, known)) !== 'absent') return;
  const helper = await helperOf(home, program);
  // Remembered first: what is remembered and not there does no harm.
  await editRecord((old) => {
    return old.helper === undefined ? withReconciled(old, { helper }) : { helper };
  }, placesOf(options));
  await installHelper(helper, program);
  report(`installed ${helperPath(home)}`);
}

/** Removes the helper, unless `finch ecr setup` has put it there. */
async function uninstall(record: SetupRecord, options: ReconcileOptions): Promise<void> {
  const { report } = options;
  const helper = record.reconciled?.helper;
  if (helper === undefined) return;
  if (await removeHelper(helper)) report(`removed ${helper.path}`);
  else report(`${helper.path} has been changed, and stays`);
  await editRecord((old) => withReconciled(old, { helper: undefined }), placesOf(options));
}
