import type { App } from '../app.ts';
import { buildFlags, readFlags } from '../engine/nerdctl-flags.ts';
import { writtenWords } from '../engine/written-words.ts';
import { FinchError } from '../errors.ts';

/** A command line of docker's as nerdctl understands it. */
export interface DockerWords {
  readonly words: readonly string[];
  /** The names of the image that is to be pushed when it is built; undefined when it is not. */
  readonly pushed?: readonly string[];
  /** Whether it is to be pushed, and is written to where the user says instead of becoming an image here. */
  readonly isElsewhere?: boolean;
  /** Whether it was one of `buildx`. */
  readonly isBuildx?: true;
}

/** What of a volume or a network `inspect` says under its own group. */
const INSPECTED = new Set(['volume', 'network']);

/**
 * Takes out of a command line what docker knows and nerdctl does not: `--load` and `--push` of a build, `--type
 * volume` of `inspect`, and `buildx`. Whether that may be done, {@link assertUnderstood} knows.
 * https://github.com/runfinch/finch/blob/v1.18.0/cmd/finch/nerdctl.go
 */
export function dockerWords(words: readonly string[]): DockerWords {
  if (words[0] === 'buildx') return { ...dockerWords(words.slice(1)), isBuildx: true };
  const { verb, args, at } = writtenWords(words);
  if (verb === 'build') return buildWords(words, at);
  const type = verb === 'inspect' && at === 1 ? typeIn(args) : undefined;
  if (type === undefined) return { words };
  const rest = args.filter((_, i) => i !== type.at && i !== type.at + type.length - 1);
  return { words: [type.value, 'inspect', ...rest] };
}

/**
 * That finch does what docker would: `buildx` where `finch.yaml` says `dockercompat: true`, and a push of what has a
 * name.
 * @throws FinchError `USAGE`, `CONFIG_INVALID`
 */
export async function assertUnderstood(
  app: App,
  { pushed, isBuildx, isElsewhere }: Omit<DockerWords, 'words'>,
): Promise<void> {
  if (isBuildx) {
    await requireDockerCompat(app);
    app.talk.note('buildx is not supported. using standard buildkit instead...');
  }
  if (isElsewhere) {
    throw new FinchError('USAGE', 'what --output writes elsewhere cannot be pushed', {
      hint: 'leave --push or --output out',
    });
  }
  if (pushed?.length !== 0) return;
  throw new FinchError('USAGE', 'an image without a name cannot be pushed', {
    hint: 'give it one with: --tag NAME',
  });
}

async function requireDockerCompat({ host }: App): Promise<void> {
  const { finchYamlPath, readFinchYaml } = await import('../config/finch-yaml.ts');
  const path = finchYamlPath(host.home);
  const { dockercompat } = await readFinchYaml(path, { only: ['dockercompat'] });
  if (dockercompat === true) return;
  throw new FinchError('USAGE', 'unknown command: buildx', {
    hint: 'build with: finch build; or have it understood with: finch config set dockercompat true',
  });
}

function buildWords(written: readonly string[], at: number): DockerWords {
  const { flags } = readFlags(written.slice(at), dockerBuildFlags);
  const own = flags.filter(({ name }) => OF_DOCKER.has(name));
  const places = new Set(own.map((flag) => at + flag.at));
  const words = written.filter((_, i) => !places.has(i));
  const push = own.findLast(({ name }) => name === 'push');
  if (push === undefined || /^(?:0|f|false)$/i.test(push.value ?? '')) return { words };
  const pushed = flags.flatMap(({ name, value }) =>
    (name === 't' || name === 'tag') && value !== undefined ? [value] : [],
  );
  return {
    words,
    pushed,
    isElsewhere: flags.some(({ name }) => name === 'output' || name === 'o'),
  };
}

const OF_DOCKER = new Set(['load', 'push']);
const dockerBuildFlags = {
  ...buildFlags,
  switches: new Set([...buildFlags.switches, ...OF_DOCKER]),
};

function typeIn(args: readonly string[]) {
  for (const [at, word] of args.entries()) {
    const length = word === '--type' ? 2 : 1;
    const value = length === 2 ? args[at + 1] : /^--type=(.*)$/.exec(word)?.[1];
    if (value !== undefined && INSPECTED.has(value)) return { at, length, value };
  }
  return undefined;
}
