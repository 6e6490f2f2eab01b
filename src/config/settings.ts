import { FinchError, hasCode } from '../errors.ts';
import { isJsonObject } from '../oci/json.ts';
import { finchYamlPath } from './finch-yaml.ts';
import { type ConfigKey, configKeys, profileKey } from './keys.ts';
import { machineSettings } from './machine-settings.ts';
import { parseYaml } from './parse-yaml.ts';
import { settingsIn, thisHost } from './read-machine-settings.ts';
import { readTextFile } from './text-file.ts';
import { textsOf, valueAt } from './written-values.ts';

/** What counts for a key. */
interface Setting {
  /** As the user writes them; several of a list, none where nothing is said. */
  readonly values: readonly string[];
  /** Whether `finch.yaml` says it. */
  readonly isWritten: boolean;
}

/** What the keys of a `finch.yaml` have, also where that is wrong. */
export interface Settings {
  /** Why nothing of it counts: `CONFIG_INVALID` with path, line and column. */
  readonly fault: FinchError | undefined;
  of(key: ConfigKey): Setting;
  /** All keys that there are, those of the registries that the file names last. */
  keys(): readonly ConfigKey[];
}

/**
 * Reads the `finch.yaml` of a home.
 * @param isNative whether containers run on this Linux itself where the file does not say where they do
 * @throws FinchError `CONFIG_INVALID` when it is no YAML; `IO`
 */
export async function readSettings(
  home: string,
  { isNative }: { readonly isNative: boolean },
): Promise<Settings> {
  const path = finchYamlPath(home);
  const source = (await readTextFile(path)) ?? '';
  const { value } = parseYaml(source, path);
  const host = thisHost();
  const standard = { ...machineSettings({}, host), isNative };
  return {
    fault: faultIn(source, { path, host }),
    of(key) {
      const written = valueAt(value, key.path);
      const isWritten = written !== undefined;
      return { values: isWritten ? textsOf(written) : key.standard(standard), isWritten };
    },
    keys() {
      const registries = valueAt(value, ['ecr', 'registries']);
      const hosts = isJsonObject(registries) ? Object.keys(registries) : [];
      return [...configKeys, ...hosts.map(profileKey)];
    },
  };
}

function faultIn(source: string, where: Parameters<typeof settingsIn>[1]): FinchError | undefined {
  try {
    settingsIn(source, where);
    return undefined;
  } catch (error) {
    if (error instanceof FinchError && hasCode(error, 'CONFIG_INVALID')) return error;
    throw error;
  }
}
