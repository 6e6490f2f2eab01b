import { availableParallelism, release, totalmem } from 'node:os';
import { finchYamlOf, withPlace } from './finch-yaml.ts';
import { refuseLostItem } from './lost-item.ts';
import { type HostSize, type MachineSettings, machineSettings } from './machine-settings.ts';
import { parseYaml } from './parse-yaml.ts';
import { readTextFile } from './text-file.ts';

/**
 * What the machine is to be, by the `finch.yaml` at a path.
 * @param host Default: this one
 * @throws FinchError `CONFIG_INVALID` with path, line and column; `IO`
 */
export async function readMachineSettings(
  path: string,
  host: HostSize = thisHost(),
): Promise<MachineSettings> {
  return settingsIn((await readTextFile(path)) ?? '', { path, host });
}

/**
 * {@link readMachineSettings} of a text.
 * @throws FinchError `CONFIG_INVALID` with path, line and column
 */
export function settingsIn(
  source: string,
  { path, host }: { readonly path: string; readonly host: HostSize },
): MachineSettings {
  const parsed = parseYaml(source, path);
  refuseLostItem(parsed, { key: 'creds_helpers', item: 'ecr-login' });
  return withPlace(parsed, () => machineSettings(finchYamlOf(parsed), host));
}

/** What this machine has. A system that finch does not know counts as Linux. */
export function thisHost(): HostSize {
  const { platform, arch } = process;
  const os = platform === 'darwin' || platform === 'win32' ? platform : 'linux';
  const macOsVersion = os === 'darwin' ? macOsOf(release()) : undefined;
  return { os, arch, cpus: availableParallelism(), memory: totalmem(), macOsVersion };
}

/** The macOS of a release of its kernel: 22 is of macOS 13, and since 25 it is one less than that of the system. */
function macOsOf(kernel: string): number | undefined {
  const major = Number.parseInt(kernel, 10);
  if (Number.isNaN(major)) return undefined;
  return major >= 25 ? major + 1 : major - 9;
}
