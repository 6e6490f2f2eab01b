import { copyFile, link, mkdir, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type Finished, finchBinary, finchEnvironment } from './finch.ts';

/** How finch gets its second name. */
export type HelperForm = 'symbolic link' | 'hard link';

/** finch under the name of a credential helper. */
export interface InstalledHelper {
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

/** Puts `docker-credential-finch` into a new folder. */
export async function installHelper(
  folder: string,
  form: HelperForm = 'symbolic link',
): Promise<InstalledHelper> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'docker-credential-finch');
  if (form === 'symbolic link') await symlink(finchBinary, path);
  // Between two file systems there is no hard link; a copy has the same name and no other.
  else await link(finchBinary, path).catch(() => copyFile(finchBinary, path));
  const PATH = `${folder}${delimiter}${process.env['PATH'] ?? ''}`;
  return {
    PATH,
    async run(args, { home, stdin = '', env = {} }) {
      const child = Bun.spawn(['docker-credential-finch', ...args], {
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
