import { mkdir } from 'node:fs/promises';

/** A small file system of its own, until it is disposed of. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** Makes it read-only. */
  lock(): void;
}

/** Mounts an empty file system of `kilobytes` at `path`. */
export async function mountSmallDisk(path: string, kilobytes: number): Promise<SmallDisk> {
  await mkdir(path, { recursive: true });
  const run = (...command: readonly string[]) => {
    const { exitCode, stderr } = Bun.spawnSync([...command], { stderr: 'pipe' });
    if (exitCode !== 0) throw new Error(`${command.join(' ')}: ${stderr.toString()}`);
  };
  run('mount', '-t', 'tmpfs', '-o', `size=${kilobytes}k,mode=755`, 'finch-test', path);
  return {
    path,
    lock: () => run('mount', '-o', 'remount,ro', path),
    [Symbol.asyncDispose]: async () => run('umount', '-l', path),
  };
}

/** Whether this process may mount file systems. */
export function mayMount(): boolean {
  const probe = 'mount -t tmpfs finch-test /mnt';
  return (
    Bun.which('unshare') !== null && Bun.spawnSync(['unshare', '-m', 'sh', '-c', probe]).success
  );
}
