/** Options of {@link planBuild}. */
export interface BuildPlanOptions {
  /** The name of an image in the bridge's registry, as the engine writes it; undefined for a name that is none. */
  readonly bridgeName: (name: string) => string | undefined;
}

/** How nerdctl is called so that an image that it builds comes into the store. */
export interface BuildPlan {
  readonly args: readonly string[];
  /** The names that the user gave, as written. The first is pushed; the others are names of the same image. */
  readonly names: readonly [string, ...string[]];
  /** The name that the image is pushed by, which the engine is not to keep. */
  readonly pushedAs: string;
}

/** Flags of `nerdctl build`, its own and global ones, that take no value from the next word. */
const SWITCHES = new Set([
  ...['no-cache', 'pull', 'quiet', 'rm', 'help'],
  ...['debug', 'debug-full', 'insecure-registry', 'experimental', 'kube-hide-dupe'],
]);
const SHORT_SWITCHES = 'qh';

/** nerdctl adds the first name to the only output that it takes; more names it gives in the engine only. */
const OUTPUT = 'type=image,push=true,registry.insecure=true';

/**
 * A build whose image goes to the bridge's registry; undefined when the user names no image, says himself where it
 * goes, or wrote something that nerdctl will refuse: then it is left as it is.
 * @param args what stands behind `build`
 */
export function planBuild(
  args: readonly string[],
  { bridgeName }: BuildPlanOptions,
): BuildPlan | undefined {
  const flags = [...flagsIn(args)];
  if (flags.some(({ name }) => ['output', 'o', 'help', 'h'].includes(name))) return undefined;
  const [first, ...others] = flags.flatMap(({ name, value }) =>
    name === 'tag' || name === 't' ? [value ?? ''] : [],
  );
  if (first === undefined) return undefined;
  const [pushedAs, ...rest] = [first, ...others].map(bridgeName);
  if (pushedAs === undefined || rest.includes(undefined)) return undefined;
  return {
    args: ['--tag', pushedAs, '--output', OUTPUT, ...args],
    names: [first, ...others],
    pushedAs,
  };
}

interface GivenFlag {
  readonly name: string;
  readonly value: string | undefined;
}

/** The flags of a command line, as nerdctl's parser reads them. https://github.com/spf13/pflag/tree/v1.0.10 */
function* flagsIn(args: readonly string[]): Generator<GivenFlag, void> {
  for (let i = 0; i < args.length; i++) {
    const word = args[i] ?? '';
    if (word === '--') return;
    if (!word.startsWith('-') || word === '-') continue;
    if (word.startsWith('--')) {
      const [name = '', ...rest] = word.slice(2).split('=');
      const attached = rest.length > 0 ? rest.join('=') : undefined;
      yield { name, value: attached ?? (SWITCHES.has(name) ? undefined : args[++i]) };
      continue;
    }
    for (let at = 1; at < word.length; at++) {
      const name = word[at] ?? '';
      const rest = word.slice(at + 1);
      if (rest.startsWith('=')) {
        yield { name, value: rest.slice(1) };
        break;
      }
      if (SHORT_SWITCHES.includes(name)) {
        yield { name, value: undefined };
        continue;
      }
      yield { name, value: rest === '' ? args[++i] : rest };
      break;
    }
  }
}
