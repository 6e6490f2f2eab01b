/** What of a command line its flags are. */
export interface GivenFlag {
  readonly name: string;
  /** Undefined for a switch, and for a flag that ends the line before its value. */
  readonly value: string | undefined;
  /** Which word it begins in, and how many words it has with its value. */
  readonly at: number;
  readonly length: number;
}

/** How nerdctl's parser reads the flags of a command. */
export interface FlagRules {
  /** Long flags that take no value from the next word; global ones are known. */
  readonly switches: ReadonlySet<string>;
  /** The short ones among them, each a letter. */
  readonly letters: string;
  /** Whether all from the first word that is no flag on is for somebody else, as for the program in a container. */
  readonly endsAtWord: boolean;
}

/** What a command line consists of. */
export interface GivenWords {
  readonly flags: readonly GivenFlag[];
  /** The places of the words that are no flags. */
  readonly places: readonly number[];
}

const GLOBAL_SWITCHES = ['debug', 'debug-full', 'insecure-registry', 'experimental'];

const switches = (...names: readonly string[]) =>
  new Set([...GLOBAL_SWITCHES, 'kube-hide-dupe', 'help', ...names]);

/** `nerdctl build`. */
export const buildFlags: FlagRules = {
  switches: switches('no-cache', 'pull', 'quiet', 'rm'),
  letters: 'qh',
  endsAtWord: false,
};

/** `nerdctl run`, `create` and `exec`. */
export const containerFlags: FlagRules = {
  switches: switches(
    ...['detach', 'tty', 'interactive', 'sig-proxy', 'rm', 'quiet', 'init', 'oom-kill-disable'],
    ...['privileged', 'read-only', 'rootfs', 'no-healthcheck'],
  ),
  letters: 'dtiq',
  endsAtWord: true,
};

/** `nerdctl compose`, before the word that says what to do. */
export const composeFlags: FlagRules = { switches: switches(), letters: 'h', endsAtWord: true };

/** The flags of a command line, as nerdctl's parser reads them. https://github.com/spf13/pflag/tree/v1.0.10 */
export function readFlags(args: readonly string[], rules: FlagRules): GivenWords {
  const flags: GivenFlag[] = [];
  const places: number[] = [];
  for (let i = 0; i < args.length; i++) {
    const word = args[i] ?? '';
    if (word === '--' || (rules.endsAtWord && !isFlag(word))) {
      const from = word === '--' ? i + 1 : i;
      places.push(...args.slice(from).map((_, k) => from + k));
      break;
    }
    if (!isFlag(word)) {
      places.push(i);
      continue;
    }
    const found = word.startsWith('--') ? [longFlag(word, rules)] : shortFlags(word, rules);
    for (const { name, value, takesNext } of found) {
      const next = takesNext ? args[i + 1] : value;
      flags.push({ name, value: next, at: i, length: takesNext && next !== undefined ? 2 : 1 });
    }
    if (found.at(-1)?.takesNext) i++;
  }
  return { flags, places };
}

interface Found {
  readonly name: string;
  readonly value: string | undefined;
  readonly takesNext: boolean;
}

function isFlag(word: string): boolean {
  return word.startsWith('-') && word !== '-';
}

function longFlag(word: string, { switches }: FlagRules): Found {
  const at = word.indexOf('=');
  if (at !== -1) return { name: word.slice(2, at), value: word.slice(at + 1), takesNext: false };
  const name = word.slice(2);
  return { name, value: undefined, takesNext: !switches.has(name) };
}

/** The letters of `-itv=VALUE`, `-itvVALUE` or `-itv`. */
function shortFlags(word: string, { letters }: FlagRules): readonly Found[] {
  const found: Found[] = [];
  for (let at = 1; at < word.length; at++) {
    const name = word[at] ?? '';
    const rest = word.slice(at + 1);
    const value = rest.startsWith('=') ? rest.slice(1) : rest;
    if (letters.includes(name) && value === rest) {
      found.push({ name, value: undefined, takesNext: false });
      continue;
    }
    const isLast = rest === '';
    return [...found, { name, value: isLast ? undefined : value, takesNext: isLast }];
  }
  return found;
}
