import { buildFlags, readFlags } from './nerdctl-flags.ts';

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
  const { flags } = readFlags(args, buildFlags);
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
