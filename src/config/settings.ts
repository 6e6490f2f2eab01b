import { isJsonObject } from '../oci/json.ts';
import { finchYamlPath } from './finch-yaml.ts';
import { type ConfigKey, configKeys, profileKey } from './keys.ts';
import { machineSettings } from './machine-settings.ts';
import { parseYaml } from './parse-yaml.ts';
import { thisHost } from './read-machine-settings.ts';
import { readTextFile } from './text-file.ts';
import { textsOf, valueAt } from './written-values.ts';

/** What counts for a key. */
interface Setting {
  /** As the user writes them; several of a list, none where nothing is said. */
  readonly values: readonly string[];
  /** Whether `finch.yaml` says it. */
  readonly isWritten: boolean;
}

/** What counts for the keys of a `finch.yaml`. What the file says is not checked. */
export interface Settings {
  of(key: ConfigKey): Setting;
  /** All keys that there are, those of the registries that the file names last. */
  keys(): readonly ConfigKey[];
}

/**
 * Reads the `finch.yaml` of a home.
 * @throws FinchError `CONFIG_INVALID` when it is no YAML; `IO`
 */
export async function readSettings(home: string): Promise<Settings> {
  const path = finchYamlPath(home);
  const { value } = parseYaml((await readTextFile(path)) ?? '', path);
  const standard = machineSettings({}, thisHost());
  return {
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
