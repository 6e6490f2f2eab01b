import type { MachineSettings } from '../../config/machine-settings.ts';
import { machineFolder } from '../machine-folder.ts';
import type { LimaHost } from './lima-host.ts';

/** A folder of this machine that the virtual one sees at the same path, and may write to. */
export interface LimaMount {
  readonly location: string;
  readonly writable: true;
}

/** Where programs of macOS make temporary files. */
const MAC_FOLDERS = ['/var/folders', '/private/var/folders'];

/**
 * The folders that the machine sees: the home folder, what finch has for it, what `finch.yaml` adds, and those of
 * temporary files.
 */
export function limaMounts(
  { vmType, additionalDirectories }: MachineSettings,
  { os, home, finchHome }: Pick<LimaHost, 'os' | 'home' | 'finchHome'>,
): readonly LimaMount[] {
  // Windows shows its disks to its Linux by itself.
  if (vmType === 'wsl2') return [];
  const wanted = [
    home,
    machineFolder(finchHome).path,
    '/tmp/lima',
    ...(os === 'darwin' ? MAC_FOLDERS : []),
    ...additionalDirectories.map((path) => path.replace(/^~(?=\/|$)/, () => home)),
  ].map((path) => path.replace(/(?<=.)\/+$/, ''));
  const kept: string[] = [];
  for (const path of wanted) {
    if (!kept.some((folder) => path === folder || path.startsWith(`${folder}/`))) kept.push(path);
  }
  return kept.map((location) => ({ location, writable: true }));
}
