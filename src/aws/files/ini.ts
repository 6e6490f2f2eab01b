import { FinchError } from '../../errors.ts';

/** The settings of one section: names in lower case, values without the white space around them. */
export type Settings = ReadonlyMap<string, string>;

/**
 * The sections of a configuration file of AWS by what stands in their brackets. The grammar is that of the AWS
 * CLI (Python's `configparser`): `=` or `:` behind a name, whole lines that begin with `#` or `;` are comments, a line that
 * is indented deeper than the setting above it continues it, quotes belong to the value. Two sections of one name are
 * one, and of two settings of one name the last counts; there the AWS CLI gives up. What stands in `[DEFAULT]` counts in every
 * section that does not say otherwise; it is none itself.
 * https://docs.python.org/3.11/library/configparser.html#supported-ini-file-structure
 * @param path for messages
 * @throws FinchError `AWS_IDENTITY` with the number of the line; never with what stands in it, which may be a secret
 */
export function parseIni(
  text: string,
  { path }: { readonly path: string },
): ReadonlyMap<string, Settings> {
  const sections = new Map<string, Map<string, string[]>>();
  let section: Map<string, string[]> | undefined;
  let value: string[] | undefined;
  let indent = 0;
  for (const [index, line] of text.split(/\r\n|\n|\r/).entries()) {
    const content = line.trim();
    if (content === '') value?.push('');
    if (content === '' || content.startsWith('#') || content.startsWith(';')) continue;
    const depth = line.search(/\S/);
    if (value !== undefined && depth > indent) {
      value.push(content);
      continue;
    }
    indent = depth;
    const end = content.startsWith('[') ? content.lastIndexOf(']') : 0;
    if (end > 1) {
      const name = content.slice(1, end).trim();
      section = sections.get(name) ?? new Map();
      sections.set(name, section);
      value = undefined;
      continue;
    }
    if (section === undefined) throw unusableLine(path, index + 1, 'stands before any [section]');
    const equals = content.search(/[=:]/);
    if (equals < 1) throw unusableLine(path, index + 1, 'is no NAME = VALUE');
    value = [content.slice(equals + 1).trim()];
    section.set(content.slice(0, equals).trim().toLowerCase(), value);
  }
  const defaults = sections.get('DEFAULT') ?? [];
  sections.delete('DEFAULT');
  return new Map(
    [...sections].map(([name, settings]) => [name, joined(new Map([...defaults, ...settings]))]),
  );
}

function joined(settings: ReadonlyMap<string, readonly string[]>): Settings {
  return new Map([...settings].map(([name, lines]) => [name, lines.join('\n').trimEnd()]));
}

/**
 * The settings within a setting, which stand indented below its name: `ecr =` of a `[services x]` section. Empty
 * for a usual value; lines that are no `NAME = VALUE` do not count.
 */
export function nestedSettings(value: string): Settings {
  const settings = new Map<string, string>();
  if (!value.startsWith('\n')) return settings;
  for (const line of value.split('\n')) {
    const equals = line.indexOf('=');
    if (equals > 0) settings.set(line.slice(0, equals).trim(), line.slice(equals + 1).trim());
  }
  return settings;
}

function unusableLine(path: string, line: number, why: string): FinchError {
  return new FinchError('AWS_IDENTITY', `line ${line} of ${path} ${why}`, {
    hint: `correct line ${line} of ${path}`,
  });
}
