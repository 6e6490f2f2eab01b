import { join } from 'node:path';
import { mustRun, type RunCommandOptions, runCommand } from './run-command.ts';
import { expectThat } from './steps.ts';

/** Somebody with finch, Lima, and a home folder of their own. */
export interface MachineUser {
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** Default: whoever runs this. */
  readonly user: RunCommandOptions['user'];
  /** The `limactl` that `finch.yaml` names. */
  readonly limactl: string;
}

/** Emulated, a machine takes minutes to start on cores that others use too. */
const START_MS = 900_000;

/** Runs finch, which must succeed. Gives its stdout. */
export function finch(one: MachineUser, ...args: readonly string[]): Promise<string> {
  return mustRun(['finch', ...args], optionsOf(one));
}

/** Runs finch, which must fail with this exit status. Gives all that it says. */
export async function finchFails(
  one: MachineUser,
  status: number,
  ...args: readonly string[]
): Promise<string> {
  const ended = await runCommand(['finch', ...args], optionsOf(one));
  expectThat(ended.exitCode === status, ended);
  return ended.stdout + ended.stderr;
}

/** Runs finch, and interrupts it when it says `word` to stderr. */
export async function interrupt(
  one: MachineUser,
  word: string,
  ...args: readonly string[]
): Promise<void> {
  const ended = await runCommand(['finch', ...args], { ...optionsOf(one), interruptAt: word });
  expectThat(ended.exitCode === 130 && ended.stderr.includes(word), ended);
}

/** Ends the program of Lima's that looks after the machine, as a crash would. */
export async function killHostAgent({ home }: MachineUser): Promise<void> {
  process.kill(Number(await Bun.file(join(home, '.finch/lima/finch/ha.pid')).text()), 'SIGKILL');
}

/** Runs a script in the machine as its user, by Lima and not by finch. Gives what it writes to either. */
export async function inMachine(one: MachineUser, script: string): Promise<string> {
  const { limactl, home } = one;
  const options = optionsOf(one);
  const ended = await runCommand(
    [limactl, 'shell', '--workdir', '/', 'finch', 'sh', '-c', script],
    {
      ...options,
      env: { ...options.env, LIMA_HOME: `${home}/.finch/lima` },
    },
  );
  return ended.stdout + ended.stderr;
}

/** The processes of this user that belong to a machine. */
export async function machineProcesses({ home }: MachineUser): Promise<readonly string[]> {
  const lines = (await mustRun(['ps', '-eo', 'stat=,args='])).split('\n');
  return lines.filter((line) => !/^Z/.test(line) && line.includes(`${home}/.finch`));
}

function optionsOf({ home, env, user }: MachineUser): RunCommandOptions & {
  readonly env: Readonly<Record<string, string>>;
} {
  return { cwd: home, env, user, timeoutMs: START_MS };
}
