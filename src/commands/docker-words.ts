import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import { buildFlags, readFlags } from '../engine/nerdctl-flags.ts';
import { writtenWords } from '../engine/written-words.ts';
import { FinchError } from '../errors.ts';

/** A command line of docker's as nerdctl understands it. */
export interface DockerWords {
  readonly words: readonly string[];
  /** The names of the image that is to be pushed when it is built. */
  readonly pushed: readonly string[];
}

/** What of a volume or a network `inspect` says under its own group. */
const INSPECTED = new Set(['volume', 'network']);

/**
 * Takes out of a command line what docker knows and nerdctl does not: `--load` and `--push` of a build, `--type
 * volume` of `inspect`, and where `finch.yaml` says `dockercompat: true`, `buildx build`.
 * https://github.com/runfinch/finch/blob/v1.18.0/cmd/finch/nerdctl.go
 * @throws FinchError `USAGE`, `CONFIG_INVALID`
 */
export async function dockerWords(app: App, words: readonly string[]): Promise<DockerWords> {
  if (words[0] === 'buildx') {
    await requireDockerCompat(app);
    app.talk.note('buildx is not supported. using standard buildkit instead...');
    return dockerWords(app, words.slice(1));
  }
  const { verb, args, at } = writtenWords(words);
  if (verb === 'build') return buildWords(words, at);
  const type = verb === 'inspect' && at === 1 ? typeIn(args) : undefined;
  if (type === undefined) return { words, pushed: [] };
  const rest = args.filter((_, i) => i !== type.at && i !== type.at + type.length - 1);
  return { words: [type.value, 'inspect', ...rest], pushed: [] };
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

function buildWords(words: readonly string[], at: number): DockerWords {
  const { flags } = readFlags(words.slice(at), dockerBuildFlags);
  const own = flags.filter(({ name, value }) => OF_DOCKER.has(name) && value === undefined);
  const places = new Set(own.map((flag) => at + flag.at));
  const isPushed = own.some(({ name }) => name === 'push');
  const names = flags.flatMap(({ name, value }) =>
    (name === 't' || name === 'tag') && value !== undefined ? [value] : [],
  );
  if (isPushed && names.length === 0) {
    throw new FinchError('USAGE', 'an image without a name cannot be pushed', {
      hint: 'give it one with: --tag NAME',
    });
  }
  return { words: words.filter((_, i) => !places.has(i)), pushed: isPushed ? names : [] };
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

/**
 * Pushes images that were built, one after the other.
 * @throws all that `finch push` throws
 */
export async function pushBuilt(
  app: App,
  names: readonly string[],
  { signal }: AbortOptions,
): Promise<void> {
  const { command } = await import('./push.ts');
  for (const name of names) {
    const invocation = {
      ...{ args: [name], on: () => false, text: () => undefined, list: () => [] },
      signal: signal ?? new AbortController().signal,
    };
    const result = await command.run(app, invocation);
    if (result.kind === 'lines') for (const line of result.lines) app.talk.print(line);
  }
}
