import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FinchError, systemCode } from '../../errors.ts';
import { redactText } from '../../http/redact.ts';
import { excerpt } from '../../text.ts';
import type { MachineState, MachineStatus } from '../machine.ts';
import { DOCUMENT_HEAD } from './document-head.ts';
import { INSTANCE, instanceFolder, type Lima } from './find-limactl.ts';
import type { LimaContext } from './lima-disk.ts';
import { unquoteGo } from './lima-log.ts';
import { limaError, ROOT_HINT, refusesRoot, runLimactl } from './run-limactl.ts';

const NO_INSTANCE = /No instance matching|unmatched instances/i;

/** A machine of Windows' Linux is so before its first start. */
const STATUSES: Readonly<Record<string, MachineStatus>> = {
  Running: 'Running',
  Stopped: 'Stopped',
  Uninitialized: 'Stopped',
};

/** The state of no machine. */
export function nonexistent(reason?: string, hint?: string): MachineState {
  return { status: 'Nonexistent', reason, hint, details: {} };
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
  if (!hasInstance(lima)) return absent(lima, context);
  const run = await runLimactl(lima, ['ls', '--json', INSTANCE], context);
  if (run.status !== 0) {
    if (NO_INSTANCE.test(new TextDecoder().decode(run.stderr))) return nonexistent();
    throw limaError(lima, run, {
      what: 'ask Lima for the virtual machine',
      hint: `see what it says to: LIMA_HOME=${lima.home} ${lima.program} ls`,
    });
  }
  const text = new TextDecoder().decode(run.stdout).trim();
  if (text === '') return nonexistent();
  const said = parseObject(text, lima);
  const status = STATUSES[String(said['status'])] ?? 'Broken';
  const details = detailsOf(said);
  if (status === 'Broken') {
    const reason = excerpt(redactText(faultIn(new TextDecoder().decode(run.stderr))));
    const hint = said['status'] === '' ? await rewriteHint(lima) : 'mend it with: finch vm start';
    return { status, reason, hint, details };
  }
  if (status === 'Running' && !(await hasBooted(lima))) {
    return { status: 'Broken', ...NOT_BOOTED, details };
  }
  return { status, reason: undefined, hint: undefined, details };
}

/** Lima does nothing for root, which else would only show when a machine is made. */
async function absent(lima: Lima, context: LimaContext): Promise<MachineState> {
  if (process.getuid?.() !== 0) return nonexistent();
  const { stderr } = await runLimactl(lima, ['--version'], context);
  const isRefused = refusesRoot(new TextDecoder().decode(stderr));
  return isRefused
    ? nonexistent('limactl must not run as the root user', ROOT_HINT)
    : nonexistent();
}

const NOT_BOOTED = {
  reason: 'it has not finished starting',
  hint: 'wait, or begin anew with: finch vm start',
};

/** What to do about a document that Lima cannot read: the next start makes that of finch anew. */
async function rewriteHint(lima: Lima): Promise<string> {
  return (await isOurs(lima))
    ? 'correct finch.yaml, if that is where it comes from, and then: finch vm start'
    : 'remove it with: finch vm remove --force, and make it anew with: finch vm init; its images stay';
}

async function isOurs(lima: Lima): Promise<boolean> {
  const document = Bun.file(join(instanceFolder(lima), 'lima.yaml'));
  return (await document.slice(0, DOCUMENT_HEAD.length).text()) === DOCUMENT_HEAD;
}

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
