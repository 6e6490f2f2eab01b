import { finchYamlOf, finchYamlPath, profileFor } from '../config/finch-yaml.ts';
import { parseYaml } from '../config/parse-yaml.ts';
import type { FileChange } from './change-files.ts';
import { jsonFormat, stalePaths, withoutPath, yamlFormat } from './config-files.ts';
import { planEntries } from './plan-entries.ts';
import type { SetupEntry, SetupFile, SetupRecord } from './setup-record.ts';

/** The files that setup is about. */
export interface SetupPlaces {
  /** finch's own folder. */
  readonly home: string;
  /** finch's own `config.json`. */
  readonly configFile: string;
}

/** What is to be written, and what is to be remembered of it. */
export interface SetupPlan {
  readonly changes: readonly FileChange[];
  readonly record: SetupRecord;
}

/** What the user wants set up. */
export interface SetupWishes {
  readonly hosts: readonly string[];
  /** Whose credentials are used at those hosts; undefined where nothing is said about that. */
  readonly profile: string | undefined;
}

/** The helper whose name stands for finch's own credentials of Amazon ECR. */
export const HELPER = 'ecr-login';

/**
 * What has to change so that registries of Amazon ECR are logged in to with AWS credentials. Nothing is written.
 * @throws FinchError `CONFIG_INVALID`, `IO`
 */
export async function planSetup(
  { hosts, profile }: SetupWishes,
  { home, configFile }: SetupPlaces,
  record: SetupRecord,
): Promise<SetupPlan> {
  const yamlFile = finchYamlPath(home);
  const yaml = await yamlFormat.read(yamlFile);
  const config = finchYamlOf(parseYaml(yaml ?? '', yamlFile));
  const profiles = hosts
    .filter((host) => profile !== undefined && profileFor(config, host) !== profile)
    .map((host) => entry(['ecr', 'registries', host, 'profile'], profile ?? '', { host }));
  const list = entry(['creds_helpers'], HELPER, { isItem: true });
  const json = await jsonFormat.read(configFile);
  const helpers = hosts.map((host) => entry(['credHelpers', host], HELPER, { host }));
  const stale = stalePaths(json ?? '', hosts);
  const cleaned = stale.reduce((text, path) => withoutPath(text, path, configFile), json ?? '');
  const files = [
    planEntries(
      { path: yamlFile, before: yaml, cleaned: yaml ?? '' },
      [list, ...profiles],
      yamlFormat,
    ),
    planEntries({ path: configFile, before: json, cleaned }, helpers, jsonFormat),
  ];
  return {
    changes: files.map(({ change }) => change).filter(({ before, after }) => before !== after),
    record: files.reduce((all, { done }) => remember(all, done), record),
  };
}

function entry(
  path: readonly string[],
  value: string,
  { host, isItem = false }: { readonly host?: string; readonly isItem?: boolean },
): SetupEntry {
  return { path, value, isItem, host, before: undefined };
}

/** What was done before, with what is done now. */
function remember(record: SetupRecord, done: SetupFile): SetupRecord {
  const { files } = record;
  if (done.entries.length === 0) return record;
  const old = files.find(({ path }) => path === done.path);
  const isSame = (one: SetupEntry) => (other: SetupEntry) => Bun.deepEquals(one.path, other.path);
  // Where setup replaces what it wrote itself, the user's own value stays the one to put back.
  const entries = done.entries.map((one) => {
    const earlier = old?.entries.find(isSame(one));
    return earlier?.value === one.before ? { ...one, before: earlier?.before } : one;
  });
  // The way back to the bytes is a whole one, or none.
  const isWhole = done.undo.length > 0 && (old === undefined || old.undo.length > 0);
  const merged: SetupFile = {
    ...done,
    created: old?.created ?? done.created,
    entries: [...(old?.entries.filter((one) => !entries.some(isSame(one))) ?? []), ...entries],
    undo: isWhole ? [...done.undo, ...(old?.undo ?? [])] : [],
  };
  return { ...record, files: [...files.filter((file) => file !== old), merged] };
}
