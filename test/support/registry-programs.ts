import { join } from 'node:path';
import { type GoModule, programOf, programsFolder } from './go-modules.ts';

// Imports nothing but what Bun has: it also says what is built before the packages are there.

const folder = programsFolder('finch-registries');

/** The registries that `test/setup.ts` builds, where Go is: what finch pushes to beside Debian's. */
export const registryModules: readonly GoModule[] = [
  {
    path: 'github.com/distribution/distribution/v3',
    version: 'v3.1.1',
    folder: join(folder, 'distribution-3.1.1'),
    programs: ['registry'],
    versionVariable: 'github.com/distribution/distribution/v3/version.version',
  },
  {
    path: 'github.com/olareg/olareg',
    version: 'v0.1.2',
    folder: join(folder, 'olareg-0.1.2'),
    programs: ['olareg'],
    versionVariable: 'github.com/olareg/olareg/internal/version.vcsTag',
  },
];

/** The paths of the programs that are there after `test/setup.ts`, where Go is. */
export const registryPrograms = {
  distribution: programOf(registryModules, 'registry'),
  olareg: programOf(registryModules, 'olareg'),
} as const;
