import { type Document, isMap, isNode, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import { excerpt, quote } from '../text.ts';
import type { ConfigPath } from './config-value.ts';
import { invalidConfig } from './text-file.ts';

/** A YAML text that has been read. */
export interface ParsedYaml {
  /** What it says: strings, numbers, lists, objects; null when it is empty. */
  readonly value: unknown;
  /** Its nodes, each with where it stands in the text. */
  readonly document: Document.Parsed;
  /** Where the value of a path is, for messages: `finch.yaml:3:7`. */
  placeOf(path: ConfigPath): string;
}

/**
 * Reads a YAML text of one document, as version 1.2 has it. https://yaml.org/spec/1.2.2/
 * @param file how messages name it
 * @throws FinchError `CONFIG_INVALID` with line and column
 */
export function parseYaml(text: string, file: string): ParsedYaml {
  const lineCounter = new LineCounter();
  const at = (offset: number) => {
    const { line, col } = lineCounter.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  try {
    const options = { lineCounter, prettyErrors: false, logLevel: 'error' } as const;
    const document = parseDocument(text, options);
    const [fault] = document.errors;
    if (fault !== undefined) {
      const what = excerpt(fault.message).replace(/^./, (first) => first.toLowerCase());
      throw invalidConfig(`${at(fault.pos[0])}: this is not YAML: ${what}`, fault);
    }
    visit(document, {
      Alias(_, alias, ancestors) {
        const named = alias.resolve(document);
        if (named === undefined || !ancestors.includes(named)) return;
        throw invalidConfig(`${at(alias.range?.[0] ?? 0)}: ${quote(alias.source)} holds itself`);
      },
    });
    const placeOf = (path: ConfigPath) => at(offsetOf(document, path));
    return { value: document.toJS(), document, placeOf };
  } catch (error) {
    // Lists in lists without end.
    if (error instanceof RangeError) throw invalidConfig(`${file} is nested too deeply`, error);
    // Aliases of aliases of aliases, or one of what is not there.
    if (error instanceof ReferenceError) {
      throw invalidConfig(`${file} cannot be read: ${excerpt(error.message)}`, error);
    }
    throw error;
  }
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
