import type { App } from '../app.ts';

/** Commands that look for files where the user is. */
const WITH_FILES = new Set([
  'build',
  'builder',
  'compose',
  'cp',
  'create',
  'export',
  'import',
  'run',
]);

/** Says so when nerdctl is to look for files where the user is, and the virtual machine does not see that folder. */
export async function noteUnseenFolder(
  app: App,
  [first = '', second]: readonly string[],
): Promise<void> {
  const isWithFiles = WITH_FILES.has(first) || (first === 'image' && second === 'build');
  const cwd = process.cwd();
  const { home, env } = app.host;
  const user = env['HOME'] || env['USERPROFILE'];
  const { isBelow } = await import('../engine/mapped-paths.ts');
  // Nearly always: no settings have to be read.
  if (!isWithFiles || isBelow(cwd, user ? [user, home] : [home])) return;
  const { finchYamlPath } = await import('../config/finch-yaml.ts');
  const { readMachineSettings, thisHost } = await import('../config/read-machine-settings.ts');
  const { limaMounts } = await import('../vm/lima/lima-mounts.ts');
  const path = finchYamlPath(home);
  const seen = limaMounts(await readMachineSettings(path), {
    ...{ os: thisHost().os, home: user ?? home, finchHome: home },
  });
  const folders = seen.map(({ location }) => location);
  if (folders.length === 0 || isBelow(cwd, folders)) return;
  app.talk.note(
    `the virtual machine does not see ${cwd}: add it to additional_directories in ${path}, then run finch vm stop and finch vm start`,
  );
}
