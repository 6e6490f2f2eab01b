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
  if (!(await startsByItself(app))) {
    const { assertCan } = await import('../engine/machine-errors.ts');
    assertCan('use', state);
  }
  const { machineOptions } = await import('./machine-options.ts');
  const { bringUp } = await import('../engine/bring-up.ts');
  await bringUp(machine, 'any', await machineOptions(app, { signal }));
}

async function startsByItself({ host }: App): Promise<boolean> {
  const { finchYamlPath, readFinchYaml } = await import('../config/finch-yaml.ts');
  const yaml = await readFinchYaml(finchYamlPath(host.home), { only: ['auto_vm_start'] });
  return yaml.auto_vm_start ?? true;
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
