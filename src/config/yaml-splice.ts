import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { ConfigPath } from './config-value.ts';
import { withoutFlowEntry } from './yaml-flow.ts';
import {
  afterLine,
  columnOf,
  endOf,
  isEmpty,
  isJson,
  quotesOf,
  startOf,
  unitsOf,
  type YamlUnits,
} from './yaml-layout.ts';
import {
  blockLines,
  type FlowStyle,
  flowText,
  itemText,
  nestedValue,
  type YamlItem,
  type YamlLeaf,
  type YamlScalar,
} from './yaml-text.ts';

/**
 * One change of a YAML document: a path leads to a value from now on, or a list holds an item. A value that is
 * undefined, and an item that `isThere` no more, are removed, with the lists and maps on the way that are empty
 * then.
 */
export type YamlEdit =
  | { readonly path: ConfigPath; readonly value: YamlScalar | undefined }
  | { readonly path: ConfigPath; readonly item: YamlItem; readonly isThere: boolean };

/** The line behind which a document says nothing more. */
const DOCUMENT_END = /^\.\.\.(?=\s|$)/m;

/** A text, and how it is laid out. */
interface Source extends YamlUnits, FlowStyle {
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
    quotes: isJson(document) ? ('QUOTE_DOUBLE' as const) : undefined,
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
  path: ConfigPath,
  leaf: YamlLeaf,
): string | undefined {
  const root = document.contents;
  if (root === null || isEmpty(root)) {
    const lines = blockLines(source, path, leaf, 0);
    const end = source.text.search(DOCUMENT_END);
    if (end === -1) return insertLines(source, source.text.length, lines);
    return replace(source, end, end, [...lines, ''].join(source.newline));
  }
  if (isScalar(root) && root.value === null) {
    const [start = 0, end = 0] = root.range ?? [];
    return replace(source, start, end, flowText(nestedValue(path, leaf), source));
  }
  let node = root;
  for (const [i, key] of path.entries()) {
    const rest = path.slice(i + 1);
    if (isSeq(node) && typeof key === 'number') {
      const item = node.items[key];
      if (!isNode(item)) return undefined;
      if (rest.length === 0) return atLeaf(source, item, leaf);
      node = item;
      continue;
    }
    if (!isMap(node)) return undefined;
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
        return replace(source, at, at, ` ${flowText(nestedValue(rest, leaf), source)}`);
      }
      const column = columnOf(source.text, keyNode.range[0]);
      const lines = blockLines(source, [key, ...rest], leaf, column).slice(1);
      return insertLines(source, endOf(value), lines);
    }
    const [start, end] = value.range;
    if (isScalar(value) && value.value === null) {
      return replace(source, start, end, flowText(nestedValue(rest, leaf), source));
    }
    if (isAlias(value) && rest.length === 0 && 'item' in leaf) {
      // What stands elsewhere stays as it is.
      const list: unknown = value.toJS(document);
      return Array.isArray(list)
        ? replace(source, start, end, flowText([...list, leaf.item], source))
        : undefined;
    }
    if (rest.length === 0) return atLeaf(source, value, leaf);
    node = value;
  }
  return undefined;
}

/** The value at the end of the path is there, and is replaced or gets one more item. */
function atLeaf(source: Source, node: Node, leaf: YamlLeaf): string | undefined {
  const [start = 0, end = 0] = node.range ?? [];
  if ('value' in leaf) {
    // What an alias names stays as it is.
    const isSingle = isScalar(node) || isAlias(node);
    const isShort = isSingle && !source.text.slice(start, end).includes('\n');
    const quotes = isScalar(node) ? quotesOf(node) : undefined;
    const by = flowText(leaf.value, quotes === undefined ? source : { quotes });
    return isShort ? replace(source, start, end, by) : undefined;
  }
  if (!isSeq(node)) return undefined;
  const last = node.items.at(-1);
  // Behind the bracket, before what may be noted there.
  if (!isNode(last)) return replace(source, start + 1, start + 1, flowText(leaf.item, source));
  const at = endOf(last);
  if (node.flow) return replace(source, at, at, `, ${flowText(leaf.item, source)}`);
  const dash = ' '.repeat(columnOf(source.text, start));
  return insertLines(source, at, [`${dash}- ${itemText(leaf.item)}`]);
}

/** A map gets one more entry, the last. */
function intoMap(
  source: Source,
  map: YAMLMap,
  path: ConfigPath,
  leaf: YamlLeaf,
): string | undefined {
  const [start = 0] = map.range ?? [];
  const last = map.items.at(-1);
  const [key = '', ...rest] = path;
  if (map.flow) {
    const entry = flowText({ [key]: nestedValue(rest, leaf) }, source).slice(1, -1);
    if (last === undefined) return replace(source, start + 1, start + 1, entry);
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
  if (container.flow) return withoutFlowEntry(source.text, step);
  const item = container.items[index];
  const start = startOf(item);
  const end = endOf(item);
  const first = isSeq(container) ? source.text.lastIndexOf('-', start - 1) : start;
  const lineStart = first - columnOf(source.text, first);
  if (source.text.slice(lineStart, first).trim() !== '') return undefined;
  const next = afterLine(source.text, end);
  const isLast = next === source.text.length && !source.text.endsWith('\n');
  // A text without a final line end has none afterwards.
  const from = isLast ? source.text.slice(0, lineStart).replace(/\r?\n$/, '').length : lineStart;
  return replace(source, from, next, '');
}

function stepsTo(document: Document, path: ConfigPath, item?: YamlItem): readonly Step[] {
  const steps: Step[] = [];
  let node: unknown = document.contents;
  for (const key of path) {
    const step = stepInto(node, key);
    if (step === undefined) return [];
    steps.push(step);
    const entry = step.container.items[step.index];
    node = isPair(entry) ? entry.value : entry;
  }
  if (item === undefined) return steps;
  if (!isSeq(node)) return [];
  const isItem = (entry: unknown) => isNode(entry) && Bun.deepEquals(entry.toJS(document), item);
  const index = node.items.findIndex(isItem);
  return index === -1 ? [] : [...steps, { container: node, index }];
}

function stepInto(node: unknown, key: string | number): Step | undefined {
  if (isSeq(node) && typeof key === 'number') return { container: node, index: key };
  if (!isMap(node)) return undefined;
  const index = node.items.findIndex((pair) => isScalar(pair.key) && pair.key.value === key);
  return index === -1 ? undefined : { container: node, index };
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
