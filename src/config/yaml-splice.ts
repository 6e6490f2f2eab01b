import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  stringify,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import {
  afterLine,
  columnOf,
  endOf,
  isEmpty,
  startOf,
  unitsOf,
  type YamlUnits,
} from './yaml-layout.ts';

/**
 * One change of a YAML document: a path leads to a text from now on, or a list holds an item. A value that is
 * undefined, and an item that `isThere` no more, are removed, with the lists and maps on the way that are empty
 * then.
 */
export type YamlEdit =
  | { readonly path: readonly string[]; readonly value: string | undefined }
  | { readonly path: readonly string[]; readonly item: string; readonly isThere: boolean };

/** The end of a path, and what is to be there. */
type Leaf = { readonly value: string } | { readonly item: string };

/** A text, and how it is laid out. */
interface Source extends YamlUnits {
  readonly text: string;
  readonly newline: string;
}

/** A list or map on the way to a value, and which of its entries leads there. */
interface Step {
  readonly container: YAMLMap | YAMLSeq;
  readonly index: number;
}

/**
 * The text with one piece inserted, replaced or removed; undefined where no such piece is known. Whether it says
 * the right thing, the caller finds out by reading it.
 * @param document what `text` was parsed to
 */
export function spliced(text: string, document: Document, edit: YamlEdit): string | undefined {
  const source = {
    text,
    newline: text.includes('\r\n') ? '\r\n' : '\n',
    ...unitsOf(text, document),
  };
  const { path } = edit;
  if ('value' in edit) {
    const { value } = edit;
    return value === undefined
      ? without(source, stepsTo(document, path))
      : withLeaf(source, document, path, { value });
  }
  const { item, isThere } = edit;
  return isThere
    ? withLeaf(source, document, path, { item })
    : without(source, stepsTo(document, path, item));
}

function withLeaf(
  source: Source,
  document: Document,
  path: readonly string[],
  leaf: Leaf,
): string | undefined {
  const root = document.contents;
  if (root === null || isEmpty(root)) {
    return insertLines(source, source.text.length, blockLines(source, path, leaf, 0));
  }
  let node = root;
  for (const [i, key] of path.entries()) {
    if (!isMap(node)) return undefined;
    const rest = path.slice(i + 1);
    const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key);
    if (pair === undefined) return intoMap(source, node, path.slice(i), leaf);
    const { key: keyNode, value } = pair;
    if (!isNode(keyNode) || !keyNode.range) return undefined;
    if (!isNode(value) || !value.range) return undefined;
    if (isEmpty(value)) {
      const colon = /^\s*:/.exec(source.text.slice(keyNode.range[1]))?.[0];
      if (colon === undefined) return undefined;
      const at = keyNode.range[1] + colon.length;
      if (node.flow || (rest.length === 0 && 'value' in leaf)) {
        return replace(source, at, at, ` ${flow(nested(rest, leaf))}`);
      }
      const column = columnOf(source.text, keyNode.range[0]);
      const lines = blockLines(source, [key, ...rest], leaf, column).slice(1);
      return insertLines(source, endOf(value), lines);
    }
    const [start, end] = value.range;
    if (isScalar(value) && value.value === null) {
      return replace(source, start, end, flow(nested(rest, leaf)));
    }
    if (isAlias(value) && rest.length === 0 && 'item' in leaf) {
      // What stands elsewhere stays as it is.
      const list: unknown = value.toJS(document);
      return Array.isArray(list)
        ? replace(source, start, end, flow([...list, leaf.item]))
        : undefined;
    }
    if (rest.length === 0) return atLeaf(source, value, leaf);
    node = value;
  }
  return undefined;
}

/** The value at the end of the path is there, and is replaced or gets one more item. */
function atLeaf(source: Source, node: Node, leaf: Leaf): string | undefined {
  const [start = 0, end = 0] = node.range ?? [];
  if ('value' in leaf) {
    const isShort = isScalar(node) && !source.text.slice(start, end).includes('\n');
    return isShort ? replace(source, start, end, scalar(leaf.value)) : undefined;
  }
  if (!isSeq(node)) return undefined;
  const last = node.items.at(-1);
  if (!isNode(last)) return replace(source, start, end, flow([leaf.item]));
  const at = endOf(last);
  if (node.flow) return replace(source, at, at, `, ${flow(leaf.item)}`);
  const dash = ' '.repeat(columnOf(source.text, start));
  return insertLines(source, at, [`${dash}- ${scalar(leaf.item)}`]);
}

/** A map gets one more entry, the last. */
function intoMap(
  source: Source,
  map: YAMLMap,
  path: readonly string[],
  leaf: Leaf,
): string | undefined {
  const [start = 0, end = 0] = map.range ?? [];
  const last = map.items.at(-1);
  const [key = '', ...rest] = path;
  if (map.flow) {
    const entry = flow({ [key]: nested(rest, leaf) }).slice(1, -1);
    if (last === undefined) return replace(source, start, end, `{${entry}}`);
    const at = endOf(last);
    return replace(source, at, at, `, ${entry}`);
  }
  if (last === undefined) return undefined;
  return insertLines(
    source,
    endOf(last),
    blockLines(source, path, leaf, columnOf(source.text, start)),
  );
}

function without(source: Source, steps: readonly Step[]): string | undefined {
  // Whatever would be empty goes as well.
  const kept = steps.findLastIndex(({ container }) => container.items.length > 1);
  const step = steps[Math.max(kept, 0)];
  if (step === undefined) return undefined;
  const { container, index } = step;
  const { items } = container;
  const item = items[index];
  const start = startOf(item);
  const end = endOf(item);
  if (container.flow) {
    if (items.length === 1) return replace(source, start, end, '');
    return index > 0
      ? replace(source, endOf(items[index - 1]), end, '')
      : replace(source, start, startOf(items[1]), '');
  }
  const first = isSeq(container) ? source.text.lastIndexOf('-', start - 1) : start;
  const lineStart = first - columnOf(source.text, first);
  if (source.text.slice(lineStart, first).trim() !== '') return undefined;
  const next = afterLine(source.text, end);
  const isLast = next === source.text.length && !source.text.endsWith('\n');
  // A text without a final line end has none afterwards.
  const from = isLast ? source.text.slice(0, lineStart).replace(/\r?\n$/, '').length : lineStart;
  return replace(source, from, next, '');
}

function stepsTo(document: Document, path: readonly string[], item?: string): readonly Step[] {
  const steps: Step[] = [];
  let node: unknown = document.contents;
  for (const key of path) {
    if (!isMap(node)) return [];
    const container = node;
    const index = container.items.findIndex((pair) => isScalar(pair.key) && pair.key.value === key);
    const pair = container.items[index];
    if (pair === undefined) return [];
    steps.push({ container, index });
    node = pair.value;
  }
  if (item === undefined) return steps;
  if (!isSeq(node)) return [];
  const index = node.items.findIndex((entry) => isScalar(entry) && entry.value === item);
  return index === -1 ? [] : [...steps, { container: node, index }];
}

/** The lines of a path and what it leads to, as block style has them. */
function blockLines(
  units: YamlUnits,
  [key = '', ...rest]: readonly string[],
  leaf: Leaf,
  column: number,
): readonly string[] {
  const name = `${' '.repeat(column)}${scalar(key)}:`;
  if (rest.length > 0) {
    return [name, ...blockLines(units, rest, leaf, column + units.unit)];
  }
  if ('value' in leaf) return [`${name} ${scalar(leaf.value)}`];
  return [name, `${' '.repeat(column + units.listUnit)}- ${scalar(leaf.item)}`];
}

function nested(path: readonly string[], leaf: Leaf): unknown {
  const end: unknown = 'value' in leaf ? leaf.value : [leaf.item];
  return path.reduceRight((inner, key) => ({ [key]: inner }), end);
}

function scalar(text: string): string {
  return text.includes('\n') ? JSON.stringify(text) : stringify(text, { lineWidth: 0 }).trimEnd();
}

function flow(value: unknown): string {
  const options = { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 } as const;
  if (typeof value === 'string') return flow([value]).slice(1, -1);
  return stringify(value, options).trimEnd();
}

/** Inserts whole lines behind the line in which `end` is. */
function insertLines(source: Source, end: number, lines: readonly string[]): string {
  const { text, newline } = source;
  const at = afterLine(text, end);
  const isOpen = at === text.length && text !== '' && !text.endsWith('\n');
  const block = lines.join(newline);
  return replace(source, at, at, isOpen ? newline + block : block + newline);
}

function replace({ text }: Source, start: number, end: number, by: string): string {
  return text.slice(0, start) + by + text.slice(end);
}
