import { FinchError } from '../../errors.ts';
import type { Machine } from '../machine.ts';
import { HOST_ADDRESS } from './lima-host.ts';
import { nonexistent } from './lima-state.ts';
import { installHint } from './lima-version.ts';

/** In place of the machine where Lima is missing: there is none, and none can be made. */
export function missingLima(platform: NodeJS.Platform = process.platform): Machine {
  const hint = installHint(platform);
  const fail = () => {
    throw new FinchError('VM', 'there is no virtual machine: limactl is not installed', {
      hint: `registries and images need none; to build and run containers, ${hint}`,
    });
  };
  return {
    kind: 'lima',
    hostAddress: HOST_ADDRESS,
    state: async () => nonexistent('limactl is not installed', hint),
    isUp: async () => false,
    init: async () => fail(),
    start: async () => fail(),
    stop: async () => fail(),
    remove: async () => fail(),
    command: fail,
  };
}
