import {
  type Document,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Node,
  Scalar,
  visit,
} from 'yaml';

/** By how many spaces a map is indented more than the key that it belongs to, and a list. */
export interface YamlUnits {
  readonly unit: number;
  readonly listUnit: number;
}

/** Where the line behind `at` begins. What ends with a line end is a whole line already. */
export function afterLine(text: string, at: number): number {
  if (at > 0 && text[at - 1] === '\n') return at;
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end + 1;
}

/** How many characters stand before `at` in its line. */
export function columnOf(text: string, at: number): number {
  return at - (text.lastIndexOf('\n', at - 1) + 1);
}

/** Whether nothing is written where the value would be. */
export function isEmpty(node: Node): boolean {
  return isScalar(node) && node.value === null && node.range?.[0] === node.range?.[1];
}

/** Where an entry of a list or map begins. */
export function startOf(item: unknown): number {
  const node = isPair(item) ? item.key : item;
  return (isNode(node) && node.range?.[0]) || 0;
}

/** Behind the last character of a value, before the comment that may follow it. */
export function endOf(item: unknown): number {
  if (isPair(item)) return endOf(item.value ?? item.key);
  if ((isMap(item) || isSeq(item)) && !item.flow && item.items.length > 0) {
    return endOf(item.items.at(-1));
  }
  return (isNode(item) && item.range?.[1]) || 0;
}

/** How the document is indented: as its first map, and its first list, below a key. */
export function unitsOf(text: string, document: Document): YamlUnits {
  let unit: number | undefined;
  let listUnit: number | undefined;
  visit(document, {
    Pair(_, { key, value }) {
      if (!isNode(key) || !key.range || (!isMap(value) && !isSeq(value))) return;
      if (value.flow || !value.range) return;
      const depth = columnOf(text, value.range[0]) - columnOf(text, key.range[0]);
      // An empty key stands where its value ends.
      if (depth < 0) return;
      if (isMap(value)) unit ??= depth;
      else listUnit ??= depth;
    },
  });
  return { unit: unit || 2, listUnit: listUnit ?? unit ?? 2 };
}

/** The quotes of a text; undefined when it has none. */
export function quotesOf({ type }: Scalar): 'QUOTE_DOUBLE' | 'QUOTE_SINGLE' | undefined {
  return type === Scalar.QUOTE_DOUBLE || type === Scalar.QUOTE_SINGLE ? type : undefined;
}

/** Whether a document looks like JSON: other programs may read it as such. */
export function isJson({ contents }: Document): boolean {
  return (
    isMap(contents) &&
    contents.flow === true &&
    contents.items.length > 0 &&
    contents.items.every(({ key }) => isScalar(key) && key.type === Scalar.QUOTE_DOUBLE)
  );
}
