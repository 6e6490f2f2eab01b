import { composeFlags, containerFlags, readFlags } from './nerdctl-flags.ts';

/** A command line of nerdctl's. */
export interface WrittenWords {
  /** What is to be done, whether or not the group that it belongs to is named: `run` of `container run`. */
  readonly verb: string;
  /** The group that is named. */
  readonly group: string | undefined;
  /** What stands behind. */
  readonly args: readonly string[];
  /** How many words stand before {@link args}. */
  readonly at: number;
}

const GROUPS = new Set(['builder', 'container', 'image']);

/** What the words of a command line are. */
export function writtenWords(words: readonly string[]): WrittenWords {
  const [first = '', second = ''] = words;
  const at = GROUPS.has(first) ? 2 : 1;
  const group = at === 2 ? first : undefined;
  return { verb: group === undefined ? first : second, group, args: words.slice(at), at };
}

/** The words of `compose` up to the one that says what to do, that word, and the words behind it. */
export function composeWords(words: readonly string[]) {
  const { places } = readFlags(words.slice(1), composeFlags);
  const at = (places[0] ?? words.length - 1) + 1;
  return { project: words.slice(0, at), verb: words[at] ?? '', args: words.slice(at + 1) };
}

/** Whether the user wants images as registries have them now, and not those that are at hand. */
export function wantsRegistries(words: readonly string[]): boolean {
  const { verb, args } = writtenWords(words);
  if (verb === 'run' || verb === 'create') {
    const { flags } = readFlags(args, containerFlags);
    return flags.findLast(({ name }) => name === 'pull')?.value === 'always';
  }
  if (verb !== 'compose') return false;
  const compose = composeWords(words);
  return (
    compose.verb === 'pull' || /(?:^|\n)--pull[=\n]always(?:\n|$)/.test(compose.args.join('\n'))
  );
}
