import type { AbortOptions } from '../content.ts';
import { hasCode } from '../errors.ts';
import {
  type HelperPlace,
  helperOf,
  helperPath,
  helperState,
  installHelper,
  removeHelper,
} from './install-helper.ts';
import { planSetup, type SetupPlaces, type SetupPlan, type SetupWishes } from './plan-setup.ts';
import { planUnset } from './plan-unset.ts';
import { finishRestart, type SetupMachine } from './restart-vm.ts';
import type { SetupHelper, SetupRecord } from './setup-record.ts';
import { showChanges } from './show-changes.ts';
import { editRecord, readSetupRecord, writeSetup } from './write-setup.ts';

/** What setting up goes to work with. */
export interface SetupOptions extends AbortOptions, SetupPlaces, HelperPlace {
  /** Takes a line of what changes. */
  readonly show: (line: string) => void;
  /** Takes a line about what was done, and what was not. */
  readonly report: (line: string) => void;
  /** What has to be started anew when the files have changed, if there is anything. */
  readonly vm: SetupMachine | undefined;
}

/**
 * Writes into `finch.yaml` and `config.json` that registries of Amazon ECR are logged in to with AWS credentials,
 * shows the difference, remembers it, and starts the virtual machine anew where one runs. What is so already is
 * left alone, and a dry run only shows the difference.
 * @throws FinchError `CONFIG_INVALID`, `IO`, with all files as before; `VM`, and the restart stays to do
 */
export async function setUpEcr(
  wishes: SetupWishes & { readonly isDryRun: boolean },
  options: SetupOptions,
): Promise<void> {
  const { home, program, show, report } = options;
  const { record } = await readSetupRecord(home);
  const { changes } = await planSetup(wishes, options, record);
  const state = await helperState(options, record.helper);
  const isMissing = state === 'absent' && program !== undefined;
  if (state === 'foreign') report(`${helperPath(home)} is not finch's, and stays as it is`);
  if (changes.length === 0 && !isMissing) show('nothing to change');
  showChanges(changes, options);
  if (wishes.isDryRun) {
    if (isMissing) report(`would install ${helperPath(home)}`);
    await sayRestart(changes.length > 0 || record.restartPending?.isDue === true, options);
    return report('this was a dry run: nothing was changed');
  }
  const forget = isMissing ? await install(program, { ...options, before: record.helper }) : noop;
  try {
    await write((old) => planSetup(wishes, options, old), options);
  } catch (error) {
    await forget().catch(noop);
    throw error;
  }
  if (isMissing) report(`installed ${helperPath(home)}`);
  await finishRestart(options);
}

/**
 * Takes back what {@link setUpEcr} wrote, by its record, and nothing else.
 * @param hosts the registries for which it is taken back; none for all
 * @throws FinchError `CONFIG_INVALID`, `IO`, with all files as before; `VM`, and the restart stays to do
 */
export async function unsetEcr(hosts: readonly string[], options: SetupOptions): Promise<void> {
  const { home, program, show, report } = options;
  const { record } = await readSetupRecord(home);
  const { files, helper } = record;
  const known = new Set(files.flatMap(({ entries }) => entries.map(({ host }) => host)));
  for (const host of hosts.filter((name) => !known.has(name))) report(`${host} was not set up`);
  if (known.size === 0 && helper === undefined) {
    report('nothing was set up with: finch ecr setup');
  } else if (hosts.length === 0 || hosts.some((host) => known.has(host))) {
    const { changes, left, record: rest } = await planUnset(hosts, options, record);
    if (changes.length === 0) show('nothing to change');
    showChanges(changes, options);
    for (const line of left) report(line);
    const isOver = helper !== undefined && rest.helper === undefined;
    const isRemoved = isOver && (await removeHelper(helper));
    try {
      await write((old) => planUnset(hosts, options, old), options);
    } catch (error) {
      if (isRemoved && program !== undefined) await installHelper(helper, program).catch(noop);
      throw error;
    }
    if (isRemoved) report(`removed ${helper.path}`);
    else if (isOver) report(`${helper.path} has been changed, and stays`);
  }
  await finishRestart(options);
}

async function noop(): Promise<void> {}

/**
 * Installs the helper, remembered first. What finch has put there before stays replaced.
 * @returns what takes it back
 */
async function install(
  program: string,
  { before, ...options }: SetupOptions & { readonly before: SetupHelper | undefined },
): Promise<() => Promise<void>> {
  const helper = await helperOf(options.home, program);
  const forget = async () => {
    if (before !== undefined) return;
    await removeHelper(helper).catch(noop);
    await editRecord(() => ({ helper: undefined }), options);
  };
  await editRecord(() => ({ helper }), options);
  try {
    await installHelper(helper, program);
    return forget;
  } catch (error) {
    await forget().catch(noop);
    throw error;
  }
}

/** Writes what is planned, and that the virtual machine has to read it. */
async function write(
  plan: (record: SetupRecord) => Promise<SetupPlan>,
  options: SetupOptions,
): Promise<void> {
  const written = await writeSetup(async (old) => {
    const { changes, record } = await plan(old);
    if (changes.length === 0) return { changes, record };
    const isStopped = record.restartPending?.isStopped ?? false;
    return { changes, record: { ...record, restartPending: { isDue: true, isStopped } } };
  }, options);
  for (const { path, after } of written) {
    options.report(`${after === undefined ? 'removed' : 'wrote'} ${path}`);
  }
}

async function sayRestart(isDue: boolean, { vm, report, signal }: SetupOptions): Promise<void> {
  if (!isDue) return;
  try {
    const isRunning = (await vm?.status({ signal })) === 'Running';
    if (vm !== undefined && isRunning) report(`would restart ${vm.name}`);
  } catch (error) {
    if (!hasCode(error, 'VM')) throw error;
    report(`would restart ${vm?.name} if it runs: ${error.message}`);
  }
}
