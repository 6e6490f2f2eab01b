import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeTemporary, writeFileAtomic } from '../../host/atomic-file.ts';
import { ioError } from '../../host/io-error.ts';
import { isJsonObject } from '../../oci/json.ts';
import { machineFolder } from '../machine-folder.ts';

/** What the user has done to the native machine: containerd itself is the system's, and goes on. */
export type NativeChoice = 'stopped' | 'removed';

const CHOICES: readonly string[] = ['stopped', 'removed'] satisfies readonly NativeChoice[];

const ACCESS = { mode: 0o600, owner: 'native' } as const;

/** No file of this kind is longer, in bytes. */
const MAX_BYTES = 4096;

/** Where the choice is kept. */
function choicePath(home: string): string {
  return join(machineFolder(home).path, 'native.json');
}

/** What the user has last done; undefined when the machine is up to containerd alone. Never fails. */
export async function readChoice(home: string): Promise<NativeChoice | undefined> {
  try {
    const text = await Bun.file(choicePath(home)).slice(0, MAX_BYTES).text();
    const value: unknown = JSON.parse(text);
    const state = isJsonObject(value) ? value['state'] : undefined;
    return CHOICES.find((choice): choice is NativeChoice => choice === state);
  } catch {
    return undefined;
  }
}

/**
 * Remembers what the user has done; undefined forgets it.
 * @throws FinchError `IO`
 */
export async function writeChoice(home: string, choice: NativeChoice | undefined): Promise<void> {
  const path = choicePath(home);
  try {
    if (choice === undefined) return await rm(path, { force: true });
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await removeTemporary(path, ACCESS);
  } catch (error) {
    throw ioError(error, 'write', path);
  }
  const text = `${JSON.stringify({ state: choice })}\n`;
  await writeFileAtomic(path, new TextEncoder().encode(text), ACCESS);
}
