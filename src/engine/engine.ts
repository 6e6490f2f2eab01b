import type { AbortOptions } from '../content.ts';
import { FinchError, systemCode } from '../errors.ts';
import { runInherited } from '../host/run-inherited.ts';
import { type ProgramRun, runProgram } from '../host/run-program.ts';
import type { Machine, MachineCommand } from '../vm/machine.ts';
import { guestWord } from './mapped-paths.ts';
import { nerdctlEnvironment, nerdctlFlags } from './nerdctl-environment.ts';

/** Around which the engine works. */
export interface EngineOptions {
  readonly machine: Machine;
  /** finch's own folder. */
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** How nerdctl is called. */
interface CallOptions {
  /** The folder of this machine in which it works. Default: that of this process. */
  readonly cwd?: string;
  /** Whether it gets images from registries only, also those that finch has. Default: false. */
  readonly asksRegistries?: boolean;
}

/** How nerdctl runs on the user's terminal. */
interface InheritedOptions extends CallOptions {
  /** What it reads in place of this program's stdin. */
  readonly input?: Uint8Array | undefined;
}

/** How the output of nerdctl is taken. */
export interface CaptureOptions extends AbortOptions {
  /** The folder of this machine in which it works. Default: that of this process. */
  readonly cwd?: string;
  /** Default: 30 seconds. */
  readonly timeoutMs?: number;
  /** The most that it may write to stdout, and to stderr. Default: 1 MiB. */
  readonly maxBytes?: number;
}

/** nerdctl in the machine, where Finch's images and containers are. Whether the machine runs, nobody here asks. */
export interface Engine {
  readonly machine: Machine;
  /**
   * How to run nerdctl with `args`. Nothing is run yet.
   * @throws FinchError `VM` when it is not installed
   */
  command(args: readonly string[], options?: CallOptions): MachineCommand;
  /**
   * Runs it to its end, without input, and gives what it wrote and its exit status.
   * @throws FinchError `VM` when it is not installed; the signal's reason
   */
  capture(args: readonly string[], options?: CaptureOptions): Promise<ProgramRun>;
  /**
   * Runs it with this program's stdin, stdout, stderr and terminal, and gives the exit status; 128 and the number of
   * the signal that ended it.
   * @throws FinchError `VM` when it cannot be started
   */
  runInherited(args: readonly string[], options?: InheritedOptions): Promise<number>;
}

const TIMEOUT_MS = 30_000;

/** The engine of a machine. Nothing is run or asked before a method is called. */
export function openEngine({ machine, home, env }: EngineOptions): Engine {
  const { kind } = machine;
  const command: Engine['command'] = (
    args,
    { cwd = process.cwd(), asksRegistries = false } = {},
  ) => {
    const flags = nerdctlFlags(args, { home, asksRegistries });
    const words = ['nerdctl', ...flags, ...args];
    const variables = nerdctlEnvironment({ kind, home, env });
    if (process.platform !== 'win32') {
      return machine.command(words, { env: variables, cwd });
    }
    const pairs = Object.entries(variables).map(([name, value]) => [name, guestWord(value)]);
    return machine.command(words.map(guestWord), { env: Object.fromEntries(pairs), cwd });
  };
  return {
    machine,
    command,
    async capture(args, { timeoutMs = TIMEOUT_MS, cwd, ...options } = {}) {
      const call = command(args, cwd === undefined ? {} : { cwd });
      const settings = { env: call.env, stdin: new Uint8Array(), timeoutMs, ...options };
      return await runProgram(call.program, call.args, settings);
    },
    async runInherited(args, { input, ...options } = {}) {
      const call = command(args, options);
      try {
        // limactl leaves its ssh alone, which then goes on.
        return await runInherited({ ...call, input, isDeaf: kind === 'lima' });
      } catch (cause) {
        const code = systemCode(cause);
        if (code === undefined) throw cause;
        throw new FinchError('VM', `cannot start ${call.program}: ${code}`, {
          ...{ hint: 'see whether it is installed as it should be', cause },
        });
      }
    },
  };
}
