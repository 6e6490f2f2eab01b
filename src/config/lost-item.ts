import { isMap, isScalar, Scalar } from 'yaml';
import { quote } from '../text.ts';
import type { ParsedYaml } from './parse-yaml.ts';
import { invalidConfig } from './text-file.ts';

/** An item of a list, and the key that the list belongs to. */
interface ListItem {
  readonly key: string;
  readonly item: string;
}

/**
 * Refuses a document in which an item of a list became part of the text before it, because the line with the list's
 * key is missing: `memory: 4GiB`, with `- ecr-login` indented in the next line, is one text in YAML.
 * @throws FinchError `CONFIG_INVALID` with line and column of the item
 */
export function refuseLostItem(
  { document, source, placeAt }: ParsedYaml,
  { key, item }: ListItem,
): void {
  const root = document.contents;
  for (const { key: name, value } of isMap(root) ? root.items : []) {
    if (!isScalar(value) || value.type !== Scalar.PLAIN || !value.range) continue;
    const [start, end] = value.range;
    const lines = source.slice(start, end).split('\n');
    const i = lines.findIndex((line, n) => n > 0 && line.trim() === `- ${item}`);
    if (i === -1) continue;
    const before = lines.slice(0, i).join('\n').length + 1;
    const place = placeAt(start + before + (lines[i] ?? '').indexOf('-'));
    const owner = isScalar(name) ? quote(String(name.value)) : 'a key';
    throw invalidConfig(`${place}: "- ${item}" belongs to the text of ${owner} here`, {
      hint: `put the line ${key}: before it, and run this again`,
    });
  }
}
