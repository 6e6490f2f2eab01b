import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml';
import { excerpt, quote } from '../text.ts';
import type { ConfigPath } from './config-value.ts';
import { invalidConfig } from './text-file.ts';

/** A YAML text that has been read. */
export interface ParsedYaml {
  /** What it says: strings, numbers, lists, objects; null when it is empty. */
  readonly value: unknown;
  /** Its nodes, each with where it stands in the source. */
  readonly document: Document.Parsed;
  /** The text without a {@link BYTE_ORDER_MARK}: what the nodes' places count in. */
  readonly source: string;
  /** Where a place in the source is, for messages: `finch.yaml:3:7`. */
  placeAt(offset: number): string;
  /** Where the value of a path is, as {@link placeAt} says it. */
  placeOf(path: ConfigPath): string;
}

/** What editors of Windows begin a file with: it is no part of the YAML. */
export const BYTE_ORDER_MARK = /^\ufeff/;

/** Of so many maps others may consist: each of those may consist of some as well. */
const MAX_MERGES = 32;

/** So often a document may name what stands elsewhere in it, each time counted with what is named there. */
const MAX_ALIASES = 200;

/**
 * Reads a YAML text of one document, as version 1.2 has it, and `<<` besides: keys of another map that are keys of this
 * one. https://yaml.org/spec/1.2.2/ https://yaml.org/type/merge.html
 * @param file how messages name it
 * @throws FinchError `CONFIG_INVALID` with line and column
 */
export function parseYaml(text: string, file: string): ParsedYaml {
  const lineCounter = new LineCounter();
  const source = text.replace(BYTE_ORDER_MARK, '');
  const placeAt = (offset: number) => {
    const { line, col } = lineCounter.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  try {
    // The parser compares each key of a map with all others, which takes minutes for a long one.
    const options = { lineCounter, prettyErrors: false, uniqueKeys: false, merge: true } as const;
    const document = parseDocument(source, { ...options, logLevel: 'error' });
    const [fault] = document.errors;
    if (fault?.code === 'MULTIPLE_DOCS') {
      throw invalidConfig(
        `${placeAt(fault.pos[0])}: a second document begins, and there may be only one`,
      );
    }
    if (fault !== undefined) {
      const what = excerpt(fault.message).replace(/^./, (first) => first.toLowerCase());
      throw invalidConfig(`${placeAt(fault.pos[0])}: this is not YAML: ${what}`, { cause: fault });
    }
    let merges = 0;
    const anchors = new Map<string, Node>();
    const named = (node: unknown) => (isAlias(node) ? anchors.get(node.source) : node);
    const aliases = new Map<unknown, number>();
    visit(document, {
      Value(_, node) {
        if (node.anchor !== undefined) anchors.set(node.anchor, node);
        const twice = isMap(node) ? repeatedKey(node) : undefined;
        if (twice === undefined) return;
        throw invalidConfig(
          `${placeAt(twice.at)}: ${quote(twice.key)} stands here for a second time`,
        );
      },
      Pair(_, { key, value }) {
        if (!isScalar(key) || typeof key.value !== 'symbol') return;
        const sources: readonly unknown[] = isSeq(value) ? value.items : [value];
        merges += sources.length;
        const areMaps = sources.every((source) => isMap(named(source)));
        if (areMaps && merges <= MAX_MERGES) return;
        const what = areMaps ? 'stands here too often' : 'is for maps only';
        throw invalidConfig(`${placeAt(key.range?.[0] ?? 0)}: "<<" ${what}`);
      },
      Alias(_, alias, ancestors) {
        const target = named(alias);
        const fault = (what: string) =>
          invalidConfig(`${placeAt(alias.range?.[0] ?? 0)}: ${quote(alias.source)} ${what}`);
        if (target === undefined) throw fault('is the name of nothing that stands before it');
        const path: readonly unknown[] = ancestors;
        if (path.includes(target)) throw fault('holds itself');
        const more = 1 + (aliases.get(target) ?? 0);
        for (const node of path) {
          const count = (aliases.get(node) ?? 0) + more;
          if (count > MAX_ALIASES) throw fault('stands here too often, with all that it names');
          aliases.set(node, count);
        }
      },
    });
    const placeOf = (path: ConfigPath) => placeAt(offsetOf(document, path));
    // How many there are is known.
    return { value: document.toJS({ maxAliasCount: -1 }), document, source, placeAt, placeOf };
  } catch (error) {
    // Lists in lists without end.
    if (error instanceof RangeError)
      throw invalidConfig(`${file} is nested too deeply`, { cause: error });
    throw error;
  }
}

/** The first key of a map that it has twice, and where that is. */
function repeatedKey({
  items,
}: YAMLMap): { readonly key: string; readonly at: number } | undefined {
  const keys = new Set<unknown>();
  for (const { key } of items) {
    if (!isScalar(key)) continue;
    if (keys.has(key.value)) return { key: String(key.value), at: key.range?.[0] ?? 0 };
    keys.add(key.value);
  }
  return undefined;
}

/** Where the last part of a path begins that the document has. */
function offsetOf(document: Document.Parsed, path: ConfigPath): number {
  for (let length = path.length; length > 0; length--) {
    const node = nodeAt(document, path.slice(0, length));
    if (isNode(node) && node.range) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
}

function nodeAt(document: Document.Parsed, path: ConfigPath): unknown {
  let node: unknown = document.contents;
  for (const key of path) {
    if (!isMap(node) && !isSeq(node)) return undefined;
    node = node.get(key, true);
  }
  return node;
}
