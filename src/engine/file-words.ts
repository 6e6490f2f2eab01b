import { containerFlags, type GivenFlag, readFlags } from './nerdctl-flags.ts';
import { writtenWords } from './written-words.ts';

/** What nerdctl always looks for files for, where it is. */
const WITH_FILES = new Set(['build', 'compose', 'import', 'encrypt', 'decrypt', 'checkpoint']);

const VOLUME_NAME = /^[A-Za-z0-9][\w.-]*$/;

/** Whether what a command line says depends on the folder in which nerdctl works: some path in it may be relative. */
export function dependsOnFolder(words: readonly string[]): boolean {
  const { verb, args } = writtenWords(words);
  switch (verb) {
    case 'run':
    case 'create':
    case 'exec':
      return readFlags(args, containerFlags).flags.some(hasRelativePath);
    case 'cp':
      return args.some((word) => !/^[-/]|:/.test(word));
    case 'export':
      return args.some((word) => /^-o|^--output/.test(word));
    default:
      return WITH_FILES.has(verb);
  }
}

/** https://github.com/containerd/nerdctl/blob/v2.2.2/pkg/mountutil/mountutil.go */
function hasRelativePath({ name, value = '' }: GivenFlag): boolean {
  switch (name) {
    case 'v':
    case 'volume': {
      const [source = '', target] = value.split(':');
      return target !== undefined && !source.startsWith('/') && !VOLUME_NAME.test(source);
    }
    case 'mount':
      return /(?:^|,)type=bind(?:,|$)/.test(value) && /(?:^|,)(?:src|source)=(?!\/)/.test(value);
    case 'security-opt':
      return /^seccomp=(?!\/|unconfined$)/.test(value);
    case 'env-file':
    case 'label-file':
      return value.split(',').some((path) => !path.startsWith('/'));
    case 'cidfile':
    case 'pidfile':
      return !value.startsWith('/');
    default:
      return false;
  }
}
