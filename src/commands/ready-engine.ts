import type { App } from '../app.ts';
import type { Bridge } from '../bridge/bridge.ts';
import type { AbortOptions } from '../content.ts';
import type { Engine } from '../engine/engine.ts';
import { FinchError } from '../errors.ts';
import type { Machine, MachineState } from '../vm/machine.ts';

/** An engine that can be used now. */
export interface ReadyEngine {
  readonly engine: Engine;
  /** The bridge to it; undefined when it could not be started, which the user was told. */
  readonly bridge: Bridge | undefined;
}

/**
 * The engine, in a machine that runs: one that does not is started first, with lines on stderr, unless `finch.yaml`
 * says `auto_vm_start: false`.
 * @throws FinchError `VM` when the machine does not run, `CONFIG_INVALID`, `IO`
 */
export async function readyEngine(app: App, { signal }: AbortOptions): Promise<ReadyEngine> {
  const engine = await app.engine();
  const { machine } = engine;
  const state = await machine.state({ signal });
  if (state.status !== 'Running') await start(app, { machine, state, signal });
  return { engine, bridge: await bridgeTo(app, { machine, signal }) };
}

interface StartOptions extends AbortOptions {
  readonly machine: Machine;
  readonly state: MachineState;
}

async function start(app: App, { machine, state, signal }: StartOptions): Promise<void> {
  if (state.status === 'Broken' || !(await startsByItself(app))) throw notRunning(state);
  const { machineOptions } = await import('./machine-options.ts');
  const { bringUp } = await import('../engine/bring-up.ts');
  await bringUp(machine, 'any', await machineOptions(app, { signal }));
}

async function startsByItself({ host }: App): Promise<boolean> {
  const { finchYamlPath, readFinchYaml } = await import('../config/finch-yaml.ts');
  const yaml = await readFinchYaml(finchYamlPath(host.home), { only: 'auto_vm_start' });
  return yaml.auto_vm_start ?? true;
}

const NOT_RUNNING = {
  Nonexistent: {
    message: 'instance "finch" does not exist',
    hint: 'run `finch vm init` to create a new instance',
  },
  Stopped: {
    message: 'instance "finch" is stopped',
    hint: 'run `finch vm start` to start the instance',
  },
  Broken: {
    message: 'instance "finch" is broken',
    hint: 'run `finch vm remove --force`, and then `finch vm init`',
  },
} as const;

/** https://github.com/runfinch/finch/blob/v1.18.0/cmd/finch/nerdctl_remote.go, as a message and a hint. */
function notRunning({ status, reason }: MachineState): FinchError {
  const { message, hint } = NOT_RUNNING[status === 'Running' ? 'Stopped' : status];
  // A reason ends with the next step, behind its first colon.
  const [why, ...next] = reason?.split(': ') ?? [];
  return new FinchError('VM', why === undefined ? message : `${message}: ${why}`, {
    hint: next.length === 0 ? hint : next.join(': '),
  });
}

/** Containers run without the bridge too; only what comes over it is not there. */
async function bridgeTo(
  { host, talk }: App,
  { machine, signal }: AbortOptions & { readonly machine: Machine },
): Promise<Bridge | undefined> {
  const { ensureBridge } = await import('../bridge/ensure-bridge.ts');
  const { env, home } = host;
  try {
    return await ensureBridge(home, { machine, env, ...(signal && { signal }) });
  } catch (error) {
    if (!(error instanceof FinchError) || error.code === 'CANCELLED') throw error;
    talk.note(`containers see neither the images nor the logins of finch: ${error.message}`);
    return undefined;
  }
}
