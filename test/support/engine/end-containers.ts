import { readdir, readFile } from 'node:fs/promises';

/**
 * Ends the containers whose containerd listens at `socket`, and what looks after each, without asking
 * that containerd.
 */
export async function killContainers(socket: string): Promise<void> {
  const processes = await allProcesses();
  const shims = processes.filter(({ words }) => isShim(words, socket)).map(({ pid }) => pid);
  const within = processes.filter(({ parent }) => shims.includes(parent)).map(({ pid }) => pid);
  for (const pid of [...within, ...shims]) kill(pid);
  while (await hasContainers(socket)) await Bun.sleep(10);
}

/** Whether a container runs whose containerd listens at `socket`. */
export async function hasContainers(socket: string): Promise<boolean> {
  return (await allProcesses()).some(({ words }) => isShim(words, socket));
}

/** Unmounts all that is mounted below `folder`. */
export async function unmountBelow(folder: string): Promise<void> {
  for (const path of (await mountsBelow(folder)).toReversed()) {
    Bun.spawnSync(['umount', '--lazy', path], { stdout: 'ignore', stderr: 'ignore' });
  }
}

/** The places below `folder` where something is mounted. */
export async function mountsBelow(folder: string): Promise<readonly string[]> {
  const lines = (await readFile('/proc/self/mounts', 'utf8')).split('\n');
  return lines.map((line) => line.split(' ')[1] ?? '').filter((path) => path.startsWith(folder));
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly words: readonly string[];
}

async function allProcesses(): Promise<readonly Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map((pid) => readProcess(pid).catch(() => undefined)));
  return found.filter((process) => process !== undefined);
}

async function readProcess(pid: number): Promise<Process> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
  return { pid, parent: Number(/^PPid:\s*(\d+)/m.exec(status)?.[1]), words };
}

function isShim(words: readonly string[], socket: string): boolean {
  return (words[0] ?? '').includes('containerd-shim') && words.includes(socket);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
