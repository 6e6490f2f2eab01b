import type { App } from '../app.ts';
import { FinchError } from '../errors.ts';
import type { MachineDisk } from '../vm/machine.ts';

/**
 * The disk of the virtual machine.
 * @throws FinchError `VM` when the machine has none of its own
 */
export async function machineDisk(app: App): Promise<MachineDisk> {
  const { disk } = await app.machine();
  if (disk === undefined) throw noDisk();
  return disk;
}

/** The error for a machine without a disk. */
export function noDisk(): FinchError {
  return new FinchError('VM', 'no disk information found for virtual machine "finch"', {
    hint: 'a virtual machine gets one with: finch vm init',
  });
}
