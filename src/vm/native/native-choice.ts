import { join } from 'node:path';
import { readMachineFile, writeMachineFile } from '../machine-file.ts';
import { machineFolder } from '../machine-folder.ts';

/** What the user has done to the native machine: containerd itself is the system's, and goes on. */
export type NativeChoice = 'stopped' | 'removed';

const CHOICES: readonly string[] = ['stopped', 'removed'] satisfies readonly NativeChoice[];

/** Where the choice is kept. */
function choicePath(home: string): string {
  return join(machineFolder(home).path, 'native.json');
}

/** What the user has last done; undefined when the machine is up to containerd alone. Never fails. */
export async function readChoice(home: string): Promise<NativeChoice | undefined> {
  const { state } = await readMachineFile(choicePath(home));
  return CHOICES.find((choice): choice is NativeChoice => choice === state);
}

/**
 * Remembers what the user has done; undefined forgets it.
 * @throws FinchError `IO`
 */
export async function writeChoice(home: string, choice: NativeChoice | undefined): Promise<void> {
  await writeMachineFile(choicePath(home), choice && { state: choice });
}
