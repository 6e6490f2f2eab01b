import { FinchError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../oci/json.ts';
import { excerpt } from '../text.ts';

/** In a file of more lines it is not worth it to search for the one that is broken. */
const MAX_SEARCHED_LINES = 1000;

/** The beginning of what the parser says: the kind of fault. What comes behind it may be a secret of the file. */
const KIND = /^(?:[a-z ,;/-]|'[=\]}]')*?(?= but found|[^a-z ,;/'-]|'(?![=\]}]')|$)/i;

/**
 * The table of a TOML text.
 * https://toml.io/en/v1.0.0
 * @param path names the file in the error
 * @throws FinchError `CONFIG_INVALID` with the line on which the broken statement begins; nothing of the text
 *   is in the message
 */
export function parseToml(text: string, path: string): JsonObject {
  const parsed = attempt(text);
  if ('table' in parsed) return parsed.table;
  const line = faultLine(text);
  const where = line === undefined ? '' : `, line ${line}`;
  throw new FinchError('CONFIG_INVALID', `${excerpt(path)}${where}: ${parsed.fault}`, {
    hint: 'correct the file, or look in another folder with --hosts-dir',
  });
}

/** The first line behind the longest run of lines, from the first on, that is TOML. The parser tells none. */
function faultLine(text: string): number | undefined {
  const lines = text.split('\n');
  if (lines.length > MAX_SEARCHED_LINES) return undefined;
  let good = lines.length - 1;
  while (good > 0 && 'fault' in attempt(`${lines.slice(0, good).join('\n')}\n`)) good -= 1;
  return good + 1;
}

function attempt(text: string): { readonly table: JsonObject } | { readonly fault: string } {
  try {
    const table: unknown = Bun.TOML.parse(text);
    return isJsonObject(table) ? { table } : { fault: 'is no table' };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const [kind = ''] = KIND.exec(message.replace(/^TOML Parse error: /, '')) ?? [];
    return { fault: kind.trim() || 'this is no TOML' };
  }
}
