import { delimiter, posix } from 'node:path';
import { usualFolders } from '../registry/usual-folders.ts';
import type { Machine } from '../vm/machine.ts';
import { type MachineFolder, machineFolder } from '../vm/machine-folder.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** For which machine nerdctl is called, and by whom. */
export interface NerdctlSurroundings {
  readonly kind: Machine['kind'];
  /** finch's own folder. */
  readonly home: string;
  /** The environment of the user. */
  readonly env: Environment;
}

/** The namespace of containerd in which Finch's images and containers are. */
const NAMESPACE = 'finch';

/** Where programs are in the virtual machine. */
const GUEST_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Variables of the user that nerdctl also gets in the virtual machine. All users of this machine can read them
 * while it runs, so none that holds a secret is among them: keys of AWS stay here, and so does COSIGN_PASSWORD,
 * which only `push --sign` reads.
 */
const FOR_GUEST =
  /^(?:COMPOSE_(?:FILE|PATH_SEPARATOR|PROFILES|PROJECT_NAME|ENV_FILES|REMOVE_ORPHANS)|SOURCE_DATE_EPOCH|CONTAINERD_(?:NAMESPACE|SNAPSHOTTER)|NERDCTL_(?:EXPERIMENTAL|HOST_GATEWAY_IP)|NO_COLOR)$/;

/**
 * The variables by which nerdctl is Finch's: its images are in Finch's namespace unless the user says otherwise,
 * and who it asks for logins is finch. On this Linux itself they are added to the user's own environment.
 */
export function nerdctlEnvironment({
  kind,
  home,
  env,
}: NerdctlSurroundings): Record<string, string> {
  const folder = machineFolder(home);
  const forGuest = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && FOR_GUEST.test(name) ? [[name, value] as const] : [],
  );
  return {
    ...(kind === 'lima' && Object.fromEntries(forGuest)),
    CONTAINERD_NAMESPACE: env['CONTAINERD_NAMESPACE'] || NAMESPACE,
    DOCKER_CONFIG: folder.dockerConfig,
    FINCH_HOME: home,
    // Also where the user has none: to finch's helper it says that the engine asks.
    ...(kind === 'native' && { FINCH_DOCKER_CONFIG: env['DOCKER_CONFIG'] ?? '' }),
    PATH: pathOf(folder, { kind, env }),
  };
}

function pathOf(
  { guestBin, nativeBin }: MachineFolder,
  { kind, env }: Pick<NerdctlSurroundings, 'kind' | 'env'>,
): string {
  if (kind === 'lima') return [guestBin, GUEST_PATH].join(posix.delimiter);
  return [nativeBin, env['PATH']].filter(Boolean).join(delimiter);
}

/** For what {@link nerdctlFlags} are. */
export interface FlagOptions {
  /** finch's own folder. */
  readonly home: string;
  /** Whether images come from registries also where finch has them. */
  readonly asksRegistries: boolean;
}

/**
 * The global flags of nerdctl for a call with `args`: where it reads how registries are reached. The first folder
 * that knows a registry counts, and that of the bridge knows all, so the user's own come before it: those of this
 * call, and the usual ones.
 */
export function nerdctlFlags(
  args: readonly string[],
  { home, asksRegistries }: FlagOptions,
): readonly string[] {
  const bridge = asksRegistries ? [] : [machineFolder(home).hosts];
  const folders = [...hostsDirsIn(args), ...usualFolders(home), ...bridge];
  return ['--hosts-dir', csv(folders)];
}

/** The values of `--hosts-dir`, wherever it may stand: a folder too many changes nothing. */
function hostsDirsIn(args: readonly string[]): readonly string[] {
  return args.flatMap((word, i) => {
    if (word === '--hosts-dir') return (args[i + 1] ?? '').split(',').filter(Boolean);
    return word.startsWith('--hosts-dir=') ? word.slice(12).split(',').filter(Boolean) : [];
  });
}

/** Values as one of a flag that takes several: with quotes around those that need them. */
export function csv(values: readonly string[]): string {
  return values
    .map((value) => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value))
    .join(',');
}
