import { stringify } from 'yaml';
import type { ConfigPath } from './config-value.ts';
import type { YamlUnits } from './yaml-layout.ts';

/** A single value. */
export type YamlScalar = string | number | boolean;

/** What may stand in a list. */
export type YamlItem = string | Readonly<Record<string, string>>;

/** The end of a path, and what is to be there. */
export type YamlLeaf = { readonly value: YamlScalar } | { readonly item: YamlItem };

/** A value as it stands behind a key in block style, in quotes where it would be something else without. */
function scalarText(value: YamlScalar): string {
  const isLong = typeof value === 'string' && value.includes('\n');
  return isLong ? JSON.stringify(value) : stringify(value, { lineWidth: 0 }).trimEnd();
}

/** How values look in flow style. */
export interface FlowStyle {
  /** Those of all texts, keys among them; undefined for quotes where a text would be something else without. */
  readonly quotes: 'QUOTE_DOUBLE' | 'QUOTE_SINGLE' | undefined;
}

/** A value as it stands in flow style: `[a, b]`, `{a: b}`. */
export function flowText(value: unknown, style: FlowStyle = { quotes: undefined }): string {
  // What a text may hold without quotes is less there.
  if (typeof value !== 'object') return flowText([value], style).slice(1, -1);
  const options = { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 } as const;
  const defaultStringType = style.quotes ?? 'PLAIN';
  return stringify(value, { ...options, defaultStringType }).trimEnd();
}

/** An item as it stands behind its `- `. */
export function itemText(item: YamlItem): string {
  return typeof item === 'string' ? scalarText(item) : flowText(item).slice(1, -1);
}

/** What leads along a path to a leaf, as a value. */
export function nestedValue(path: ConfigPath, leaf: YamlLeaf): unknown {
  const end: unknown = 'value' in leaf ? leaf.value : [leaf.item];
  return path.reduceRight((inner: unknown, key) => ({ [key]: inner }), end);
}

/** The lines of a path and what it leads to, as block style has them. */
export function blockLines(
  units: YamlUnits,
  [key = '', ...rest]: ConfigPath,
  leaf: YamlLeaf,
  column: number,
): readonly string[] {
  const name = `${' '.repeat(column)}${scalarText(key)}:`;
  if (rest.length > 0) return [name, ...blockLines(units, rest, leaf, column + units.unit)];
  if ('value' in leaf) return [`${name} ${scalarText(leaf.value)}`];
  return [name, `${' '.repeat(column + units.listUnit)}- ${itemText(leaf.item)}`];
}
