import { finchYamlPath } from '../config/finch-yaml.ts';
import { readAuthEntry } from '../credentials/auth-entry.ts';
import { isJsonObject } from '../oci/json.ts';
import { excerpt } from '../text.ts';
import { jsonFormat, jsonOf } from './config-files.ts';
import { planEntries, planTakingBack } from './plan-entries.ts';
import { HELPER, type SetupPlaces, type SetupPlan } from './plan-setup.ts';
import { type SetupEntry, type SetupRecord, withReconciled } from './setup-record.ts';

/** What makes `config.json` name the helper, or not name it any more. */
interface CredsStorePlan extends SetupPlan {
  /** Why it is left as it is, as sentences. */
  readonly remarks: readonly string[];
}

/** `"credsStore": "ecr-login"`, as the user guide shows it. */
const ENTRY: SetupEntry = {
  ...{ path: ['credsStore'], value: HELPER, isItem: false, host: undefined, before: undefined },
};

const INSTEAD =
  'finch itself logs in to Amazon ECR all the same; for other programs, name your registries with: finch ecr setup';

/**
 * What has to change so that `config.json` names the helper as its `credsStore` where the user's own `finch.yaml`
 * names it, and no more where finch wrote that and it does not. It is not written over another helper; nor where it would hide
 * logins: docker and nerdctl do not look at the `auths` of a file with a `credsStore`. Nothing is written.
 * https://github.com/docker/cli/blob/v28.3.3/cli/config/credentials/native_store.go
 * @throws FinchError `CONFIG_INVALID`, `IO`
 */
export async function planCredsStore(
  { isNamed }: { readonly isNamed: boolean },
  { home, configFile: path }: SetupPlaces,
  record: SetupRecord,
): Promise<CredsStorePlan> {
  const known = record.reconciled?.file;
  const before = await jsonFormat.read(path);
  const asIs = (...remarks: readonly string[]) => ({ changes: [], record, remarks });
  if (!isNamed || isOfSetup(record, finchYamlPath(home))) {
    const isTaken = () => true;
    const { changes, left } =
      known === undefined
        ? { changes: [], left: [] }
        : await planTakingBack(known, { home, isTaken, isWhole: true });
    const rest = { ...record, ...withReconciled(record, { file: undefined }) };
    const after = changes.find((change) => change.path === path);
    const isLeft =
      !isNamed &&
      record.reconciled?.helper !== undefined &&
      storeIn((after === undefined ? before : after.after) ?? '') === HELPER;
    const dangling = `${path} still names "credsStore": "${HELPER}", which finch did not write: without that helper other programs find no login there; take it out`;
    return { changes, record: rest, remarks: [...left, ...(isLeft ? [dangling] : [])] };
  }
  const now = storeIn(before ?? '');
  if (now === HELPER) return asIs();
  if (now !== undefined && now !== '')
    return asIs(`${path} keeps "credsStore": ${excerpt(JSON.stringify(now))}: ${INSTEAD}`);
  const hidden = loginsIn(before ?? '')
    .map(excerpt)
    .join(', ');
  if (hidden !== '') {
    return asIs(
      `${path} does not get "credsStore": "${HELPER}", which would hide the logins in it from other programs (${hidden}): ${INSTEAD}`,
    );
  }
  const { change, done } = planEntries(
    { path, before, cleaned: before ?? '' },
    [ENTRY],
    jsonFormat,
  );
  const file = { ...done, created: known?.created ?? done.created };
  const next = { ...record, ...withReconciled(record, { file }) };
  return { changes: [change], record: next, remarks: [] };
}

/** Whether it was `finch ecr setup` that named the helper in `finch.yaml`: it then names it for hosts only. */
function isOfSetup({ files }: SetupRecord, yamlFile: string): boolean {
  const entries = files.find(({ path }) => path === yamlFile)?.entries ?? [];
  return entries.some(({ isItem, value }) => isItem && value === HELPER);
}

/** What a `config.json` names as its `credsStore`, which need not be a text; undefined when nothing. */
function storeIn(text: string): unknown {
  return jsonOf(text)['credsStore'] ?? undefined;
}

/** The servers whose logins a `config.json` keeps itself. */
function loginsIn(text: string): readonly string[] {
  const { auths } = jsonOf(text);
  return isJsonObject(auths) ? Object.keys(auths).filter((key) => isLogin(auths[key])) : [];
}

function isLogin(entry: unknown): boolean {
  try {
    return readAuthEntry(entry) !== undefined;
  } catch (error) {
    // One that finch cannot read may be one that another program can.
    if (error instanceof SyntaxError) return true;
    throw error;
  }
}
