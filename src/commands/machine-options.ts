import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import type { MachineOptions } from '../engine/bring-up.ts';
import { ownProgram } from '../host/own-program.ts';

/** What bringing a machine up and taking it down go to work with. */
export function machineOptions(
  { host, talk, credentialFile: configFile }: App,
  { signal }: AbortOptions,
): MachineOptions {
  return {
    ...{ home: host.home, env: host.env, configFile, program: ownProgram() },
    report: (line) => talk.note(line),
    ...(signal === undefined ? {} : { signal }),
  };
}
