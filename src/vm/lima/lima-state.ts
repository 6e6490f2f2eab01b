import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FinchError, systemCode } from '../../errors.ts';
import { redactText } from '../../http/redact.ts';
import { excerpt } from '../../text.ts';
import type { MachineState, MachineStatus } from '../machine.ts';
import { INSTANCE, instanceFolder, type Lima } from './find-limactl.ts';
import type { LimaContext } from './lima-disk.ts';
import { unquoteGo } from './lima-log.ts';
import { limaError, runLimactl } from './run-limactl.ts';

const NO_INSTANCE = /No instance matching|unmatched instances/i;

/** A machine of Windows' Linux is so before its first start. */
const STATUSES: Readonly<Record<string, MachineStatus>> = {
  Running: 'Running',
  Stopped: 'Stopped',
  Uninitialized: 'Stopped',
};

/** The state of no machine. */
export function nonexistent(reason: string | undefined): MachineState {
  return { status: 'Nonexistent', reason, details: {} };
}

/** Whether Lima knows a machine of finch's, in whatever state. */
export function hasInstance(lima: Lima): boolean {
  return existsSync(join(instanceFolder(lima), 'lima.yaml'));
}

/**
 * What Lima says of finch's machine.
 * @throws FinchError `VM` when it does not answer
 */
export async function limaState(lima: Lima, context: LimaContext): Promise<MachineState> {
  // Lima takes its time, and does not get on at all with a folder that has no document yet.
  if (!hasInstance(lima)) return nonexistent(undefined);
  const run = await runLimactl(lima, ['ls', '--json', INSTANCE], context);
  if (run.status !== 0) {
    if (NO_INSTANCE.test(new TextDecoder().decode(run.stderr))) return nonexistent(undefined);
    throw limaError(lima, run, {
      what: 'ask Lima for the virtual machine',
      hint: `see what it says to: LIMA_HOME=${lima.home} ${lima.program} ls`,
    });
  }
  const text = new TextDecoder().decode(run.stdout).trim();
  if (text === '') return nonexistent(undefined);
  const said = parseObject(text, lima);
  const status = STATUSES[String(said['status'])] ?? 'Broken';
  const details = detailsOf(said);
  if (status === 'Broken') {
    const fault = faultIn(new TextDecoder().decode(run.stderr));
    return { status, reason: reasonOf(fault, said['status']), details };
  }
  if (status === 'Running' && !(await hasBooted(lima))) {
    return { status: 'Broken', reason: NOT_BOOTED, details };
  }
  return { status, reason: undefined, details };
}

const NOT_BOOTED = 'it has not finished starting: wait, or begin anew with: finch vm start';

/** Lima calls a machine `Running` from its first second on. Its host agent writes down when it has booted. */
async function hasBooted(lima: Lima): Promise<boolean> {
  try {
    const events = await readFile(join(instanceFolder(lima), 'ha.stdout.log'), 'utf8');
    return events === '' || /"running":true/.test(events);
  } catch {
    // Whoever started it keeps no such log.
    return true;
  }
}

function parseObject(text: string, lima: Lima): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // It is said below.
  }
  throw new FinchError('VM', 'cannot understand what Lima says of the virtual machine', {
    hint: `see what it says to: LIMA_HOME=${lima.home} ${lima.program} ls --json`,
  });
}

/** What Lima warns of beside its answer; in the answer itself errors are empty. */
function faultIn(stderr: string): string {
  const [, quoted] = /has errors" errors=("(?:[^"\\]|\\.)*")/.exec(stderr) ?? [];
  const [, first] = /^\[(.*?)(?:\n|\]?$)/.exec(quoted === undefined ? '' : unquoteGo(quoted)) ?? [];
  return first ?? 'it was left half-way';
}

/** The end of a sentence, and behind its only colon the next step. */
function reasonOf(fault: string, status: unknown): string {
  const why = excerpt(redactText(fault)).replaceAll(': ', ', ');
  // Lima has no word for one whose document it cannot read, which cannot be started.
  return status === ''
    ? `${why}: remove it with: finch vm remove --force, and make it anew with: finch vm init; its images stay`
    : `${why}: mend it with: finch vm start`;
}

/** Names as Lima's own templates have them. https://lima-vm.io/docs/reference/limactl_list */
const DETAILS = {
  ...{ dir: 'Dir', arch: 'Arch', vmType: 'VMType', cpus: 'CPUs', memory: 'Memory', disk: 'Disk' },
  ...{ sshLocalPort: 'SSHLocalPort', hostAgentPID: 'HostAgentPID', limaVersion: 'LimaVersion' },
};

function detailsOf(said: Readonly<Record<string, unknown>>): Record<string, string | number> {
  const details: Record<string, string | number> = {};
  for (const [key, name] of Object.entries(DETAILS)) {
    const value = said[key];
    if (typeof value === 'string') details[name] = excerpt(value);
    if (typeof value === 'number') details[name] = value;
  }
  return details;
}

/** Whether Lima's host agent for the machine lives, which it does for as long as that is up. Quick. */
export async function isHostAgentAlive(lima: Lima): Promise<boolean> {
  try {
    const pid = Number(await readFile(join(instanceFolder(lima), 'ha.pid'), 'utf8'));
    if (!Number.isSafeInteger(pid) || pid <= 0) return false;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It runs for another user.
    return systemCode(error) === 'EPERM';
  }
}
