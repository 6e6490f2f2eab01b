import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { removeTemporary, writeFileAtomic } from '../host/atomic-file.ts';
import { ioError } from '../host/io-error.ts';
import { isJsonObject } from '../oci/json.ts';

const ACCESS = { mode: 0o600, owner: 'native' } as const;

/** No file of this kind is longer, in bytes. */
const MAX_BYTES = 16 * 1024;

/** What finch has written down about its machine; empty when that is nothing. Never fails. */
export async function readMachineFile(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const value: unknown = JSON.parse(await Bun.file(path).slice(0, MAX_BYTES).text());
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}

/**
 * Writes down what finch has to know of its machine later; undefined forgets it.
 * @throws FinchError `IO`
 */
export async function writeMachineFile(path: string, value: object | undefined): Promise<void> {
  try {
    if (value === undefined) return await rm(path, { force: true });
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await removeTemporary(path, ACCESS);
  } catch (error) {
    throw ioError(error, 'write', path);
  }
  await writeFileAtomic(path, new TextEncoder().encode(`${JSON.stringify(value)}\n`), ACCESS);
}
