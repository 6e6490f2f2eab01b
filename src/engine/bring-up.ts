import { existsSync } from 'node:fs';
import { ensureBridge } from '../bridge/ensure-bridge.ts';
import { runningBridge } from '../bridge/running-bridge.ts';
import { stopBridge } from '../bridge/stop-bridge.ts';
import { finchYamlPath } from '../config/finch-yaml.ts';
import { readMachineSettings } from '../config/read-machine-settings.ts';
import type { AbortOptions } from '../content.ts';
import { FinchError } from '../errors.ts';
import type { SetupPlaces } from '../setup/plan-setup.ts';
import { type ReconcileOptions, reconcileHelpers } from '../setup/reconcile-helpers.ts';
import { forgetRestart } from '../setup/restart-vm.ts';
import type { Machine, MachineState } from '../vm/machine.ts';
import { machineFolder } from '../vm/machine-folder.ts';
import { openEngine } from './engine.ts';
import { assertCan } from './machine-errors.ts';
import { underMachineLock } from './machine-lock.ts';
import { sweepBuildNames } from './sweep-build-names.ts';

/** What {@link bringUp} and {@link takeDown} go to work with. Lines about what happens go to `report`. */
export interface MachineOptions extends AbortOptions, ReconcileOptions, SetupPlaces {}

/**
 * How a machine is brought up: `init` and `start` as the user says, `any` as its state asks for it, `restart` after
 * it was taken down for one: by somebody who says so, and remembers that it has to be.
 */
export type UpVerb = 'init' | 'start' | 'any' | 'restart';

const STARTING = {
  init: 'Initializing and starting Finch virtual machine...',
  start: 'Starting existing Finch virtual machine...',
} as const;

const ENDING = {
  stop: { now: 'Stopping existing', forced: 'Forcibly stopping', done: 'stopped' },
  remove: { now: 'Removing existing', forced: 'Forcibly removing', done: 'removed' },
} as const;

/**
 * Brings a machine up, and what belongs to it: the credential helpers that `finch.yaml` names, then the machine, then
 * the bridge to it. Nothing is started while a configuration is broken. Where only the bridge fails the machine
 * runs: the next that needs the bridge starts it, also when the user starts the machine again.
 * @throws FinchError `VM`, `CONFIG_INVALID`, `IO`
 */
export async function bringUp(
  machine: Machine,
  verb: UpVerb,
  options: MachineOptions,
): Promise<void> {
  const { home, env, report, signal } = options;
  const abort = signal === undefined ? {} : { signal };
  const bridge = () => ensureBridge(home, { machine, env, ...abort });
  if (verb === 'any' && (await machine.state(abort)).status === 'Running')
    return void (await bridge());
  await underMachineLock(options, async () => {
    const state = await machine.state(abort);
    // While this one waited for the lock, another may have brought it up.
    const isMeant = verb === 'init' || verb === 'start';
    if (state.status === 'Running' && (!isMeant || (await hasLostBridge(home)))) {
      if (isMeant) report('the virtual machine runs, and gets a new bridge');
      return void (await bridge());
    }
    // Nobody starts it now who could be waited for, and it is the user who mends it.
    if (verb === 'any' && state.status === 'Broken') assertCan('use', state);
    const act = actOf(verb, state);
    assertCan(act, state);
    // All of it, so that nothing is changed or started by half of a file.
    await readMachineSettings(finchYamlPath(home));
    await reconcileHelpers(options);
    if (verb !== 'restart') report(STARTING[act]);
    await machine[act]({ ...abort, onStage: report });
    if (verb !== 'restart') await forget(options);
    await bridge();
    await sweepBuildNames(openEngine({ machine, home, env }), home, abort);
    if (verb !== 'restart') report('Finch virtual machine started successfully');
  });
}

/** Whether a bridge that there was, or should have been, is not there: it was killed, or could not start. */
async function hasLostBridge(home: string): Promise<boolean> {
  return existsSync(machineFolder(home).log) && (await runningBridge(home)) === undefined;
}

function actOf(verb: UpVerb, { status }: MachineState): 'init' | 'start' {
  if (verb === 'init' || verb === 'start') return verb;
  return status === 'Nonexistent' ? 'init' : 'start';
}

/**
 * Takes a machine down, the bridge first.
 * @param verb `restart` stops it for {@link bringUp}, which has to follow
 * @throws FinchError `VM`, `IO`
 */
export async function takeDown(
  machine: Machine,
  verb: 'stop' | 'remove' | 'restart',
  { force, ...options }: MachineOptions & { readonly force: boolean },
): Promise<void> {
  const { home, report, signal } = options;
  const abort = signal === undefined ? {} : { signal };
  const act = verb === 'restart' ? 'stop' : verb;
  const { now, forced, done } = ENDING[act];
  await underMachineLock({ ...options, force }, async () => {
    const state = force ? undefined : await machine.state(abort);
    // Where no machine runs nobody has a use for it, whatever becomes of this.
    if (state?.status !== 'Running') await stopBridge(home);
    if (state !== undefined) assertCan(act, state);
    if (verb !== 'restart') report(`${force ? forced : now} Finch virtual machine...`);
    await stopBridge(home);
    await machine[act]({ ...abort, force, onStage: report });
    if (verb === 'restart') return;
    await forget(options);
    report(`Finch virtual machine ${done} successfully`);
  });
}

/** Sees to it that `finch ecr setup` does not start the machine anew, which was just seen to. */
async function forget(options: MachineOptions): Promise<void> {
  try {
    await forgetRestart(options);
  } catch (error) {
    // What setup remembers cannot be read: it says so itself, and a restart too many does no harm.
    if (!(error instanceof FinchError)) throw error;
  }
}
