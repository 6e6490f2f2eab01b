import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { ActOptions } from '../machine.ts';
import { INSTANCE, instanceFolder, type Lima } from './find-limactl.ts';
import type { LimaContext } from './lima-disk.ts';
import { logTail, stageTeller } from './lima-log.ts';
import { endPendingStart, forgetStart, rememberStart, START } from './pending-start.ts';
import { askLimactl, limaError, runLimactl } from './run-limactl.ts';

/** Lima itself waits ten minutes for a machine. */
const START_MS = 660_000;

/** A guest that does not listen is given three minutes by Lima, and then ended; and three more to be seen gone. */
export const END_MS = 400_000;

/** How much of the host agent's log is looked at. */
const LOG_BYTES = 64 * 1024;

/** Options of {@link startLima}. */
interface StartOptions extends LimaContext, ActOptions {
  readonly startMs?: number;
}

/**
 * Starts the machine, and tells each stage. What runs of it when that fails or is interrupted still runs.
 * @param args what `limactl start` is told: the machine, or the document of a new one
 * @throws FinchError `VM`, after the end of the host agent's log was told; the signal's reason
 */
export async function startLima(
  lima: Lima,
  args: readonly string[],
  { env, signal, onStage, startMs = START_MS }: StartOptions,
): Promise<void> {
  const begin = Date.now();
  const run = await runLimactl(lima, [...START, ...args], {
    ...{ env, signal, timeoutMs: startMs },
    onLine: stageTeller(onStage),
    onStart: (pid) => rememberStart(lima, pid),
  }).finally(() => forgetStart(lima));
  if (run.status === 0) return;
  const log = await hostAgentLog(lima, { since: begin });
  for (const line of logTail(log)) onStage(`lima: ${line}`);
  throw limaError(lima, run, {
    what: 'start the virtual machine',
    hint: 'try again, or gather what is known with: finch support-bundle generate',
    log,
  });
}

/** The end of what the machine's host agent said in this start; empty when it said nothing. */
async function hostAgentLog(lima: Lima, { since }: { readonly since: number }): Promise<string> {
  try {
    await using file = await open(join(instanceFolder(lima), 'ha.stderr.log'), 'r');
    const { size, mtimeMs } = await file.stat();
    // File systems may count in whole seconds.
    if (mtimeMs < since - 1000) return '';
    const buffer = new Uint8Array(Math.min(size, LOG_BYTES));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, size - buffer.length);
    return new TextDecoder().decode(buffer.subarray(0, bytesRead));
  } catch {
    return '';
  }
}

/**
 * Ends the machine at once, in whatever state it is, and lets go of its disk.
 * @throws FinchError `VM`
 */
export async function endByForce(lima: Lima, context: LimaContext): Promise<void> {
  await endPendingStart(lima);
  await askLimactl(lima, ['stop', '--force', INSTANCE], {
    ...{ ...context, timeoutMs: END_MS },
    what: 'end the virtual machine',
    hint: `see what it says to: LIMA_HOME=${lima.home} ${lima.program} stop --force ${INSTANCE}`,
  });
}
