import { delimiter, dirname, join } from 'node:path';
import { type GoModule, programOf, programsFolder } from '../go-modules.ts';

// Imports nothing but what Bun has: it also says what is built before the packages are there.

const folder = programsFolder('finch-engine');

/** What `test/setup.ts` builds, where Go is: what Finch 1.18 brings along, and Lima's own program. */
export const engineModules: readonly GoModule[] = [
  {
    path: 'github.com/containerd/nerdctl/v2',
    version: 'v2.2.2',
    folder: join(folder, 'nerdctl-2.2.2'),
    programs: ['nerdctl'],
    versionVariable: 'github.com/containerd/nerdctl/v2/pkg/version.Version',
    // A helper of its tests, and what that wants: a folder of its repository, which is not in the module.
    without: {
      files: ['cmd/nerdctl/helpers/testing_linux.go'],
      modules: ['github.com/containerd/nerdctl/mod/tigron'],
    },
  },
  {
    path: 'github.com/moby/buildkit',
    version: 'v0.28.1',
    folder: join(folder, 'buildkit-0.28.1'),
    programs: ['buildctl', 'buildkitd'],
    versionVariable: 'github.com/moby/buildkit/version.Version',
  },
  {
    path: 'github.com/lima-vm/lima/v2',
    version: 'v2.1.3',
    folder: join(folder, 'lima-2.1.3'),
    programs: ['limactl'],
    versionVariable: 'github.com/lima-vm/lima/v2/pkg/version.Version',
  },
];

/** The paths of the programs that are there after `test/setup.ts`, where Go is. */
export const enginePrograms = {
  nerdctl: programOf(engineModules, 'nerdctl'),
  buildctl: programOf(engineModules, 'buildctl'),
  buildkitd: programOf(engineModules, 'buildkitd'),
  limactl: programOf(engineModules, 'limactl'),
} as const;

/** Where services of the system and what they run are, which a user's PATH may not lead to. */
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A PATH with nerdctl, BuildKit and the programs of the system that they need. */
export const enginePath: string = [
  ...[enginePrograms.nerdctl, enginePrograms.buildctl].map((path) => dirname(path)),
  SYSTEM_PATH,
].join(delimiter);

/** Where the plugins are that make containers' networks: Debian's, or those of everybody else. */
export const cniFolder: string =
  ['/usr/lib/cni', '/opt/cni/bin'].find((path) => Bun.which('bridge', { PATH: path }) !== null) ??
  '/opt/cni/bin';
