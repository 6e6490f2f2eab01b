import type { App } from '../app.ts';
import type { MachineDisk } from '../vm/machine.ts';
import { noDisk } from '../vm/no-machine.ts';

/**
 * The disk of the virtual machine.
 * @throws FinchError `VM` when the machine has none of its own
 */
export async function machineDisk(app: App): Promise<MachineDisk> {
  const { disk } = await app.machine();
  if (disk === undefined) throw noDisk();
  return disk;
}
