import { isMap, isNode, isScalar } from 'yaml';
import { parseYaml } from './parse-yaml.ts';
import { endOf } from './yaml-layout.ts';

/**
 * A YAML text with `…` for the values of all its uppermost keys but those that may be shown: of the others nobody
 * knows what is secret.
 * @param text what was read as YAML before
 */
export function maskedYaml(text: string, { shown }: { readonly shown: readonly string[] }): string {
  const { document, source } = parseYaml(text, '');
  const root = document.contents;
  let masked = '';
  let at = 0;
  for (const { key, value } of isMap(root) ? root.items : []) {
    if (isScalar(key) && shown.includes(String(key.value))) continue;
    const [start = 0] = (isNode(value) && value.range) || [];
    // A block of text ends behind its last line end.
    const end = start + source.slice(start, endOf(value)).trimEnd().length;
    if (end <= start) continue;
    masked += `${source.slice(at, start)}…`;
    at = end;
  }
  return masked + source.slice(at);
}
