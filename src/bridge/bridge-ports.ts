import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MachineFolder } from '../vm/machine-folder.ts';

/** How many ports are remembered: a bridge has the one of the bridge before, unless another program took it. */
const MAX_PORTS = 10;

/** The ports that the bridges of a home had, the last one first. */
export async function bridgePorts(folder: MachineFolder): Promise<readonly number[]> {
  const text = await readFile(fileIn(folder), 'utf8').catch(() => '');
  const ports = text.split('\n').slice(0, MAX_PORTS).map(Number);
  return ports.filter((port) => Number.isInteger(port) && port >= 1024 && port < 65_536);
}

/** Remembers the port of the bridge that begins. */
export async function rememberPort(folder: MachineFolder, port: number): Promise<void> {
  const before = await bridgePorts(folder);
  if (before[0] === port) return;
  const ports = [port, ...before.filter((it) => it !== port)].slice(0, MAX_PORTS);
  await writeFile(fileIn(folder), `${ports.join('\n')}\n`, { mode: 0o600 });
}

function fileIn({ path }: MachineFolder): string {
  return join(path, 'bridge.port');
}
