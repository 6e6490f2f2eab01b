import { copyFile, link, mkdir, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type Finished, finchBinary, finchEnvironment } from './finch.ts';

/** How finch gets its second name. */
export type HelperForm = 'symbolic link' | 'hard link' | 'copy';

/** finch under the name of a credential helper. */
export interface InstalledHelper {
  /** The program. */
  readonly path: string;
  /** The search path on which it is. */
  readonly PATH: string;
  /** Runs it as callers do: by its name, with one word, and the rest on stdin. */
  run(
    args: readonly string[],
    options: {
      readonly home: string;
      readonly stdin?: string;
      readonly env?: Readonly<Record<string, string>>;
    },
  ): Promise<Finished>;
}

/** Puts finch into a new folder as a credential helper: by default `docker-credential-finch`. */
export async function installHelper(
  folder: string,
  form: HelperForm = 'symbolic link',
  { name = 'docker-credential-finch' } = {},
): Promise<InstalledHelper> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, name);
  if (form === 'symbolic link') await symlink(finchBinary, path);
  else if (form === 'copy') await copyFile(finchBinary, path);
  // Between two file systems there is no hard link; a copy has the same name and no other.
  else await link(finchBinary, path).catch(() => copyFile(finchBinary, path));
  const PATH = `${folder}${delimiter}${process.env['PATH'] ?? ''}`;
  return {
    path,
    PATH,
    async run(args, { home, stdin = '', env = {} }) {
      const child = Bun.spawn([name, ...args], {
        env: { ...finchEnvironment(home), PATH, ...env },
        stdin: new TextEncoder().encode(stdin),
        ...{ stdout: 'pipe', stderr: 'pipe' },
      });
      const [stdout, stderr, exitCode] = await Promise.all([
        child.stdout.text(),
        child.stderr.text(),
        child.exited,
      ]);
      return { stdout, stderr, exitCode };
    },
  };
}
