import { FinchError } from '../errors.ts';
import { isJsonObject } from '../oci/json.ts';
import { ConfigFault, type ConfigPath } from './config-value.ts';
import { finchYamlShape } from './finch-yaml-shape.ts';
import type { ConfigKey } from './keys.ts';
import { type HostSize, machineSettings } from './machine-settings.ts';
import type { YamlEdit } from './yaml-splice.ts';
import type { YamlItem, YamlScalar } from './yaml-text.ts';

/** What a `finch.yaml` says at a path, unchecked; undefined when nothing. */
export function valueAt(root: unknown, path: ConfigPath): unknown {
  const inner = (node: unknown, key: string | number) =>
    isJsonObject(node) && Object.hasOwn(node, key) ? node[key] : undefined;
  return path.reduce(inner, root) ?? undefined;
}

/** A value as the user writes it: one text of a single one, one of each item of a list. */
export function textsOf(value: unknown): readonly string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value.map(itemText) : [itemText(value)];
}

function itemText(item: unknown): string {
  // An additional directory is a map in Finch's own form.
  const path = isJsonObject(item) ? item['path'] : undefined;
  if (typeof path === 'string') return path;
  return typeof item === 'string' ? item : JSON.stringify(item);
}

/**
 * The edits that give a key other values. What of a list stays is not touched, with what is noted beside it.
 * @param value what the key has now
 * @param texts as the user wrote them; none to take the key out
 */
export function editsFor(
  { path, kind, name }: ConfigKey,
  { value, texts }: { readonly value: unknown; readonly texts: readonly string[] },
): readonly YamlEdit[] {
  const [text] = texts;
  if (text === undefined) return [{ path, value: undefined }];
  if (kind !== 'list') return [{ path, value: scalarOf(text, kind) }];
  const wanted = [...new Set(texts)];
  const old: readonly unknown[] = Array.isArray(value) ? value : [];
  const oldTexts = textsOf(old);
  const itemOf = (one: string): YamlItem =>
    name === 'additional_directories' ? { path: one } : one;
  const kept = oldTexts.filter((one) => wanted.includes(one));
  const added = wanted.filter((one) => !kept.includes(one));
  if (Bun.deepEquals([...kept, ...added], wanted)) {
    const gone = old.flatMap((_, i) => (wanted.includes(oldTexts[i] ?? '') ? [] : [i])).reverse();
    // The key stays where it is as long as its list is not empty.
    return [
      ...added.map((one) => ({ path, item: itemOf(one), isThere: true })),
      ...gone.map((i) => ({ path: [...path, i], value: undefined })),
    ];
  }
  const shared = Math.min(old.length, wanted.length);
  return [
    ...wanted.slice(0, shared).map((one, i) => ({
      path: [...path, i, ...(isJsonObject(old[i]) ? ['path'] : [])],
      value: one,
    })),
    ...wanted.slice(shared).map((one) => ({ path, item: itemOf(one), isThere: true })),
    ...old.slice(shared).map(() => ({ path: [...path, shared], value: undefined })),
  ];
}

function scalarOf(text: string, kind: ConfigKey['kind']): YamlScalar {
  if (kind === 'number' && /^-?\d+$/.test(text)) return Number(text);
  if (kind === 'flag' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

/**
 * Checks what the user wants to give a key, before it is written.
 * @returns what the user should know of it
 * @throws FinchError `USAGE` when it is nothing for this key or this system
 */
export function checkTexts(
  { path, kind }: ConfigKey,
  texts: readonly string[],
  host: HostSize,
): readonly string[] {
  const [text = ''] = texts;
  const end: unknown = kind === 'list' ? texts : scalarOf(text, kind);
  const value = path.reduceRight((inner: unknown, key) => ({ [key]: inner }), end);
  try {
    return machineSettings(finchYamlShape(value, []) ?? {}, host).notes;
  } catch (error) {
    if (!(error instanceof ConfigFault)) throw error;
    const { message, hint = 'see the keys and their values with: finch config list' } = error;
    throw new FinchError('USAGE', message, { hint });
  }
}
