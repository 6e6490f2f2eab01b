import { type CompletedShell, completedShells } from '../commands/command.ts';
import { commands } from '../commands/index.ts';
import { nerdctlCommands } from '../engine/nerdctl-commands.ts';

/** What may follow the words of a command, by those words. */
type Followers = ReadonlyMap<string, ReadonlySet<string>>;

/** The script by which a shell completes the words of all commands. */
export function completionScript(shell: CompletedShell): readonly string[] {
  const followers = followersOf();
  switch (shell) {
    case 'bash':
      return bashScript(followers);
    case 'zsh':
      return ['autoload -U +X bashcompinit && bashcompinit', ...bashScript(followers)];
    case 'fish':
      return fishScript(followers);
    default:
      return shell satisfies never;
  }
}

function followersOf(): Followers {
  const own = commands.filter(({ isHidden }) => !isHidden).flatMap(({ paths }) => paths);
  const followers = new Map([['completion', new Set<string>(completedShells)]]);
  for (const path of ['help', ...own, ...nerdctlCommands.map((other) => other.path)]) {
    const words = path.split(' ');
    for (const [i, word] of words.entries()) {
      const before = words.slice(0, i).join(' ');
      followers.set(before, (followers.get(before) ?? new Set()).add(word));
    }
  }
  return followers;
}

/** Words that stand before and between those of a command are left out, and so is `help`, which any may follow. */
function bashScript(followers: Followers): readonly string[] {
  return [
    '_finch() {',
    `  local IFS=$' \\n' word before= words`,
    `  for word in "$\{COMP_WORDS[@]:1:COMP_CWORD-1}"; do`,
    `    [[ $word == --debug || ( -z $before && $word == help ) ]] || before+="$\{before:+ }$word"`,
    '  done',
    '  case "$before" in',
    ...[...followers].map(([path, words]) => `  '${path}') words='${[...words].join(' ')}' ;;`),
    '  *) return ;;',
    '  esac',
    `  COMPREPLY=($(compgen -W "$words" -- "$\{COMP_WORDS[COMP_CWORD]}"))`,
    '}',
    'complete -o default -F _finch finch',
  ];
}

function fishScript(followers: Followers): readonly string[] {
  return [
    'function __finch_words',
    '  commandline -opc | string match -v -- --debug | string join " " | string replace -r "^finch help(?= |\\$)" finch',
    'end',
    ...[...followers].map(
      ([path, words]) =>
        `complete -c finch -n 'test (__finch_words) = "${`finch ${path}`.trim()}"' -f -a '${[...words].join(' ')}'`,
    ),
  ];
}
