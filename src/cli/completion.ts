import type { CompletedShell } from '../commands/command.ts';
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
      return [...followers].map(
        ([path, words]) =>
          `complete -c finch -n 'test (string join " " -- (commandline -opc)) = "${`finch ${path}`.trim()}"' -f -a '${[...words].join(' ')}'`,
      );
    default:
      return shell satisfies never;
  }
}

function followersOf(): Followers {
  const own = commands.filter(({ isHidden }) => !isHidden).flatMap(({ paths }) => paths);
  const followers = new Map<string, Set<string>>();
  for (const path of [...own, ...nerdctlCommands.map((other) => other.path)]) {
    const words = path.split(' ');
    for (const [i, word] of words.entries()) {
      const before = words.slice(0, i).join(' ');
      followers.set(before, (followers.get(before) ?? new Set()).add(word));
    }
  }
  return followers;
}

function bashScript(followers: Followers): readonly string[] {
  return [
    '_finch() {',
    '  local words',
    `  case "$\{COMP_WORDS[*]:1:COMP_CWORD-1}" in`,
    ...[...followers].map(([path, words]) => `  '${path}') words='${[...words].join(' ')}' ;;`),
    '  *) return ;;',
    '  esac',
    `  COMPREPLY=($(compgen -W "$words" -- "$\{COMP_WORDS[COMP_CWORD]}"))`,
    '}',
    'complete -o default -F _finch finch',
  ];
}
