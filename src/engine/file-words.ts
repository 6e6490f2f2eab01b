import {
  buildFlags,
  composeFlags,
  containerFlags,
  type GivenFlag,
  readFlags,
} from './nerdctl-flags.ts';
import { composeWords, writtenWords } from './written-words.ts';

/** What nerdctl always looks for files for, where it is. */
const WITH_FILES = new Set(['import', 'encrypt', 'decrypt', 'checkpoint']);

const VOLUME_NAME = /^[A-Za-z0-9][\w.-]*$/;

/** A path among the fields of an output, a secret or a cache. */
const RELATIVE_FIELD = /(?:^|,)"?(?:src|source|dest)=(?!\/|-(?:$|,))/i;

/** Whether what a command line says depends on the folder in which nerdctl works: some path in it may be relative. */
export function dependsOnFolder(words: readonly string[]): boolean {
  const { verb, args } = writtenWords(words);
  switch (verb) {
    case 'run':
    case 'create':
    case 'exec':
      return readFlags(args, containerFlags).flags.some(hasRelativePath);
    case 'build': {
      const { flags, places } = readFlags(args, buildFlags);
      const context = args[places[0] ?? -1] ?? '.';
      const isElsewhere = /^(?:\/|-$|git@)|:\/\//.test(context);
      return !isElsewhere || flags.some(hasRelativePath);
    }
    case 'compose':
      return isProjectHere(words);
    case 'cp':
      return args.some((word) => !/^[-/]|^[^.].*:/.test(word));
    case 'export':
      return args.some((word) => /^-o|^--output/.test(word));
    default:
      return WITH_FILES.has(verb);
  }
}

const PROJECT_FILES = new Set(['f', 'file', 'project-directory', 'env-file']);

/** A project is where its first file is, or else where nerdctl works. */
function isProjectHere(words: readonly string[]): boolean {
  const { project, verb, args } = composeWords(words);
  const paths = readFlags(project.slice(1), composeFlags).flags.filter(({ name }) =>
    PROJECT_FILES.has(name),
  );
  const isNamed = paths.some(({ name }) => name !== 'env-file');
  if (!isNamed || paths.some(({ value = '' }) => !value.startsWith('/'))) return true;
  if (verb === 'run') return readFlags(args, containerFlags).flags.some(hasRelativePath);
  return verb === 'cp';
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
    case 'f':
    case 'file':
      return value !== '-' && !value.startsWith('/');
    case 'secret':
      // Without a place it is a variable or else a file by the name of its id.
      return RELATIVE_FIELD.test(value) || !/(?:^|,)"?(?:src|source|env)=/i.test(value);
    case 'cache-from':
    case 'cache-to':
      return RELATIVE_FIELD.test(value);
    case 'o':
    case 'output':
      return value.includes('=') ? RELATIVE_FIELD.test(value) : !/^(?:\/|-$)/.test(value);
    case 'build-context':
      return /^[^=]*(?:$|=(?!\/|target:|(?!oci-layout:)[\w-]+:\/\/|oci-layout:\/\/\/))/.test(value);
    case 'ssh':
      return /[=,](?!\/)/.test(value);
    case 'iidfile':
    case 'cidfile':
    case 'pidfile':
      return !value.startsWith('/');
    default:
      return false;
  }
}
