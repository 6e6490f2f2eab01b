import { join } from 'node:path';
import { readTextFile } from '../config/text-file.ts';
import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import { redactText } from '../http/redact.ts';
import { printable } from '../text.ts';
import type { LimaVm } from '../vm/lima.ts';
import { changeFiles, type FileChange } from './change-files.ts';
import { jsonFormat, yamlFormat } from './config-files.ts';
import {
  type HelperPlace,
  helperOf,
  helperPath,
  helperState,
  installHelper,
  removeHelper,
} from './install-helper.ts';
import {
  finchYamlPath,
  planSetup,
  type SetupPlaces,
  type SetupPlan,
  type SetupWishes,
} from './plan-setup.ts';
import { planUnset } from './plan-unset.ts';
import { parseRecord, type SetupRecord, writeRecord } from './setup-record.ts';
import { textDiff } from './text-diff.ts';

/** What setting up goes to work with. */
export interface SetupOptions extends AbortOptions, SetupPlaces, HelperPlace {
  /** Takes a line of what changes. */
  readonly show: (line: string) => void;
  /** Takes a line about what was done, and what was not. */
  readonly report: (line: string) => void;
  /** Finch's virtual machine, if there is a Lima. */
  readonly vm: LimaVm | undefined;
}

/** How often a change is planned again because somebody else was faster. */
const MAX_TRIES = 10;

/**
 * Writes into `finch.yaml` and `config.json` that registries of Amazon ECR are logged in to with AWS credentials,
 * shows the difference, remembers it, and starts the virtual machine anew where one runs. What is so already is
 * left alone, and a dry run only shows the difference.
 * @throws FinchError `CONFIG_INVALID`, `IO`, with all files as before; `VM`
 */
export async function setUpEcr(
  wishes: SetupWishes & { readonly isDryRun: boolean },
  options: SetupOptions,
): Promise<void> {
  const { home, program, show, report } = options;
  const { record } = await readRecord(home);
  const { changes } = await planSetup(wishes, options, record);
  const state = await helperState(options, record.helper);
  const isMissing = state === 'absent' && program !== undefined;
  if (state === 'foreign') report(`${helperPath(home)} is not finch's, and stays as it is`);
  if (changes.length === 0 && !isMissing) return show('nothing to change');
  showChanges(changes, options);
  if (wishes.isDryRun) {
    if (isMissing) report(`would install ${helperPath(home)}`);
    return report('this was a dry run: nothing was changed');
  }
  const helper = isMissing ? await helperOf(home, program) : undefined;
  const written = await write(async (old) => {
    const plan = await planSetup(wishes, options, old);
    return { ...plan, record: { ...plan.record, helper: helper ?? plan.record.helper } };
  }, options);
  if (helper !== undefined && program !== undefined) {
    await installHelper(helper, program);
    report(`installed ${helper.path}`);
  }
  await restartAfter(written, options);
}

/**
 * Takes back what {@link setUpEcr} wrote, by its record, and nothing else.
 * @param hosts the registries for which it is taken back; none for all
 * @throws FinchError `CONFIG_INVALID`, `IO`, with all files as before; `VM`
 */
export async function unsetEcr(hosts: readonly string[], options: SetupOptions): Promise<void> {
  const { home, show, report } = options;
  const { source, record } = await readRecord(home);
  if (source === undefined) return report('nothing was set up with: finch ecr setup');
  const known = new Set(record.files.flatMap(({ entries }) => entries.map(({ host }) => host)));
  for (const host of hosts.filter((name) => !known.has(name))) report(`${host} was not set up`);
  if (hosts.length > 0 && !hosts.some((host) => known.has(host))) return;
  const { changes, left, record: rest } = await planUnset(hosts, options, record);
  if (changes.length === 0) show('nothing to change');
  showChanges(changes, options);
  for (const line of left) report(line);
  const written = await write((old) => planUnset(hosts, options, old), options);
  if (record.helper !== undefined && rest.helper === undefined) {
    const isRemoved = await removeHelper(record.helper);
    report(
      isRemoved
        ? `removed ${record.helper.path}`
        : `${record.helper.path} has been changed, and stays`,
    );
  }
  await restartAfter(written, options);
}

/** Writes what is planned by the record, and the record with it; planned again when a file has changed meanwhile. */
async function write(
  plan: (record: SetupRecord) => Promise<SetupPlan>,
  { home, configFile, report }: SetupOptions,
): Promise<readonly FileChange[]> {
  const locked = [finchYamlPath(home), configFile];
  for (let tries = 1; tries <= MAX_TRIES; tries++) {
    const { path, source, record } = await readRecord(home);
    const { changes, record: next } = await plan(record);
    // The record comes first: what it names and is not there does no harm.
    const remembered = { path, before: source, after: writeRecord(next) };
    const all = [remembered, ...changes].filter(({ before, after }) => before !== after);
    if (all.length > 0 && !(await changeFiles(all, { locked, read: readTextFile }))) continue;
    for (const change of changes) {
      report(`${change.after === undefined ? 'removed' : 'wrote'} ${change.path}`);
    }
    return changes;
  }
  throw new FinchError('IO', `another program keeps changing ${locked.join(' or ')}`, {
    hint: 'wait until it is done, and try again',
  });
}

async function readRecord(home: string): Promise<{
  readonly path: string;
  readonly source: string | undefined;
  readonly record: SetupRecord;
}> {
  const path = join(home, 'ecr-setup.json');
  const source = await readTextFile(path);
  return { path, source, record: parseRecord(source, path) };
}

function showChanges(changes: readonly FileChange[], { home, show }: SetupOptions): void {
  for (const { path, before, after } of changes) {
    const { view } = path === finchYamlPath(home) ? yamlFormat : jsonFormat;
    show(`--- ${before === undefined ? '/dev/null' : path}`);
    show(`+++ ${after === undefined ? '/dev/null' : path}`);
    for (const line of textDiff(view(before ?? ''), view(after ?? ''))) {
      show(redactText(line.slice(0, 1) + indented(line.slice(1))));
    }
  }
}

/** Safe to show; the white space at its beginning says what belongs to what. */
function indented(line: string): string {
  const [space = ''] = /^[ \t]*/.exec(line) ?? [];
  return space + printable(line);
}

/** The virtual machine reads the files when it starts. */
async function restartAfter(
  changes: readonly FileChange[],
  { vm, report, signal }: SetupOptions,
): Promise<void> {
  if (changes.length === 0) return;
  const status = await vm?.status({ signal });
  if (vm === undefined || status !== 'Running') {
    return report('no virtual machine is running, so none is restarted');
  }
  report('restarting the virtual machine');
  await vm.stop({ signal });
  await vm.start({ signal });
  report('restarted the virtual machine');
}
