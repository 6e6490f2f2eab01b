/** More than any Dockerfile has. */
const MAX_NAMES = 100;
/** More than the name of an image has. */
const MAX_VALUE = 512;

const ARGUMENT = /^(\w+)(?:=(.*))?$/s;
/** By what it ends with: a line that goes on. */
const CONTINUED = { '\\': /(?:^|[^\\])\\[ \t]*$/, '`': /(?:^|[^`])`[ \t]*$/ };
const VARIABLE = /\$(?:(\w+)|\{(\w+)(?::?([-+])([^{}$]*))?\})/g;

/**
 * The images that the text of a Dockerfile may be built on, as they are written there, with the build arguments
 * that stand before the first of them. Names of stages may be among them.
 * https://docs.docker.com/reference/dockerfile/#from
 * @param given the values of arguments that count in place of those in the text
 */
export function baseImages(
  dockerfile: string,
  given: ReadonlyMap<string, string> = new Map(),
): readonly string[] {
  const values = new Map<string, string>();
  const names = new Set<string>();
  let isBelowFrom = false;
  for (const line of joinedLines(dockerfile)) {
    const [instruction = '', ...words] = line.trim().split(/\s+/);
    switch (instruction.toUpperCase()) {
      case 'ARG':
        if (!isBelowFrom) for (const word of words) declare(word);
        break;
      case 'FROM': {
        isBelowFrom = true;
        const written = words.find((word) => !word.startsWith('--'))?.split(',', 1)[0];
        if (written !== undefined) names.add(withValues(written, values));
        break;
      }
      case 'COPY':
      case 'RUN':
        for (const name of sourcesIn(words)) names.add(name);
        break;
      default:
    }
  }
  return [...names].filter((name) => name !== '' && !name.includes('$')).slice(0, MAX_NAMES);

  function declare(word: string): void {
    const [, name = '', standard] = ARGUMENT.exec(word) ?? [];
    const value = given.get(name) ?? (standard && withValues(standard, values));
    if (value !== undefined) values.set(name, value);
  }
}

/**
 * The lines of a Dockerfile, each with those that continue it. Comments and empty lines between do not end it.
 * https://docs.docker.com/reference/dockerfile/#escape
 */
function joinedLines(dockerfile: string): readonly string[] {
  const lines = dockerfile.split(/\r?\n/);
  const continued = CONTINUED[escapeIn(lines)];
  const joined: string[] = [];
  let pieces: string[] = [];
  for (const line of lines) {
    if (/^\s*(?:#|$)/.test(line)) continue;
    const more = continued.test(line);
    pieces.push(more ? line.trimEnd().slice(0, -1) : line);
    if (more) continue;
    joined.push(pieces.join(''));
    pieces = [];
  }
  return [...joined, pieces.join('')];
}

/** What ends a line that goes on, as the directives say with which the text begins. */
function escapeIn(lines: readonly string[]): keyof typeof CONTINUED {
  for (const line of lines) {
    const [, name, value] = /^\s*#\s*(\w+)\s*=(.*)$/.exec(line) ?? [];
    if (name === undefined) break;
    if (name.toLowerCase() === 'escape') return value?.trim() === '`' ? '`' : '\\';
  }
  return '\\';
}

function withValues(written: string, values: ReadonlyMap<string, string>): string {
  const text = written.slice(0, MAX_VALUE).replace(/^(["'])(.*)\1$/s, '$2');
  const value = text.replace(VARIABLE, (whole, short, long, sign, other) => {
    const known = values.get(short ?? long);
    if (sign === '+') return known ? other : '';
    return (sign === '-' ? known || other : known) ?? whole;
  });
  return value.slice(0, MAX_VALUE);
}

/** The images of `from=IMAGE` as it is in `--from=` and in the parts of `--mount=`. */
function sourcesIn(words: readonly string[]): readonly string[] {
  const parts = words.flatMap((word) => (word.startsWith('--') ? word.slice(2).split(',') : []));
  return parts.flatMap((part) => (part.startsWith('from=') ? [part.slice('from='.length)] : []));
}
