import { join } from 'node:path';

// Imports nothing but what Bun has: it also says what is installed before the packages are there.

/** Where the tests' own programs of Python are. */
const folder = join(import.meta.dir, '../../../node_modules/.cache/finch-python');

/** What is installed there, as `pip` reads it: the newest AWS CLI of version 1, and stand-ins of others. */
export const pythonVersions: readonly string[] = ['awscli==1.45.11', 'moto[server]==5.2.1'];

/** The programs that are there after `test/setup.ts`, where Python is. */
export const pythonPrograms = {
  folder,
  python: join(folder, 'bin/python'),
  /** The AWS CLI. */
  aws: join(folder, 'bin/aws'),
  /** A server of many services of AWS, which checks no signature. */
  moto: join(folder, 'bin/moto_server'),
} as const;

/** The AWS CLIs of this machine, by what they are: the distribution's, of version 2, and {@link pythonVersions}'. */
export const awsClis: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    "the distribution's AWS CLI": Bun.which('aws', { PATH: '/usr/local/bin:/usr/bin' }),
    'the newest AWS CLI 1': Bun.which(pythonPrograms.aws),
  }).flatMap(([name, path]) => (path === null ? [] : [[name, path]])),
);
