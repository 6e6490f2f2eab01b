import { FinchError, hasCode } from '../errors.ts';
import { isJsonObject } from '../oci/json.ts';
import type { ConfigPath } from './config-value.ts';
import { BYTE_ORDER_MARK, type ParsedYaml, parseYaml } from './parse-yaml.ts';
import { checkTextSize, invalidConfig } from './text-file.ts';
import { spliced, type YamlEdit } from './yaml-splice.ts';

/**
 * A YAML text with some edits, in which every other byte is as it was: comments, order, indentation, line ends.
 * What is new looks like its neighbours. The same text when there is nothing to change.
 * @param file how messages name it
 * @throws FinchError `CONFIG_INVALID` when it is no YAML, or written so that an edit would change something else:
 *   what an anchor names, and stands elsewhere too; or when the result is larger than finch reads
 */
export function editYaml(text: string, edits: readonly YamlEdit[], file: string): string {
  const [mark = ''] = BYTE_ORDER_MARK.exec(text) ?? [];
  const yaml = text.slice(mark.length);
  const result = mark + edits.reduce((current, edit) => editOnce(current, edit, file), yaml);
  checkTextSize(result, file);
  return result;
}

function editOnce(text: string, edit: YamlEdit, file: string): string {
  const parsed = parseYaml(text, file);
  const wanted = edited(parsed.value, edit.path, { edit, parsed });
  if (Object.is(wanted, parsed.value)) return text;
  const result = spliced(text, parsed.document, edit);
  if (result !== undefined && says(result, wanted)) {
    // A list may hold an item twice.
    return 'item' in edit && !edit.isThere ? editOnce(result, edit, file) : result;
  }
  const { path } = edit;
  const what = `${path.join('.')} cannot be changed here without changing something else`;
  throw new FinchError('CONFIG_INVALID', `${parsed.placeOf(path)}: ${what}`, {
    hint: 'change it in an editor, and run this again',
  });
}

/** Whether a text says just this, and nothing else has changed with it. */
function says(text: string, wanted: unknown): boolean {
  try {
    return Bun.deepEquals(parseYaml(text, '').value ?? {}, wanted ?? {}, true);
  } catch (error) {
    if (hasCode(error, 'CONFIG_INVALID')) return false;
    throw error;
  }
}

interface Change {
  readonly edit: YamlEdit;
  readonly parsed: ParsedYaml;
}

/** The value with the edit: itself when that changes nothing, undefined when nothing is left of it. */
function edited(value: unknown, path: ConfigPath, change: Change): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return editedLeaf(value, change);
  if (typeof key === 'number') return editedItem(value, key, { rest, change });
  if (value !== undefined && value !== null && !isJsonObject(value)) throw misplaced(change);
  const old = value?.[key];
  const inner = edited(old, rest, change);
  if (Object.is(inner, old)) return value;
  if (inner !== undefined) return { ...value, [key]: inner };
  const others = Object.entries(value ?? {}).filter(([name]) => name !== key);
  return others.length === 0 ? undefined : Object.fromEntries(others);
}

function editedItem(
  value: unknown,
  index: number,
  { rest, change }: { readonly rest: ConfigPath; readonly change: Change },
): unknown {
  if (!Array.isArray(value) || index >= value.length) throw misplaced(change);
  const items: readonly unknown[] = value;
  const old = items[index];
  const inner = edited(old, rest, change);
  if (Object.is(inner, old)) return value;
  if (inner !== undefined) return items.with(index, inner);
  return items.length === 1 ? undefined : items.toSpliced(index, 1);
}

function editedLeaf(value: unknown, change: Change): unknown {
  const { edit } = change;
  if ('value' in edit) return edit.value;
  const { item, isThere } = edit;
  if (value !== undefined && value !== null && !Array.isArray(value)) throw misplaced(change);
  const list: readonly unknown[] = value ?? [];
  const at = list.findIndex((entry) => Bun.deepEquals(entry, item));
  if ((at !== -1) === isThere) return value;
  if (isThere) return [...list, item];
  const others = list.toSpliced(at, 1);
  return others.length === 0 ? undefined : others;
}

function misplaced({ edit: { path }, parsed }: Change): Error {
  return invalidConfig(`${parsed.placeOf(path)}: there is no place for ${path.join('.')}`);
}
