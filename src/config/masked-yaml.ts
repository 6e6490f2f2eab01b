import { isMap, isNode, isScalar, type YAMLMap } from 'yaml';
import { parseYaml } from './parse-yaml.ts';
import { commentsIn, type Span } from './yaml-comments.ts';
import { endOf } from './yaml-layout.ts';

/**
 * A YAML text with `…` for its comments, and for the values of all its uppermost keys but those that may be
 * shown: of the others nobody knows what is secret.
 * @param text what was read as YAML before
 */
export function maskedYaml(text: string, { shown }: { readonly shown: readonly string[] }): string {
  const { document, source } = parseYaml(text, '');
  const root = document.contents;
  const values = isMap(root) ? hiddenValues(root, { source, shown }) : [];
  const hidden = [...values, ...notes(source)].sort(([a], [b]) => a - b);
  let masked = '';
  let at = 0;
  for (const [start, end] of hidden) {
    // Some comments are within a value.
    if (start < at) continue;
    masked += `${source.slice(at, start)}…`;
    at = end;
  }
  return masked + source.slice(at);
}

function hiddenValues(
  { items }: YAMLMap,
  { source, shown }: { readonly source: string; readonly shown: readonly string[] },
): readonly Span[] {
  return items.flatMap(({ key, value }): Span[] => {
    if (isScalar(key) && shown.includes(String(key.value))) return [];
    const [start = 0] = (isNode(value) && value.range) || [];
    // A block of text ends behind its last line end.
    const end = start + source.slice(start, endOf(value)).trimEnd().length;
    return end <= start ? [] : [[start, end]];
  });
}

/** What is noted down in a text, each behind its `#`. */
function notes(source: string): readonly Span[] {
  return commentsIn(source).flatMap(([start, end]): Span[] =>
    end - start > 1 ? [[start + 1, end]] : [],
  );
}
