import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../host/atomic-file.ts';
import { isJsonObject } from '../oci/json.ts';
import { layoutAt } from '../store/layout.ts';
import type { MachineFolder } from '../vm/machine-folder.ts';
import type { Bridge } from './bridge.ts';

/** What a bridge writes down of itself once it listens. */
export interface BridgeState extends Bridge {
  /** The address by which programs in its machine reach it. */
  readonly hostAddress: string;
  /** Which store it serves: {@link storeStamp}. */
  readonly store: string;
}

/** Who writes the files of bridges, in the names of their temporary files. */
export const OWNER = 'bridge';

/** A state has some hundred bytes. */
const MAX_BYTES = 65_536;

/**
 * What the file says; undefined when there is none, or none that a bridge wrote. Whether that bridge lives the file
 * does not tell.
 */
export async function readState({ state }: MachineFolder): Promise<BridgeState | undefined> {
  try {
    if (!existsSync(state) || statSync(state).size > MAX_BYTES) return undefined;
    const value: unknown = JSON.parse(await readFile(state, 'utf8'));
    return isJsonObject(value) && isState(value) ? value : undefined;
  } catch {
    // Who starts a bridge learns what is wrong with the folder.
    return undefined;
  }
}

function isState(value: object): value is BridgeState {
  const wanted: Readonly<Record<keyof BridgeState, 'number' | 'string'>> = {
    pid: 'number',
    version: 'string',
    port: 'number',
    token: 'string',
    socket: 'string',
    hostAddress: 'string',
    store: 'string',
  };
  const given: Readonly<Record<string, unknown>> = { ...value };
  return Object.entries(wanted).every(([name, type]) => typeof given[name] === type);
}

/** @throws FinchError `IO` */
export async function writeState(folder: MachineFolder, state: BridgeState): Promise<void> {
  const bytes = new TextEncoder().encode(`${JSON.stringify(state, undefined, 2)}\n`);
  await writeFileAtomic(folder.state, bytes, { mode: 0o600, owner: OWNER });
}

/** What tells the store of a home from one that was there before; empty when there is none. */
export function storeStamp(home: string): string {
  const found = statSync(layoutAt(join(home, 'store')).database, { throwIfNoEntry: false });
  return found === undefined ? '' : `${found.dev}:${found.ino}`;
}
