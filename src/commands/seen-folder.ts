import { realpathSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { App } from '../app.ts';
import { dependsOnFolder } from '../engine/file-words.ts';
import { isBelow } from '../engine/mapped-paths.ts';
import { FinchError } from '../errors.ts';

/**
 * The folder in which the user is, by a path by which the virtual machine sees it. From any other limactl would go
 * to a home folder of the machine, and what the user wrote of files would be about others.
 * @throws FinchError `VM` when the machine does not see the folder and the words may be about files in it
 */
export async function seenFolder(app: App, words: readonly string[]): Promise<string> {
  const { home, env } = app.host;
  const cwd = process.cwd();
  const ways = env['PWD'] && realPath(env['PWD']) === cwd ? [env['PWD'], cwd] : [cwd];
  const user = env['HOME'] || env['USERPROFILE'];
  // Nearly always: no settings have to be read.
  const near = seenBelow(ways, user ? [user] : []);
  if (near !== undefined) return near;
  const { finchYamlPath } = await import('../config/finch-yaml.ts');
  const { readMachineSettings, thisHost } = await import('../config/read-machine-settings.ts');
  const { limaMounts } = await import('../vm/lima/lima-mounts.ts');
  const path = finchYamlPath(home);
  const mounts = limaMounts(await readMachineSettings(path), {
    ...{ os: thisHost().os, home: user ?? home, finchHome: home },
  });
  const folders = mounts.map(({ location }) => location);
  const seen = seenBelow(ways, folders);
  if (seen !== undefined) return seen;
  if (folders.length === 0 || !dependsOnFolder(words)) return cwd;
  throw new FinchError('VM', `the virtual machine does not see ${cwd}`, {
    hint: `add it to additional_directories in ${path}, then run finch vm stop and finch vm start; or work below ${folders[0]}`,
  });
}

/** The first of `ways` that is below a folder, or the way to it through what the folder is a link to. */
function seenBelow(ways: readonly string[], folders: readonly string[]): string | undefined {
  const direct = ways.find((way) => isBelow(way, folders));
  if (direct !== undefined) return direct;
  const cwd = ways.at(-1) ?? '';
  for (const folder of folders) {
    const real = realPath(folder);
    if (real !== undefined && isBelow(cwd, [real])) return join(folder, relative(real, cwd));
  }
  return undefined;
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
