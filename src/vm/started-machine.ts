import { join } from 'node:path';
import type { Lima } from './lima/find-limactl.ts';
import type { Machine } from './machine.ts';
import { readMachineFile, writeMachineFile } from './machine-file.ts';
import { machineFolder } from './machine-folder.ts';

/** Which machine it is: this Linux, or the one that a Lima keeps in its folder. */
export type MachinePlace =
  | { readonly kind: 'native' }
  | { readonly kind: 'lima'; readonly lima: Lima };

/** Where it is kept which machine was started last, and not stopped since. */
function startedPath(home: string): string {
  return join(machineFolder(home).path, 'started.json');
}

/** Which machine was started last, and not stopped since by finch; undefined when none was. Never fails. */
export async function readStarted(home: string): Promise<MachinePlace | undefined> {
  const { kind, limactl, limaHome } = await readMachineFile(startedPath(home));
  if (kind === 'native') return { kind };
  if (kind !== 'lima' || typeof limactl !== 'string' || typeof limaHome !== 'string') {
    return undefined;
  }
  return { kind, lima: { program: limactl, home: limaHome } };
}

/** A machine of which it is known that it was started, so that it can be ended whatever `finch.yaml` says by then. */
export function remembered(machine: Machine, place: MachinePlace, home: string): Machine {
  const { kind } = place;
  const fact =
    kind === 'native' ? { kind } : { kind, limactl: place.lima.program, limaHome: place.lima.home };
  const thenWrite =
    <T>(act: (options: T) => Promise<void>, value: object | undefined) =>
    async (options: T) => {
      await act(options);
      await writeMachineFile(startedPath(home), value);
    };
  return {
    ...machine,
    init: thenWrite(machine.init, fact),
    start: thenWrite(machine.start, fact),
    stop: thenWrite(machine.stop, undefined),
    remove: thenWrite(machine.remove, undefined),
  };
}

/** Whether two are one machine; the programs by which it is reached may differ. */
export function isSamePlace(a: MachinePlace, b: MachinePlace): boolean {
  if (a.kind === 'native' || b.kind === 'native') return a.kind === b.kind;
  return a.lima.home === b.lima.home;
}
