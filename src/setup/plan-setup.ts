import { join } from 'node:path';
import { finchYamlOf, profileFor } from '../config/finch-yaml.ts';
import { parseYaml } from '../config/parse-yaml.ts';
import type { FileChange } from './change-files.ts';
import {
  type ConfigFormat,
  jsonFormat,
  loginKeys,
  withoutLogin,
  yamlFormat,
} from './config-files.ts';
import type { SetupEntry, SetupFile, SetupRecord } from './setup-record.ts';
import { undoOf } from './text-undo.ts';

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
const HELPER = 'ecr-login';

/** The text of a way back that holds no secret, whatever stands around it. */
const HARMLESS = /^[\s{}]*(?:null\s*)?$/;

/** Where `finch.yaml` is. */
export function finchYamlPath(home: string): string {
  return join(home, 'finch.yaml');
}

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
  const stale = hosts.flatMap((host) => loginKeys(json ?? '', host));
  const cleaned = stale.reduce((text, key) => withoutLogin(text, key, configFile), json ?? '');
  const files = [
    write({ path: yamlFile, before: yaml, cleaned: yaml ?? '' }, [list, ...profiles], yamlFormat),
    write({ path: configFile, before: json, cleaned }, helpers, jsonFormat),
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

interface Text {
  readonly path: string;
  readonly before: string | undefined;
  /** Without what goes for good. */
  readonly cleaned: string;
}

function write(
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

/** What was done before, with what is done now. */
function remember({ files, helper }: SetupRecord, done: SetupFile): SetupRecord {
  if (done.entries.length === 0) return { files, helper };
  const old = files.find(({ path }) => path === done.path);
  const isAgain = ({ path }: SetupEntry) =>
    done.entries.some((other) => Bun.deepEquals(other.path, path));
  const merged: SetupFile = {
    ...done,
    created: old?.created ?? done.created,
    entries: [...(old?.entries.filter((one) => !isAgain(one)) ?? []), ...done.entries],
    undo: done.undo.length === 0 ? [] : [...done.undo, ...(old?.undo ?? [])],
  };
  return { files: [...files.filter((file) => file !== old), merged], helper };
}
