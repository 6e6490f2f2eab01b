/** A word that finch hands to nerdctl with all that stands behind it. */
export interface NerdctlCommand {
  /** One word, or two where finch has the other commands of a group itself. */
  readonly path: string;
  readonly summary: string;
  /** Whether it only holds other commands: alone it shows its help. */
  readonly isGroup?: true;
}

/**
 * What nerdctl does for finch where containers are, in the order of the help. What finch does itself (images, logins,
 * registries) is not here. https://github.com/containerd/nerdctl/blob/v2.2.2/docs/command-reference.md
 */
export const nerdctlCommands: readonly NerdctlCommand[] = [
  { path: 'build', summary: 'Build an image, which is among the images of finch at once' },
  { path: 'buildx build', summary: 'Build an image, with dockercompat: true in finch.yaml' },
  { path: 'run', summary: 'Run a command in a new container' },
  { path: 'exec', summary: 'Run a command in a container that runs' },
  { path: 'ps', summary: 'List containers' },
  { path: 'logs', summary: 'Show what a container wrote' },
  { path: 'create', summary: 'Make a container without starting it' },
  { path: 'start', summary: 'Start containers' },
  { path: 'stop', summary: 'Stop containers' },
  { path: 'restart', summary: 'Stop containers and start them' },
  { path: 'kill', summary: 'Send a signal to containers' },
  { path: 'pause', summary: 'Halt all processes of containers' },
  { path: 'unpause', summary: 'Let them go on' },
  { path: 'wait', summary: 'Wait until containers have ended, and show their exit status' },
  { path: 'rm', summary: 'Remove containers' },
  { path: 'rename', summary: 'Give a container another name' },
  { path: 'update', summary: 'Change the limits of containers' },
  { path: 'attach', summary: 'Take part in what a container reads and writes' },
  { path: 'cp', summary: 'Copy files into a container or out of it' },
  { path: 'diff', summary: 'Show which files of a container have changed' },
  { path: 'commit', summary: 'Make an image of a container' },
  { path: 'export', summary: "Write a container's files to a tar archive" },
  { path: 'import', summary: 'Make an image of a tar archive of files' },
  { path: 'port', summary: 'Show the ports of a container' },
  { path: 'top', summary: 'Show the processes of a container' },
  { path: 'stats', summary: 'Show what containers use, as they run' },
  { path: 'healthcheck', summary: 'Run the health check of a container' },
  { path: 'inspect', summary: 'Show all that is known of containers or images' },
  { path: 'history', summary: 'Show how an image was made' },
  { path: 'events', summary: 'Show what happens, as it happens' },
  { path: 'compose', summary: 'Run what a compose file describes', isGroup: true },
  { path: 'container', summary: 'Work with containers', isGroup: true },
  { path: 'network', summary: 'Work with networks', isGroup: true },
  { path: 'volume', summary: 'Work with volumes', isGroup: true },
  { path: 'builder', summary: 'Work with builds and their cache', isGroup: true },
  { path: 'manifest', summary: 'Work with manifests', isGroup: true },
  { path: 'namespace', summary: 'Work with namespaces of containerd', isGroup: true },
  { path: 'checkpoint', summary: 'Work with checkpoints of containers', isGroup: true },
  { path: 'image build', summary: 'Build an image, which is among the images of finch at once' },
  { path: 'image history', summary: 'Show how an image was made' },
  { path: 'image inspect', summary: 'Show all that is known of images' },
  { path: 'image prune', summary: 'Remove images of the engine that nobody uses' },
  { path: 'image convert', summary: 'Make an image of another format' },
  { path: 'image encrypt', summary: 'Encrypt the layers of an image' },
  { path: 'image decrypt', summary: 'Decrypt the layers of an image' },
  { path: 'image import', summary: 'Make an image of a tar archive of files' },
  { path: 'system events', summary: 'Show what happens, as it happens' },
];

/** The command of nerdctl that a command line begins with, if it does. */
export function nerdctlCommandOf(words: readonly string[]): NerdctlCommand | undefined {
  const [first = '', second = ''] = words;
  return (
    nerdctlCommands.find(({ path }) => path === `${first} ${second}`) ??
    nerdctlCommands.find(({ path }) => path === first)
  );
}

/**
 * Whether words ask nerdctl for a help and nothing else. `-h` behind other words may mean anything, as the name of
 * a machine for `run` or a flag of the program in it.
 */
export function asksForHelp({ path, isGroup }: NerdctlCommand, words: readonly string[]): boolean {
  const rest = words.slice(path.split(' ').length);
  const behind = isGroup && !rest[0]?.startsWith('-') ? rest.slice(1) : rest;
  if (rest.length === 0) return isGroup === true;
  return behind.length === 1 && (behind[0] === '--help' || behind[0] === '-h');
}

/** Help of nerdctl as finch's: its name is another, and its global flags are not finch's. */
export function helpOfFinch(help: string): string {
  return help
    .replace(/^See also 'nerdctl --help'.*\n?/m, '')
    .replace(/(?<![\w/.-])nerdctl\b(?![./])/g, 'finch');
}
