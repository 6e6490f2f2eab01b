import { editYaml } from '../../src/config/edit-yaml.ts';
import { configKey } from '../../src/config/keys.ts';
import { parseYaml } from '../../src/config/parse-yaml.ts';
import { editsFor, textsOf, valueAt } from '../../src/config/written-values.ts';

/** A text in which a key has other values, as `finch config set` writes it. */
export function setIn(text: string, name: string, ...texts: readonly string[]): string {
  const key = configKey(name);
  const value = valueAt(parseYaml(text, 'finch.yaml').value, key.path);
  return editYaml(text, editsFor(key, { value, texts }), 'finch.yaml');
}

/** The values of a key in a text. */
export const valuesIn = (text: string, name: string) =>
  textsOf(valueAt(parseYaml(text, 'finch.yaml').value, configKey(name).path));
