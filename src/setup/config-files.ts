import { editYaml } from '../config/edit-yaml.ts';
import { finchYamlOf } from '../config/finch-yaml.ts';
import { refuseLostItem } from '../config/lost-item.ts';
import { maskedYaml } from '../config/masked-yaml.ts';
import { parseYaml } from '../config/parse-yaml.ts';
import { readTextFile } from '../config/text-file.ts';
import { readConfigFile } from '../credentials/config-file.ts';
import { applyEdits } from '../credentials/json-edit.ts';
import { isKeyOf, parseServer } from '../credentials/server-name.ts';
import { FinchError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../oci/json.ts';
import type { SetupEntry } from './setup-record.ts';

/** Where a text stands in a configuration. */
type Place = Pick<SetupEntry, 'path' | 'value' | 'isItem'>;

/** How one of the files that setup changes is read and changed. */
export interface ConfigFormat {
  /**
   * Its text, which is sound; undefined when there is no file.
   * @throws FinchError `CONFIG_INVALID`, `IO`
   */
  read(path: string): Promise<string | undefined>;
  /** The text at a place, or the item if the list has it; undefined when there is none. */
  valueAt(text: string, place: Place): string | undefined;
  /**
   * The text with another value at a place; undefined removes what is there.
   * @throws FinchError `CONFIG_INVALID` when there is no room for it
   */
  withValue(text: string, place: Place, change: { to: string | undefined; path: string }): string;
  /** Whether it says nothing, not even in a comment. */
  isEmpty(text: string): boolean;
  /** The text as it may be shown: without secrets. */
  view(text: string): string;
}

/** `finch.yaml`. */
export const yamlFormat: ConfigFormat = {
  async read(path) {
    const text = await readTextFile(path);
    if (text === undefined) return undefined;
    const parsed = parseYaml(text, path);
    refuseLostItem(parsed, { key: 'creds_helpers', item: 'ecr-login' });
    finchYamlOf(parsed);
    return text;
  },
  valueAt: (text, place) => valueAt(parseYaml(text, '').value, place),
  withValue(text, { path: keys, value, isItem }, { to, path: file }) {
    const edit = isItem
      ? { path: keys, item: value, isThere: to !== undefined }
      : { path: keys, value: to };
    return editYaml(text, [edit], file);
  },
  isEmpty: (text) => text.trim() === '',
  view: (text) => maskedYaml(text, { shown: ['creds_helpers', 'ecr'] }),
};

/** What a `config.json` says that is no secret. Of the logins it is the keys alone. */
const SHOWN: ReadonlySet<string> = new Set(['auths', 'credsStore', 'credHelpers']);

/** `config.json`. */
export const jsonFormat: ConfigFormat = {
  async read(path) {
    await readConfigFile(path);
    const file = Bun.file(path);
    if (!(await file.exists())) return undefined;
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(await file.bytes());
  },
  valueAt: (text, place) => valueAt(jsonOf(text), place),
  withValue(text, { path: keys }, { to, path: file }) {
    const edited = editJson(text, keys, { value: to, file });
    const [parent = ''] = keys;
    const rest = jsonOf(edited)[parent];
    const isLeft = isJsonObject(rest) && Object.keys(rest).length > 0;
    if (to !== undefined || isLeft || edited === text) return edited;
    return editJson(edited, [parent], { value: undefined, file });
  },
  isEmpty: (text) => Object.keys(jsonOf(text)).length === 0,
  view(text) {
    const json = jsonOf(text);
    const logins = Object.keys(objectOf(json['auths'])).map((key) => ['auths', key]);
    const others = Object.keys(json).filter((key) => !SHOWN.has(key));
    const hidden = [...logins, ...others.map((key) => [key])];
    const edits = hidden.map((path) => ({ path, value: '…' }));
    return edits.length === 0 ? text : applyEdits(text, edits);
  },
};

/** A line of an example that was taken over as it is: `<aws_account_id>.dkr.ecr.<region>.amazonaws.com`. */
const PLACEHOLDER = /^(?=.*<.+>).*\.dkr\.ecr\./;

/**
 * What of a `config.json` goes for good: the logins that it keeps itself for registries, which their helper hides,
 * and helpers of placeholders, which name no registry.
 */
export function stalePaths(
  text: string,
  hosts: readonly string[],
): readonly (readonly [string, string])[] {
  const json = jsonOf(text);
  const servers = hosts.map(parseServer);
  const keysOf = (parent: string) => Object.keys(objectOf(json[parent]));
  const logins = keysOf('auths').filter((key) => servers.some((server) => isKeyOf(server, key)));
  const placeholders = keysOf('credHelpers').filter((key) => PLACEHOLDER.test(key));
  return [
    ...logins.map((key) => ['auths', key] as const),
    ...placeholders.map((key) => ['credHelpers', key] as const),
  ];
}

/** A `config.json` without what is at a path. */
export function withoutPath(text: string, path: readonly string[], file: string): string {
  return editJson(text, path, { value: undefined, file });
}

function valueAt(root: unknown, { path, value, isItem }: Place): string | undefined {
  const found = path.reduce(
    (node: unknown, key) =>
      isJsonObject(node) && Object.hasOwn(node, key) ? node[key] : undefined,
    root,
  );
  if (isItem) return Array.isArray(found) && found.includes(value) ? value : undefined;
  return typeof found === 'string' ? found : undefined;
}

function editJson(
  text: string,
  path: readonly string[],
  { value, file }: { readonly value: string | undefined; readonly file: string },
): string {
  try {
    return applyEdits(text.trim() === '' ? '{}\n' : text, [{ path, value }]);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new FinchError('CONFIG_INVALID', `${file} cannot be changed: ${cause.message}`, {
      hint: 'correct the file, and run this again',
      cause,
    });
  }
}

/** What a text says that was read as JSON before, or nothing. */
export function jsonOf(text: string): JsonObject {
  const value: unknown = text.trim() === '' ? {} : JSON.parse(text.replace(/^\ufeff/, ''));
  return objectOf(value);
}

function objectOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}
