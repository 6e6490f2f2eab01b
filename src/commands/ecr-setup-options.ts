import type { App } from '../app.ts';
import type { AbortOptions } from '../content.ts';
import type { SetupOptions } from '../setup/ecr-setup.ts';
import type { SetupMachine } from '../setup/restart-vm.ts';
import type { Machine } from '../vm/machine.ts';
import { machineOptions } from './machine-options.ts';

/** What `finch ecr setup` and `finch ecr unset` go to work with. */
export async function setupOptions(app: App, abort: AbortOptions): Promise<SetupOptions> {
  const { talk } = app;
  const machine = await app.machine();
  const vm = machine.kind === 'native' ? bridgeOf(app, machine) : virtualMachine(app, machine);
  return { ...machineOptions(app, abort), show: (line) => talk.print(line), vm };
}

function virtualMachine(app: App, machine: Machine): SetupMachine {
  return {
    name: 'the virtual machine',
    async status(abort) {
      const { status } = await machine.state(abort);
      return status === 'Nonexistent' ? undefined : status;
    },
    async stop(abort) {
      const { takeDown } = await import('../engine/bring-up.ts');
      await takeDown(machine, 'restart', { ...machineOptions(app, abort), force: false });
    },
    async start(abort) {
      const { bringUp } = await import('../engine/bring-up.ts');
      await bringUp(machine, 'restart', machineOptions(app, abort));
    },
  };
}

/** This Linux needs no restart: what reads the files there is the bridge. */
function bridgeOf({ host }: App, machine: Machine): SetupMachine {
  const { home, env } = host;
  return {
    name: 'the bridge to containerd',
    async status() {
      const { runningBridge } = await import('../bridge/running-bridge.ts');
      return (await runningBridge(home)) === undefined ? undefined : 'Running';
    },
    async stop() {
      const { stopBridge } = await import('../bridge/stop-bridge.ts');
      await stopBridge(home);
    },
    async start({ signal }) {
      const { ensureBridge } = await import('../bridge/ensure-bridge.ts');
      await ensureBridge(home, { machine, env, ...(signal && { signal }) });
    },
  };
}
