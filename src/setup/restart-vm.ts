import type { AbortOptions } from '../content.ts';
import type { MachineStatus } from '../vm/machine.ts';
import type { SetupPlaces } from './plan-setup.ts';
import { editRecord, readSetupRecord } from './write-setup.ts';

/** What has to read the files of setup anew: the virtual machine, or what stands for it. */
export interface SetupMachine {
  /** What the user calls it: `the virtual machine`. */
  readonly name: string;
  /**
   * In what state it is; undefined when there is none.
   * @throws FinchError `VM`
   */
  status(options: AbortOptions): Promise<MachineStatus | undefined>;
  /** @throws FinchError `VM` */
  stop(options: AbortOptions): Promise<void>;
  /** @throws FinchError `VM` */
  start(options: AbortOptions): Promise<void>;
}

/** Options of {@link finishRestart}. */
export interface RestartOptions extends AbortOptions, SetupPlaces {
  readonly vm: SetupMachine | undefined;
  readonly report: (line: string) => void;
}

/**
 * Starts the virtual machine anew, which reads the files when it starts, if the record says that this is left to
 * do. What fails or is interrupted stays to do.
 * @throws FinchError `VM`, `IO`
 */
export async function finishRestart(options: RestartOptions): Promise<void> {
  const { vm, report, signal, home } = options;
  const { restartPending } = (await readSetupRecord(home)).record;
  if (restartPending === undefined) return;
  const status = await vm?.status({ signal });
  const isRestart = status === 'Running' && restartPending.isDue;
  const isStart = status !== undefined && status !== 'Running' && restartPending.isStopped;
  if (vm !== undefined && isRestart) {
    report(`restarting ${vm.name}`);
    // It may stop although Lima fails at it, or finch is interrupted meanwhile.
    await editRecord(() => ({ restartPending: { isDue: true, isStopped: true } }), options);
    await vm.stop({ signal });
    await editRecord(() => ({ restartPending: { isDue: false, isStopped: true } }), options);
  }
  if (vm !== undefined && (isRestart || isStart)) {
    if (isStart) report(`starting ${vm.name}, which was stopped to restart it`);
    await vm.start({ signal });
    report(`restarted ${vm.name}`);
  } else if (status !== 'Running') {
    report(`${vm?.name ?? 'the virtual machine'} is not running, and needs no restart`);
  }
  await editRecord(({ restartPending: now }) => {
    // What became due while the machine was started is the task of whoever changed the files then.
    const isDueAgain = isRestart && now?.isDue === true;
    return { restartPending: isDueAgain ? { isDue: true, isStopped: false } : undefined };
  }, options);
}

/**
 * Forgets that the virtual machine is to be started anew: somebody has stopped or started it, and with its next
 * start it reads the files as they are.
 * @throws FinchError `CONFIG_INVALID`, `IO`
 */
export async function forgetRestart(places: SetupPlaces): Promise<void> {
  const { restartPending } = (await readSetupRecord(places.home)).record;
  if (restartPending === undefined) return;
  await editRecord(() => ({ restartPending: undefined }), places);
}
